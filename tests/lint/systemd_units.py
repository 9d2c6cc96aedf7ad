#!/usr/bin/env python3
"""The systemd units: systemd-analyze verify must say nothing (it exits with 0 even on unknown keys), and
systemd-analyze security must find a oneshot that runs as root no more exposed than THRESHOLD tenths."""
import pathlib
import re
import subprocess
import sys
import tempfile

THRESHOLD = 50


def check(unit: pathlib.Path, folder: pathlib.Path) -> list[str]:
    # The program need not be installed here.
    copy = folder / unit.name
    copy.write_text(re.sub(r"^(Exec\w+=)\S+", r"\1/bin/true", unit.read_text(), flags=re.M))
    wrong = []
    verify = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
    said = [line for line in (verify.stdout + verify.stderr).splitlines() if unit.name in line]
    if verify.returncode or said:
        wrong.append(f"{unit}: " + ("\n".join(said) or f"systemd-analyze verify exits with {verify.returncode}: {verify.stderr}"))
    security = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={THRESHOLD}", "--no-pager", copy],
        capture_output=True, text=True)
    if security.returncode:
        wrong.append(f"{unit}: more exposed than {THRESHOLD}:\n{security.stdout}{security.stderr}")
    return wrong


def main() -> int:
    units = sorted(pathlib.Path(sys.argv[1]).glob("deploy/systemd/*.service"))
    if not units:
        print("no units found")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        wrong = [line for unit in units for line in check(unit, pathlib.Path(folder))]
    print("\n".join(wrong))
    return bool(wrong)


sys.exit(main())
