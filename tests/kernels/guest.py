"""Runs a kernel and an initramfs in qemu, and reads what the guest reports."""
import json
import pathlib
import subprocess
import sys
import tempfile
import time

from image import Image
from packages import Kernel

CONSOLE_LINES = 150


class Report:
    """What the guest wrote to its second serial port: lines `NAME JSON`, the last one of each name counts."""

    def __init__(self, text: str):
        self.documents: dict[str, object] = {}
        for line in text.splitlines():
            name, _, value = line.partition(" ")
            try:
                self.documents[name] = json.loads(value)
            except json.JSONDecodeError:
                self.documents[name] = value

    def __getitem__(self, name: str):
        if name not in self.documents:
            raise KeyError(f"the guest did not report {name}; it reported {', '.join(self.documents)}")
        return self.documents[name]


def follow(process: subprocess.Popen, console: pathlib.Path, end: float) -> bool:
    """Prints the guest's progress (lines `step: ...` of the console). False: the time limit was reached."""
    shown = 0
    start = time.monotonic()
    while True:
        running = process.poll() is None
        lines = console.read_text(errors="replace").splitlines() if console.exists() else []
        for line in lines[shown:]:
            shown += 1
            if "step: " in line:
                print(f"[{time.monotonic() - start:5.1f} s] {line[line.index('step: ') + 6:]}", flush=True)
        if not running:
            return True
        if time.monotonic() > end:
            return False
        time.sleep(0.2)


def run(kernel: Kernel, image: Image, parameters: str, seconds: int, cpus: int = 1) -> Report:
    """Boots, waits until the guest powers off, and returns its report. Prints the console and exits if it does not."""
    with tempfile.TemporaryDirectory(prefix="glb-kernels-") as temporary:
        folder = pathlib.Path(temporary)
        console, report = folder / "console", folder / "report"
        image.write(folder / "initramfs")
        # The guest's clock counts its instructions: neither a busy machine nor an idle guest costs it time. So other
        # tests, which may measure time, go first.
        command = ["nice", "-n", "5", "qemu-system-x86_64", "-accel", "tcg", "-icount", "shift=3,sleep=off",
                   "-cpu", "qemu64", "-m", "1024", "-smp", str(cpus), "-nodefaults", "-no-user-config",
                   "-display", "none", "-no-reboot",
                   "-kernel", str(kernel.image), "-initrd", str(folder / "initramfs"),
                   "-append", f"console=ttyS0 quiet loglevel=5 panic=-1 {parameters}",
                   "-serial", f"file:{console}", "-serial", f"file:{report}"]
        print(f"booting {kernel.version}: {parameters}", flush=True)
        with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
            try:
                ended = follow(process, console, time.monotonic() + seconds)
            finally:
                process.kill()
        text = report.read_text(errors="replace") if report.exists() else ""
        found = Report(text)
        if ended and found.documents.get("done") is True:
            return found
        print(*console.read_text(errors="replace").splitlines()[-CONSOLE_LINES:], sep="\n")
        print(text)
        sys.exit("the guest failed" if ended else f"no end after {seconds} s")
