#!/usr/bin/env python3
"""Repeats the control-flow check of Linux 6.1 (check_cfg() of kernel/bpf/verifier.c) on BPF objects: a loop may be closed
by a jump, not by an instruction that falls through to the loop's head. Later kernels accept both, and the compiler
chooses. Prints one line for each loop that 6.1 refuses.

    check_loops.py OBJECT...
"""
import struct
import sys

import bpf_object

JMP, JMP32 = 0x05, 0x06
JA, CALL, EXIT = 0x00, 0x80, 0x90

# Linux 6.1.192: "back-edge from insn 2 to 3". r1 = 0; goto +1; r1 += 1; if r1 < 4 goto -2; w0 = 2; exit
REFUSED = bytes.fromhex("b701000000000000" "0500010000000000" "0701000001000000"
                        "a501feff04000000" "b400000002000000" "9500000000000000")


def edges(code: bytes, at: int):
    """The instructions after `at`, in the order in which the kernel visits them: (target, may close a loop)."""
    opcode, _, offset, _ = struct.unpack_from("<BBhi", code, at * 8)
    kind, operation = opcode & 0x07, opcode & 0xF0
    if kind not in (JMP, JMP32) or operation == CALL:
        # The second half of a 16-byte instruction is an instruction of its own here, as it is in the kernel.
        return [(at + 1, False)]
    if operation == EXIT:
        return []
    if operation == JA:
        return [(at + 1 + offset, True)]
    return [(at + 1, True), (at + 1 + offset, True)]


def refused_loops(code: bytes):
    """(from, to) of the edges that Linux 6.1 refuses: its depth-first search meets them while `to` is on its stack."""
    on_stack, done = 1, 2
    state = {0: on_stack}
    stack = [(0, iter(edges(code, 0)))]
    while stack:
        at, rest = stack[-1]
        for target, may_loop in rest:
            if target not in state:
                state[target] = on_stack
                stack.append((target, iter(edges(code, target))))
                break
            if state[target] == on_stack and not may_loop:
                yield at, target
        else:
            state[at] = done
            stack.pop()


def main() -> int:
    if list(refused_loops(REFUSED)) != [(2, 3)]:
        print("does not find the loop of the example")
        return 1
    found = 0
    seen = 0
    for path in sys.argv[1:]:
        for function in bpf_object.functions(path):
            seen += 1
            for start, end in refused_loops(function.code):
                print(f"{path}: {function.name}: back-edge from insn {start} to {end}")
                found += 1
    if not seen:
        print("no functions found")
        return 1
    return bool(found)


sys.exit(main())
