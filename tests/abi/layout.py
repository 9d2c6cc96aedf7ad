#!/usr/bin/env python3
"""The structs of bpf/abi, for btf_test.cpp.

layout.py types HEADER...   a C file with an instance of every struct, whose BTF contains all of them
layout.py members           C++ initializers of their members, from `bpftool -j btf dump` of that BTF on standard input
"""
import json
import pathlib
import re
import sys


def print_types(headers):
    for header in headers:
        print(f'#include "abi/{header.name}"')
    for header in headers:
        for name in re.findall(r"^struct (glb_\w+) {", header.read_text(), re.MULTILINE):
            print(f"struct {name} {name}_instance;")


def print_members(dump):
    for kind in dump["types"]:
        name = kind["name"]
        if kind["kind"] != "STRUCT" or not name.startswith("glb_"):
            continue
        members = ", ".join(f'{{"{member}", offsetof({name}, {member}), sizeof {name}::{member}}}'
                            for member in (member["name"] for member in kind["members"]))
        print(f'{{"{name}", sizeof({name}), {{{members}}}}},')


if sys.argv[1] == "types":
    print_types([pathlib.Path(path) for path in sys.argv[2:]])
else:
    print_members(json.load(sys.stdin))
