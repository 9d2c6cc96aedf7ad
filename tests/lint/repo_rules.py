#!/usr/bin/env python3
"""The rules of the house that a machine can check, over the files that git has. Every breach is told at once."""
import pathlib
import re
import subprocess
import sys

# Over their size with a reason: one list or one layout that would be harder to read in two files.
ALLOWED_SIZE = {
    "bpf/abi/config.h": 300,
    "tests/harness/layers.h": 220,
    "tests/unit/api/fake_node.h": 210,
}
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|home|root|tmp/build)[/-]")


def most_lines(path):
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


def breaches(path, text):
    lines = text.splitlines()
    is_code = path.endswith((".c", ".h", ".cpp"))
    if not is_generated(path) and len(lines) > most_lines(path):
        yield f"has {len(lines)} lines; at most {most_lines(path)}"
    first = lines[0] if lines else ""
    if is_code and path.startswith("bpf/") and "SPDX-License-Identifier:" not in first:
        yield "begins without an SPDX line"
    if path.endswith(".h") and path.startswith(("controller/", "cli/")) and not first.startswith("//"):
        yield "begins without a comment that says what it is"
    for number, line in enumerate(lines, 1):
        if "bpf_" "printk" in line:
            yield f"line {number}: bpf_" "printk"
        if MACHINE_PATH.search(line) and path != "tests/lint/repo_rules.py":
            yield f"line {number}: a path of one machine: {line.strip()}"


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
            continue  # captures, and the fuzzers' odd bytes
        for breach in breaches(path, text):
            print(f"{path}: {breach}")
            found += 1
    return 1 if found else 0


sys.exit(main(sys.argv[1]))
