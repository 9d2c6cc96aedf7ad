#!/usr/bin/env python3
"""Rules of the repository over the files that git tracks: sizes, license and file comments. Prints every violation."""
import pathlib
import re
import subprocess
import sys

# Exceptions: one list or one layout that would be harder to read in two files.
ALLOWED_SIZE = {
    "bpf/abi/config.h": 320,
    "tests/harness/layers.h": 220,
    "tests/unit/control/fake_ports.h": 210,
    "tests/unit/api/fake_node.h": 210,
}
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|home|root|tmp/build)[/-]")


def max_lines(path):
    name = pathlib.PurePath(path)
    if path in ALLOWED_SIZE:
        return ALLOWED_SIZE[path]
    if name.name == "main.cpp":
        return 150
    if name.suffix == ".h":
        return 250 if path.startswith("bpf/") else 200
    return 400 if name.suffix in (".c", ".cpp") else 800


def is_generated(path):
    return path.startswith("docs/reference/") or path.endswith(".schema.json")


def violations(path, text):
    lines = text.splitlines()
    is_code = path.endswith((".c", ".h", ".cpp"))
    if not is_generated(path) and len(lines) > max_lines(path):
        yield f"has {len(lines)} lines; at most {max_lines(path)}"
    first = lines[0] if lines else ""
    if is_code and path.startswith("bpf/") and "SPDX-License-Identifier:" not in first:
        yield "does not begin with an SPDX line"
    if path.endswith(".h") and path.startswith(("controller/", "cli/")) and not first.startswith("//"):
        yield "does not begin with a comment that describes it"
    for number, line in enumerate(lines, 1):
        if "bpf_" "printk" in line:
            yield f"line {number}: bpf_" "printk"
        if MACHINE_PATH.search(line) and path != "tests/lint/repo_rules.py":
            yield f"line {number}: a machine-specific path: {line.strip()}"


def main(root):
    listed = subprocess.run(["git", "-c", f"safe.directory={root}", "-C", root, "ls-files", "-z"],
                            capture_output=True, check=False)
    if listed.returncode != 0:
        print("skipped: not a git checkout")
        return 77
    found = 0
    for path in listed.stdout.decode().split("\0"):
        file = pathlib.Path(root, path)
        if not path or not file.is_file():
            continue
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # captures and fuzzer inputs
        for violation in violations(path, text):
            print(f"{path}: {violation}")
            found += 1
    return 1 if found else 0


sys.exit(main(sys.argv[1]))
