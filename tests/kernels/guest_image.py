"""The initramfs that every guest has: busybox, iproute2, this project's programs, modules, and the scripts of guest/."""
import pathlib
import shutil
import subprocess
import sys

import packages
from image import Image

FOLDER = pathlib.Path(__file__).parent / "guest"
MODULES = ["veth", "tun", "sch_ingress", "cls_bpf", "nf_tables", "nft_reject_inet", "nft_ct", "nft_objref", "nft_fib_inet"]
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
SKIP = 77


def find_program(name: str) -> pathlib.Path:
    found = shutil.which(name, path=PATH)
    if not found:
        print(f"skipped: {name} is missing, see scripts/deps.sh")
        sys.exit(SKIP)
    return pathlib.Path(found)


def build(kernel: packages.Kernel, programs: list[pathlib.Path], script: str) -> Image:
    """`script`: the file of guest/ that runs after the file systems are mounted and the modules loaded."""
    image = Image()
    find_program("qemu-system-x86_64")
    busybox = find_program("busybox")
    for applet in subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split():
        image.link(f"usr/bin/{applet}", "busybox")
    image.program(busybox, "/usr/bin/busybox")
    for name in ("ip", "ethtool", "dash"):
        image.program(find_program(name), f"/usr/bin/{name}")
    for program in programs:
        image.program(program, f"/usr/bin/{program.name}")
    modules = kernel.load_order(MODULES)
    for name, content in modules:
        image.data(f"modules/{name}.ko", content)
    image.text("modules/order", "".join(f"{name}\n" for name, _ in modules))
    image.link("usr/bin/sh", "dash")  # busybox's shell prefers its own applets to the programs
    for file in FOLDER.iterdir():
        image.text(f"guest/{file.name}", file.read_text(), 0o755)
    image.text("init", (FOLDER / "init.sh").read_text(), 0o755)
    image.link("next", f"guest/{script}")
    return image
