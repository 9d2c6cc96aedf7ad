#!/usr/bin/env python3
"""Installs into an empty folder, and checks that the tree is complete and that systemd takes the units: `systemd-analyze
verify` must print nothing (it exits with 0 even on unknown keys), and the exposure by `systemd-analyze security` must
be at most THRESHOLD tenths.

    install_test.py CMAKE BUILD SOURCE"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

THRESHOLD = 40
UNITS = ["glb-guard.service", "glbd.service"]
UNIT_FOLDER = "usr/lib/systemd/system"
FILES = {
    "usr/sbin/glbd", "usr/bin/glbctl", "usr/bin/glb-appliance",
    "usr/share/man/man8/glbd.8", "usr/share/man/man1/glbctl.1", "usr/share/man/man1/glb-appliance.1",
    "usr/share/bash-completion/completions/glbctl", "usr/share/glb/schema/manifest.schema.json",
    *(f"{UNIT_FOLDER}/{unit}" for unit in UNITS),
}
failures: list[str] = []


def check(what: str, actual: object, expected: object) -> None:
    if actual != expected:
        failures.append(f"{what}: {actual!r} instead of {expected!r}")


def install(cmake: str, build: str, prefix: str, root: pathlib.Path) -> None:
    subprocess.run([cmake, "--install", build, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL,
                   env=os.environ | {"DESTDIR": str(root)})


def programs_of(unit: pathlib.Path) -> set[str]:
    return {line.partition("=")[2].split()[0] for line in unit.read_text().splitlines() if line.startswith("Exec")}


def check_tree(root: pathlib.Path, source: pathlib.Path) -> None:
    examples = {f"usr/share/glb/examples/{path.name}" for path in source.glob("deploy/examples/*.json")}
    found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    check("missing files", sorted((FILES | examples) - found), [])
    check("other files", sorted(found - FILES - examples), [])
    for program in ("usr/sbin/glbd", "usr/bin/glbctl", "usr/bin/glb-appliance"):
        done = subprocess.run([root / program, "--version"], capture_output=True, text=True, check=False)
        check(f"{program} --version: {done.stderr}", done.returncode, 0)


def check_units(root: pathlib.Path) -> None:
    """`root` also gets the targets of this machine, which the units refer to."""
    for target in pathlib.Path("/usr/lib/systemd/system").glob("*.target"):
        shutil.copy(target, root / UNIT_FOLDER)
    verify = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={root}", *UNITS],
                            capture_output=True, text=True, check=False)
    check("systemd-analyze verify", (verify.returncode, verify.stdout + verify.stderr), (0, ""))
    for unit in UNITS:
        security = subprocess.run(["systemd-analyze", "security", "--offline=true", f"--threshold={THRESHOLD}", "--no-pager",
                                   root / UNIT_FOLDER / unit], capture_output=True, text=True, check=False)
        check(f"exposure of {unit}: {security.stdout.splitlines()[-1:]} {security.stderr}", security.returncode, 0)


def main() -> int:
    cmake, build, source = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        root, other = pathlib.Path(folder, "usr"), pathlib.Path(folder, "opt")
        install(cmake, build, "/usr", root)
        check_tree(root, pathlib.Path(source))
        check_units(root)
        install(cmake, build, "/opt/glb", other)
        named = set().union(*(programs_of(other / "opt/glb/lib/systemd/system" / unit) for unit in UNITS))
        check("programs of the units below another prefix", named, {"/opt/glb/sbin/glbd", "/opt/glb/bin/glbctl"})
    print(*failures, sep="\n")
    return bool(failures)


sys.exit(main())
