#!/usr/bin/env python3
"""Adds up the stack of every chain of calls in BPF objects as Linux 6.1 does (check_max_stack_depth() of
kernel/bpf/verifier.c): each function's share is rounded up to 32 bytes, and a chain may use 512. Later kernels round up
to 16 where they compile to machine code, and accept more. Prints the deepest chain of each program that 6.1 refuses.

    check_stack.py OBJECT...
"""
import struct
import sys

import bpf_object

LIMIT, ROUND = 512, 32
LOAD, STORE_VALUE, STORE = 0x01, 0x02, 0x03  # classes
MOVE, ADD = 0xBF, 0x07  # 64 bits: register to register, and of a constant
FRAME = 10


def stack_size(code: bytes) -> int:
    """The lowest byte that the function reaches from its frame pointer."""
    depth = 0
    is_frame_pointer = set()  # registers that were just copied from it
    for at in range(0, len(code), bpf_object.INSTRUCTION):
        opcode, registers, offset, operand = struct.unpack_from("<BBhi", code, at)
        target, source = registers & 0xF, registers >> 4
        kind = opcode & 0x07
        if (kind == LOAD and source == FRAME) or (kind in (STORE_VALUE, STORE) and target == FRAME):
            depth = max(depth, -offset)
        if opcode == ADD and target in is_frame_pointer:
            depth = max(depth, -operand)
        if opcode == MOVE and source == FRAME:
            is_frame_pointer.add(target)
        else:
            is_frame_pointer.discard(target)
    return depth


def deepest(sizes: dict[str, int], calls: dict[str, list[str]], name: str) -> tuple[int, list[str]]:
    depth, chain = max((deepest(sizes, calls, callee) for callee in calls[name]), default=(0, []))
    rounded = (max(sizes[name], 1) + ROUND - 1) // ROUND * ROUND
    return rounded + depth, [f"{name}({sizes[name]})", *chain]


def main() -> int:
    refused = 0
    seen = 0
    for path in sys.argv[1:]:
        functions = bpf_object.functions(path)
        calls = {function.name: sorted(set(function.calls)) for function in functions}
        sizes = {function.name: stack_size(function.code) for function in functions}
        called = {callee for callees in calls.values() for callee in callees}
        for program in calls.keys() - called:
            depth, chain = deepest(sizes, calls, program)
            seen += len(chain) > 1 and depth > ROUND
            if depth > LIMIT:
                print(f"{path}: {depth} bytes of stack, the limit is {LIMIT}: {' -> '.join(chain)}")
                refused += 1
    if not seen:
        print("no program with calls and a stack found")
        return 1
    return bool(refused)


sys.exit(main())
