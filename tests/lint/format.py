#!/usr/bin/env python3
"""Every C and C++ file of the repository is formatted as .clang-format says. Lists all files that are not.

The style is that of clang-format 14 (Debian 12): other versions format some constructs differently.
"""
import shutil
import subprocess
import sys

SUFFIXES = (".c", ".h", ".cpp")
NAMES = ("clang-format-14", "clang-format")


def main(root):
    formatter = next((found for found in map(shutil.which, NAMES) if found), None)
    if formatter is None:
        print("skipped: clang-format is not installed")
        return 77
    listed = subprocess.run(["git", "-c", f"safe.directory={root}", "-C", root, "ls-files", "-z"],
                            capture_output=True, check=False)
    if listed.returncode != 0:
        print("skipped: not a git checkout")
        return 77
    paths = [path for path in listed.stdout.decode().split("\0") if path.endswith(SUFFIXES)]
    done = subprocess.run([formatter, "--dry-run", "-Werror", "--ferror-limit=1", *paths],
                          cwd=root, capture_output=True, text=True, check=False)
    wrong = sorted({line.split(":", 1)[0] for line in done.stderr.splitlines() if ": error:" in line})
    for path in wrong:
        print(f"{path}: not formatted; run clang-format -i {path}")
    if done.returncode and not wrong:
        print(done.stderr)
    return 1 if done.returncode else 0


sys.exit(main(sys.argv[1]))
