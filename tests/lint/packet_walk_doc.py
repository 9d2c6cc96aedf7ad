#!/usr/bin/env python3
"""docs/packet-walk.md against bpf/: a function that it names stands in the file that it names, and every drop
that the code makes has its row. Every breach is told at once."""
import pathlib
import re
import sys

CODE = re.compile(r"`([^`]+)`")


def rows(text):
    """The cells of each row of the tables that have a file and a function."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3 and cells[0] not in ("decision", "reason", "---"):
            yield cells


def breaches(root):
    bpf = root / "bpf"
    sources = {str(path.relative_to(bpf)): path.read_text() for path in bpf.rglob("*.[ch]")}
    told = set()
    for what, where, function in rows((root / "docs/packet-walk.md").read_text()):
        files = CODE.findall(where) + [name for name in CODE.findall(function) if not name.endswith("()")]
        for name in [name for name in files if name not in sources]:
            yield f"{what}: there is no file bpf/{name}"
        for name in [name[:-2] for name in CODE.findall(function) if name.endswith("()")]:
            if not re.search(rf"^(?!\s|\*).*\b{name}\(", sources.get(files[0], ""), re.MULTILINE):
                yield f"{what}: bpf/{files[0]} has no {name}()"
        told |= {(reason, name) for reason in CODE.findall(what) for name in files}
    for name, text in sorted(sources.items()):
        for reason in sorted(set(re.findall(r"GLB_DROP_([A-Z_]+)\b", text)) - {"MAX"}):
            if not name.startswith("abi/") and (reason.lower(), name) not in told:
                yield f"bpf/{name} drops as `{reason.lower()}`: add it to the second table"


def main(root):
    found = list(breaches(root))
    for breach in found:
        print(f"docs/packet-walk.md: {breach}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
