"""The functions of a BPF object (ELF, 64 bits, little endian), and which of them call which."""
import dataclasses
import struct

SHT_SYMTAB, SHT_REL, STT_FUNC = 2, 9, 2
CALL, PSEUDO_CALL = 0x85, 1
INSTRUCTION = 8


@dataclasses.dataclass
class Function:
    name: str
    code: bytes
    calls: list[str]


def functions(path: str) -> list[Function]:
    with open(path, "rb") as file:
        data = file.read()
    section_table, = struct.unpack_from("<Q", data, 0x28)
    entry_size, count = struct.unpack_from("<HH", data, 0x3A)
    sections = [struct.unpack_from("<IIQQQQIIQQ", data, section_table + i * entry_size) for i in range(count)]
    symbols = []  # (name, type, section, offset, length)
    for _, kind, _, _, offset, size, link, _, _, row in sections:
        if kind == SHT_SYMTAB:
            names = sections[link][4]
            for at in range(offset, offset + size, row):
                name, info, _, section, value, length = struct.unpack_from("<IBBHQQ", data, at)
                text = data[names + name:data.index(b"\0", names + name)].decode()
                symbols.append((text, info & 0xF, section, value, length))
    relocations = {}  # (section, offset) -> symbol
    for _, kind, _, _, offset, size, _, target, _, row in sections:
        if kind == SHT_REL:
            for at in range(offset, offset + size, row):
                place, info = struct.unpack_from("<QQ", data, at)
                relocations[target, place] = symbols[info >> 32]
    names_at = {(section, value): name for name, kind, section, value, length in symbols
                if kind == STT_FUNC and length}

    def called(section: int, at: int, operand: int) -> str:
        _, kind, where, value, _ = relocations.get((section, at), ("", 0, section, at, 0))
        # A relocation by a function's own symbol leaves the operand at -1.
        return names_at[where, value if kind == STT_FUNC else value + (operand + 1) * INSTRUCTION]

    result = []
    for name, kind, section, value, length in symbols:
        if kind != STT_FUNC or not length:
            continue
        start = sections[section][4] + value
        code = data[start:start + length]
        calls = []
        for at in range(0, length, INSTRUCTION):
            opcode, registers, _, operand = struct.unpack_from("<BBhi", code, at)
            if opcode == CALL and registers >> 4 == PSEUDO_CALL:
                calls.append(called(section, value + at, operand))
        result.append(Function(name, code, calls))
    return result
