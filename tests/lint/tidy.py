#!/usr/bin/env python3
"""clang-tidy with .clang-tidy over C++ sources.

    tests/lint/tidy.py              sources that differ from the base, or of the last 20 commits if no base is known, with
                                    those of changed headers; without the analyzer, which takes most of the time
    tests/lint/tidy.py --all        all sources of the programs, of bench/ and of the tests' harness
    tests/lint/tidy.py FILE...      these

The base is origin/main, or GLB_TIDY_BASE. Commands come from a build folder without unity build and precompiled headers,
which this script configures (build/tidy) and in which it generates the BPF skeletons.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("controller/", "cli/", "appliance/", "lib/", "bench/", "docs/generate/", "tests/harness/")
# If no base is known.
COMMITS = 20
SKIPPED = 77
FINDING = re.compile(r"^(?=\S+:\d+:\d+: (?:error|warning): )", re.MULTILINE)


def git(*arguments):
    done = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "-C", ROOT, *arguments], capture_output=True, text=True,
                          check=False)
    return done.stdout.split("\n")[:-1] if done.returncode == 0 else None


def base():
    for name in filter(None, (os.environ.get("GLB_TIDY_BASE"), "origin/main")):
        merged = git("merge-base", "HEAD", name)
        # HEAD is the base: check the last commits instead.
        if merged and merged != git("rev-parse", "HEAD"):
            return merged[0]
    return None


def changed():
    since = base() or f"HEAD~{COMMITS}"
    names = git("diff", "--name-only", "--diff-filter=d", since, "--")
    if names is None:  # fewer commits than that, or a shallow clone
        names = git("diff", "--name-only", "--diff-filter=d", git("rev-list", "--max-parents=0", "HEAD")[0], "--")
    return with_sources_of_headers(newest_first(names or []))


def newest_first(names):
    """By their last change: time may not suffice for all."""
    order = (git("diff", "--name-only", "HEAD", "--") or []) + (git("log", "--format=", "--name-only", f"-{COMMITS}") or [])
    return sorted(names, key=lambda name: order.index(name) if name in order else len(order))


def with_sources_of_headers(names):
    """A header is checked with the source of the same name."""
    sources = (re.sub(r"\.h$", ".cpp", name) for name in names)
    return [name for name in dict.fromkeys(sources) if (ROOT / name).is_file()]


def commands(build):
    """Sources with a compile command, after configuring and generating what they include."""
    quiet = {"cwd": ROOT, "capture_output": True, "text": True}
    configure = ["cmake", "-S", ".", "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DGLB_PCH=OFF",
                 "-DCMAKE_UNITY_BUILD=OFF"]
    for command in (configure, ["cmake", "--build", build, "--target", "skeletons"]):
        done = subprocess.run(command, check=False, **quiet)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")
    entries = json.loads((build / "compile_commands.json").read_text())
    return {str(pathlib.Path(entry["file"]).relative_to(ROOT)) for entry in entries
            if pathlib.Path(entry["file"]).is_relative_to(ROOT)}


def is_own(finding):
    """False for a finding in a header of a library, or a generated one: the analyzer follows calls into them, and does not
    understand coroutines."""
    path = pathlib.Path(finding.split(":", 1)[0])
    return bool(finding.strip()) and path.is_relative_to(ROOT) and not path.is_relative_to(ROOT / "build")


def check(command, path, seconds):
    try:
        done = subprocess.run([*command, path], cwd=ROOT, capture_output=True, text=True, check=False,
                              timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode == 0:
        return ""
    if not done.stdout.strip():
        return done.stderr
    return "".join(finding for finding in FINDING.split(done.stdout) if is_own(finding))


def main():
    parser = argparse.ArgumentParser(prog="tests/lint/tidy.py", description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", metavar="FILE")
    parser.add_argument("--all", action="store_true", help="all sources instead of those that changed")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/tidy", help="folder of the compile commands")
    parser.add_argument("--seconds", type=int, help="start no further file after this time; the rest is listed")
    parser.add_argument("-j", type=int, default=os.cpu_count(), help="number of concurrent jobs")
    arguments = parser.parse_args()

    program = shutil.which("clang-tidy-16")
    if program is None or git("rev-parse", "HEAD") is None:
        print(f"skipped: {'not a git checkout' if program else 'clang-tidy-16 is not installed'}")
        return SKIPPED
    wanted = arguments.files or (git("ls-files") if arguments.all else changed())
    wanted = [name for name in wanted if name.endswith(".cpp") and (arguments.files or name.startswith(FOLDERS))]
    if not wanted:
        return 0
    known = commands(arguments.build)
    command = [program, "-p", arguments.build, "--quiet"]
    if not arguments.all and not arguments.files:
        command.append("--checks=-clang-analyzer-*")
    end = time.monotonic() + arguments.seconds if arguments.seconds else None
    failed, left = set(), []

    def run(path):
        if end and time.monotonic() > end:
            left.append(path)
            return path, ""
        return path, check(command, path, 300)

    with concurrent.futures.ThreadPoolExecutor(arguments.j) as pool:
        for path, findings in pool.map(run, [name for name in wanted if name in known]):
            if findings is None:
                print(f"{path}: no result within 300 seconds")
                failed.add(path)
            elif findings:
                print(findings.replace(f"{ROOT}/", ""), end="", flush=True)
                failed.add(path)
    if left:
        print(f"not checked for lack of time: {' '.join(left)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
