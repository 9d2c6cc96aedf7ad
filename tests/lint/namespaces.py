#!/usr/bin/env python3
"""A folder of controller/ has one namespace, and opens no other: controller/health is glb::health, its subfolders too.

controller/util and the files directly in controller/ are in glb itself. Another folder's namespace may be opened for
forward declarations alone. No using-directive for a namespace of glb: names of other folders are qualified.
"""
import pathlib
import re
import sys

from cpp_source import report, sources

IN_GLB = {"util"}

OPENED = re.compile(r"\bnamespace\s+(glb\b[\w:]*)\s*\{")
DIRECTIVE = re.compile(r"\busing\s+namespace\s+(glb\b[\w:]*)")
# A block that contains no braces and no parentheses declares classes and enumerations, and defines nothing.
FORWARD = re.compile(r"(?:\s*(?:class|struct|enum\s+class)\s+\w+(?:\s*:\s*[\w:]+)?\s*;)+\s*\}")


def namespace_of(path):
    """The namespace of a file, by its path below controller/."""
    return "glb" if len(path.parts) == 1 or path.parts[0] in IN_GLB else f"glb::{path.parts[0]}"


def violations(root):
    controller = root / "controller"
    for file, text in sources(controller):
        own = namespace_of(file.relative_to(controller))
        where = file.relative_to(root)
        for opened in OPENED.finditer(text):
            if opened[1] != own and not FORWARD.match(text, opened.end()):
                yield f"{where} opens {opened[1]}; its namespace is {own}"
        for directive in DIRECTIVE.finditer(text):
            yield f"{where} has a using-directive for {directive[1]}; qualify the names"


if __name__ == "__main__":
    report(violations(pathlib.Path(sys.argv[1])))
