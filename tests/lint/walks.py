#!/usr/bin/env python3
"""The walks in ARCHITECTURE.md against controller/: each function is defined in the file that the table names, an
earlier step mentions it, and a walk has at most twelve steps. Prints every violation."""
import pathlib
import re
import sys

MOST_STEPS = 12
ROW = re.compile(r"^\| [^|]+ \| `([^`]+)` \| `(\w+)\(\)` \|$", re.MULTILINE)


def walks(text):
    """Title and (file, function) rows of each walk."""
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        if title.startswith("Walk of"):
            yield title, ROW.findall(body)


def violations(root):
    found = list(walks((root / "ARCHITECTURE.md").read_text()))
    if len(found) < 2:
        yield "the walks of a manifest change and of a health transition are missing"
    for title, rows in found:
        if not 2 <= len(rows) <= MOST_STEPS:
            yield f"{title}: {len(rows)} steps; 2 to {MOST_STEPS} are allowed"
        before = ""
        for file, function in rows:
            path = root / "controller" / file
            text = path.read_text() if path.is_file() else ""
            if not text:
                yield f"{title}: there is no file controller/{file}"
            elif not re.search(rf"(^|[\s:&*]){function}\([^;]*?\)[^;{{}}]*{{", text, re.MULTILINE):
                yield f"{title}: controller/{file} does not define {function}()"
            if before and not re.search(rf"\b{function}\b", before):
                yield f"{title}: no earlier step mentions {function}()"
            before += text


def main(root):
    found = list(violations(root))
    for violation in found:
        print(f"ARCHITECTURE.md: {violation}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
