#!/usr/bin/env python3
"""docs/packet-walk.md against bpf/: each function it names is in the file it names, each drop in the code has its row,
and folders include only those that the document lists before them. Prints every violation."""
import pathlib
import re
import sys

CODE = re.compile(r"`([^`]+)`")
INCLUDE = re.compile(r'^#include "(\w+)/(\w+\.h)"', re.MULTILINE)
STAGE_INTERFACE = ("context.h", "verdict.h")  # of pipeline/


def rows(text):
    """The cells of each row of the tables that have a file and a function."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 3 and cells[0] not in ("decision", "reason", "---"):
            yield cells


def folder_order(text):
    """The folders of the one line that consists of folder names."""
    for line in text.splitlines():
        if re.fullmatch(r"`\w+/`(, `\w+/`)+", line):
            return [name.rstrip("/") for name in CODE.findall(line)]
    return []


def table_violations(document, sources):
    documented = set()
    for what, where, function in rows(document):
        files = CODE.findall(where) + [name for name in CODE.findall(function) if not name.endswith("()")]
        for name in [name for name in files if name not in sources]:
            yield f"{what}: there is no file bpf/{name}"
        for name in [name[:-2] for name in CODE.findall(function) if name.endswith("()")]:
            if not re.search(rf"^(?!\s|\*).*\b{name}\(", sources.get(files[0], ""), re.MULTILINE):
                yield f"{what}: bpf/{files[0]} has no {name}()"
        documented |= {(reason, name) for reason in CODE.findall(what) for name in files}
    for name, text in sorted(sources.items()):
        for reason in sorted(set(re.findall(r"GLB_DROP_([A-Z_]+)\b", text)) - {"MAX"}):
            if not name.startswith("abi/") and (reason.lower(), name) not in documented:
                yield f"bpf/{name} drops as `{reason.lower()}`: add it to the second table"


def include_violations(document, sources):
    order = folder_order(document)
    for folder in sorted({name.split("/")[0] for name in sources if "/" in name} - set(order)):
        yield f"bpf/{folder}/ is missing in the list of folders"
    for name, text in sorted(sources.items()):
        folder, _, file = name.rpartition("/")
        if folder not in order or (folder == "pipeline" and file not in STAGE_INTERFACE):
            continue
        allowed = set(order[:order.index(folder)]) | {folder}
        if folder == "pipeline":  # the stages' interface is below the first stage
            allowed = set(order[:order.index("health")]) | {folder}
        for target, header in INCLUDE.findall(text):
            if target not in allowed and not (target == "pipeline" and header in STAGE_INTERFACE):
                yield f"bpf/{name} includes {target}/{header}, which is above it"
    # pipeline/context.h includes these folders, so they must not include it.
    for name, text in sorted(sources.items()):
        folder = name.rpartition("/")[0]
        if folder in order[:order.index("health")] and 'include "pipeline/' in text:
            yield f"bpf/{name} includes pipeline/, which is above it"


def main(root):
    bpf = root / "bpf"
    sources = {str(path.relative_to(bpf)): path.read_text() for path in bpf.rglob("*.[ch]")}
    document = (root / "docs/packet-walk.md").read_text()
    found = [*table_violations(document, sources), *include_violations(document, sources)]
    for violation in found:
        print(f"docs/packet-walk.md: {violation}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
