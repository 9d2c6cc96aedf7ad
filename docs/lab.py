#!/usr/bin/env python3
"""Tests the commands of pages in Markdown.

  docs/lab.py check BIN FILE...   the subcommands and options of the programs in BIN that the `sh` and `bash` blocks use
                                  exist in their --help, and `json` blocks are valid manifests
  docs/lab.py run BIN FILE        runs the `sh` blocks in one shell, as root; the output of each must contain the lines of
                                  the `text` block that follows (in any order; `…` is any text; white space is ignored)

The last `sh` block cleans up. It runs in every case. Exit status 77: a prerequisite is missing."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

PROGRAMS = ("glbd", "glbctl", "glb-appliance")
WRAPPERS = {"ctl": "glbctl"}  # shell functions of the page
TIMEOUT = 180
MARK = "@@ block"


def blocks(text):
    """(language, line, body) of each fenced block."""
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield match[1], text.count("\n", 0, match.start()) + 1, match[2]


# --- check


def commands(body):
    """The words of each command of one of the programs."""
    body = re.sub(r"<<'(\w+)'(.*?)\n.*?^\1$", r"\2", body, flags=re.MULTILINE | re.DOTALL).replace("\\\n", " ")
    for line in body.splitlines():
        for command in re.split(r"[;|&]|\bdo\b|\buntil\b|\$\(|#", line):
            words = re.sub(r"[<>]+\s*\S+", "", command).split()
            for at, word in enumerate(words):
                name = WRAPPERS.get(word, word)
                if name in PROGRAMS and (at == 0 or words[0] in ("on", "sudo")):
                    yield name, words[at + 1:]
                    break


def options_of(help_text):
    return set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", help_text))


def help_of(folder, *words):
    result = subprocess.run([folder / words[0], *words[1:], "--help"], capture_output=True, text=True, check=False)
    return result.stdout if result.returncode == 0 else None


def errors_of(folder, name, words):
    known = options_of(help_of(folder, name))
    if name == "glbctl":
        subcommands = re.findall(r"^  ([a-z]+) ", help_of(folder, name).split("Subcommands:")[1], re.MULTILINE)
        subcommand = next((word for word in words if word in subcommands), None)
        if subcommand is None:
            if "--help" not in words:
                yield f"glbctl has no command in: {' '.join(words)}"
            return
        known |= options_of(help_of(folder, name, subcommand))
    for word in words:
        if word.startswith("-") and word != "-" and word.split("=")[0] not in known:
            yield f"{name} has no option {word}"


def manifest_errors(folder, body):
    result = subprocess.run([folder / "glbctl", "check", "-"], input=body, capture_output=True, text=True, check=False)
    return result.stderr.splitlines() if result.returncode else []


def check(page, folder):
    for language, line, body in blocks(page.read_text()):
        errors = manifest_errors(folder, body) if language == "json" else []
        if language in ("sh", "bash"):
            errors = [error for name, words in commands(body) for error in errors_of(folder, name, words)]
        for error in errors:
            yield f"{page}:{line}: {error}"


# --- run


def pattern(line):
    """A regular expression for an expected line: `…` is any text, a space any white space."""
    return re.compile(r"\s+".join(re.escape(word).replace("…", ".*") for word in line.split()))


def execute(steps, folder):
    script = "".join(f"echo '{MARK} {number}'\n{body}" for number, (body, _) in enumerate(steps[:-1]))
    script = f"cleanup() {{\necho '{MARK} {len(steps) - 1}'\n{steps[-1][0]}\n}}\ntrap cleanup EXIT\n{script}"
    with tempfile.TemporaryFile("w+") as output:
        shell = subprocess.Popen(["bash", "-c", script], stdout=output, stderr=subprocess.STDOUT,
                                 stdin=subprocess.DEVNULL, start_new_session=True,
                                 env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"})
        try:
            shell.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGTERM)  # the trap cleans up
            shell.wait(30)
        output.seek(0)
        text = output.read()
    found = re.split(rf"^{MARK} (\d+)\n", text, flags=re.MULTILINE)
    return text, dict(zip(map(int, found[1::2]), found[2::2]))


def run(page, folder):
    steps = []  # [body, expected lines with their line numbers]
    for language, line, body in blocks(page.read_text()):
        if language == "sh":
            steps.append((body, []))
        elif language == "text":
            steps[-1][1].extend((line + 1 + at, text) for at, text in enumerate(body.splitlines()))
    text, outputs = execute(steps, folder)
    failed = False
    for number, (_, expected) in enumerate(steps):
        for line, wanted in expected:
            if not pattern(wanted).search(outputs.get(number, "")):
                failed = True
                yield f"{page}:{line}: not in the output: {wanted}"
    if failed:
        print(text)


def main(action, folder, pages):
    folder = pathlib.Path(folder).resolve()
    if action == "run" and (os.geteuid() != 0 or not all(map(shutil.which, ("nft", "curl", "ethtool", "ping")))):
        print("SKIP: needs root, nft, curl, ethtool and ping")
        return 77
    test = {"check": check, "run": run}[action]
    errors = [error for page in pages for error in test(pathlib.Path(page), folder)]
    print("\n".join(errors))
    return 1 if errors else 0


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in ("check", "run"):
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
