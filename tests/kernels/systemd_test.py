#!/usr/bin/env python3
"""Boots Debian's kernel with systemd as the first process, the installed units, and the state of an earlier boot
(guest/systemd.sh).

    systemd_test.py SERIES CMAKE BUILD CACHE"""
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile

import guest
import guest_image
import packages
from image import Image

SECONDS = 600  # 40 on an idle machine
UNITS = pathlib.Path("/usr/lib/systemd/system")
MANIFEST = (guest_image.FOLDER / "manifest.json").read_text()
NETWORK = """[Unit]
Wants=network-pre.target
After=network-pre.target
Before=network.target glbd.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/guest/network.sh
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
[Install]
WantedBy=multi-user.target
"""
SCENARIO = """[Unit]
After=network.service
[Service]
Type=oneshot
ExecStart=/guest/systemd.sh
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
TimeoutStartSec=infinity
[Install]
WantedBy=multi-user.target
"""


def install(cmake: str, build: str, root: pathlib.Path) -> None:
    subprocess.run([cmake, "--install", build, "--prefix", "/usr"], check=True, stdout=subprocess.DEVNULL,
                   env=os.environ | {"DESTDIR": str(root)})
    units = root / "usr/lib/systemd/system"
    (units / "network.service").write_text(NETWORK)
    (units / "scenario.service").write_text(SCENARIO)
    subprocess.run(["systemctl", f"--root={root}", "-q", "enable", "glbd", "glb-guard", "network", "scenario"], check=True)


def add_installed(image: Image, root: pathlib.Path) -> None:
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if path.is_symlink():
            image.link(name, os.readlink(path))
        elif name in ("usr/sbin/glbd", "usr/bin/glbctl", "usr/bin/glb-appliance"):
            image.program(path, name)
        elif path.is_file() and name.startswith("usr/lib/systemd"):
            image.copy(path, name)


def add_systemd(image: Image) -> None:
    for program in ("/usr/lib/systemd/systemd", "/usr/bin/systemctl", "/usr/lib/systemd/systemd-cgroups-agent"):
        image.program(pathlib.Path(program))
    for target in UNITS.glob("*.target"):
        image.copy(target)
    image.link("etc/systemd/system/default.target", str(UNITS / "multi-user.target"))
    image.text("etc/machine-id", f"{1:032x}\n")
    image.text("etc/os-release", "ID=glb\n")
    image.text("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
    image.text("etc/group", "root:x:0:\nglb:x:990:\n")
    image.text("etc/nsswitch.conf", "passwd: files\ngroup: files\n")
    image.folder("var/tmp", 0o1777)


def add_state(image: Image) -> None:
    """The manifest that an earlier boot applied, and the file that an operator wrote."""
    content = MANIFEST.encode()
    image.folder("var/lib/glb", 0o700)
    image.data("var/lib/glb/manifest", f"glb-kept 1 {len(content)} {hashlib.sha256(content).hexdigest()}\n".encode() + content, 0o600)
    image.text("etc/glb/manifest.json", MANIFEST)
    image.text("etc/systemd/system/glbd.service.d/log.conf", "[Service]\nStandardError=append:/run/glbd.log\n")
    image.text("etc/systemd/system/glb-guard.service.d/log.conf", "[Service]\nStandardError=append:/run/guard.log\n")


def main() -> int:
    series, cmake, build, cache = sys.argv[1:]
    kernel = packages.fetch(series, pathlib.Path(cache))
    image = guest_image.build(kernel, [], "boot.sh")
    add_systemd(image)
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        install(cmake, build, root)
        add_installed(image, root)
    add_state(image)
    report = guest.run(kernel, image, "systemd.show_status=0 systemd.log_target=kmsg", SECONDS)
    drops = {row["reason"]: row["packets"] for row in report["drops"]["drops"] if row["packets"]}
    failures = [f"{what}: {found!r}" for what, found in
                (("drops", drops), ("warnings in the log", report["log"]), ("not ready", report["status"]["notReadyReason"])) if found]
    print(*failures, sep="\n")
    return bool(failures)


sys.exit(main())
