#!/usr/bin/env python3
"""Includes point downward only: the dependency rules of controller/, cli/, appliance/ and bpf/.

A folder of controller/ may include folders of lower levels. Folders of one level must not include each other.
"""
import pathlib
import re
import sys

LEVELS = [
    {"main"},
    {"adapters"},
    {"api"},
    {"control"},  # above observe, since it publishes the snapshot and uses the scans
    {"observe"},
    {"health", "guard", "datapath", "state"},
    {"plan"},
    {"tunnel"},  # above network, whose Path it writes
    {"network", "config"},
    {"documents", "abi"},
    {"util"},
]
LEVEL = {role: number for number, roles in enumerate(LEVELS) for role in roles}

# The pipeline of bpf/: a folder includes only folders before it.
PIPELINE = ["abi", "lib", "verdict", "maps", "telemetry", "parse", "classify", "flow", "context", "health", "steer",
            "tunnel", "forward", "reset", "pipeline", "programs"]
# The interface of the stages in pipeline/: each header has its own position.
POSITIONS = {"pipeline/verdict.h": "verdict", "pipeline/context.h": "context"}

# Libraries that only some roles may include, by a prefix of the included path.
LIBRARIES = {
    "bpf/": {"datapath", "guard"},
    "xdp/": {"datapath"},
    "libmnl/": {"guard"},
    "lib/netlink/": {"network", "guard", "plan", "adapters"},
    "lib/http/": {"api", "main"},
    "nftables/": {"guard"},
    "linux/rtnetlink": {"network", "guard"},
    "linux/netlink": {"network", "guard"},
}
# Folders outside of controller/, and the roles of it that they may include.
OUTSIDE = {"lib": {"util"}, "appliance": {"util"}, "cli": {"observe", "documents", "config", "util"}}

# Classes that run a role: other roles use their ports and values. Only the daemon and the adapters connect them.
CONCRETE = {f"controller/{path}" for path in (
    "control/control_loop.h", "guard/guard.h", "health/health_engine.h", "health/health_thread.h", "state/store.h")}

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)


def role_of(path):
    """The role of a file below controller/; files outside of the folders belong to main."""
    parts = pathlib.PurePath(path).parts
    return parts[1] if len(parts) > 2 else "main"


def violation_in_controller(path, included):
    role = role_of(path)
    if role not in LEVEL:
        return f"controller/{role} has no level in tests/lint/layers.py"
    for prefix, allowed in LIBRARIES.items():
        if included.startswith(prefix) and role not in allowed:
            return f"only {', '.join(sorted(allowed))} may include <{prefix}...>"
    if role == "config" and included.startswith(("linux/", "net/")):
        return "config must not include kernel headers"
    if included == "controller/config/manifest.h" and role == "health":
        return "health has its own value types, and must not include the manifest"
    if included.startswith(("api/", "cli/", "appliance/")):
        return "controller must not include headers of the other programs"
    if not included.startswith("controller/"):
        return None
    other = role_of(included)
    if other == role:
        return None
    if other not in LEVEL:
        return f"controller/{other} has no level in tests/lint/layers.py"
    if included in CONCRETE and role not in ("main", "adapters"):
        return f"only the daemon and the adapters include the concrete {other}"
    if LEVEL[other] < LEVEL[role]:
        return f"{other} is above {role}"
    if LEVEL[other] == LEVEL[role]:
        return f"{other} and {role} are on one level"
    return None


def violation_outside(path, included):
    folder = pathlib.PurePath(path).parts[0]
    if not included.startswith("controller/"):
        return None
    allowed = OUTSIDE[folder]
    if role_of(included) in allowed:
        return None
    return f"{folder} includes only {', '.join(sorted(allowed))} of controller"


def bpf_position(path):
    parts = pathlib.PurePath(path).parts
    return POSITIONS.get(path, parts[0] if len(parts) > 1 else "programs")


def violation_in_bpf(path, included, bpf):
    if not (bpf / included).is_file():
        return None
    own, other = bpf_position(path), bpf_position(included)
    for position in (own, other):
        if position not in PIPELINE:
            return f"bpf/{position} has no position in tests/lint/layers.py"
    if PIPELINE.index(other) > PIPELINE.index(own):
        return f"{other} is after {own} in the pipeline"
    return None


def violations(root):
    """Pairs of (file, include) with the rule that each violates."""
    for folder in ("controller", *OUTSIDE):
        for file in sorted((root / folder).rglob("*")):
            if file.suffix not in (".h", ".cpp"):
                continue
            path = str(file.relative_to(root))
            check = violation_in_controller if folder == "controller" else violation_outside
            for included in INCLUDE.findall(file.read_text()):
                if rule := check(path, included):
                    yield (path, included), rule
    bpf = root / "bpf"
    for file in sorted(bpf.rglob("*.[ch]")):
        path = str(file.relative_to(bpf))
        for included in INCLUDE.findall(file.read_text()):
            if rule := violation_in_bpf(path, included, bpf):
                yield (f"bpf/{path}", included), rule


def main(root):
    lines = [f"{path} includes {included}: {rule}" for (path, included), rule in violations(root)]
    lines += [f"tests/lint/layers.py: there is no controller/{role}: remove its level"
              for role in LEVEL if role not in ("main", "abi") and not (root / "controller" / role).is_dir()]
    for line in lines:
        print(line)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
