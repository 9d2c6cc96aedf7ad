#!/usr/bin/env python3
"""The systemd units: systemd-analyze verify must print nothing (it exits with 0 even on unknown keys), and
the exposure by systemd-analyze security must be at most THRESHOLD tenths."""
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
    violations = []
    verify = subprocess.run(["systemd-analyze", "verify", "--man=no", copy], capture_output=True, text=True)
    messages = [line for line in (verify.stdout + verify.stderr).splitlines() if unit.name in line]
    if verify.returncode or messages:
        violations.append(f"{unit}: " + ("\n".join(messages) or f"systemd-analyze verify exits with {verify.returncode}: {verify.stderr}"))
    security = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={THRESHOLD}", "--no-pager", copy],
        capture_output=True, text=True)
    if security.returncode:
        violations.append(f"{unit}: more exposed than {THRESHOLD}:\n{security.stdout}{security.stderr}")
    return violations


def main() -> int:
    units = sorted(pathlib.Path(sys.argv[1]).glob("deploy/systemd/*.service"))
    if not units:
        print("no units found")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        violations = [line for unit in units for line in check(unit, pathlib.Path(folder))]
    print("\n".join(violations))
    return bool(violations)


sys.exit(main())
