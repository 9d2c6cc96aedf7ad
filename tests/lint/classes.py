#!/usr/bin/env python3
"""Classes stay small: at most 20 data members and 30 member functions. Structs without functions are values, and exempt."""
import pathlib
import re
import sys

from cpp_source import report, sources

FOLDERS = ("controller", "cli", "appliance", "lib", "bench")
MOST_MEMBERS, MOST_METHODS = 20, 30

HEAD = re.compile(r"\b(class|struct)\s+(?:\[\[\w+\]\]\s*|alignas\(\w+\)\s*)?(\w+)(?:\s+final)?(?:\s*:[^{;()]*)?\s*\{")
LABEL = re.compile(r"\b(?:public|protected|private)\s*:")
OPERATOR = re.compile(r"\boperator\s*=+")
OTHER = re.compile(r"\s*(?:using|friend|enum|class|struct|static_assert|typedef)\b")


def body_of(text, start):
    """The text between the brace before `start` and the one that closes it."""
    depth = 1
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return text[start:at]
    return text[start:]


def statements(body):
    """The declarations of a class body. What is between braces is left out."""
    statement, depth = "", 0
    for char in body:
        if char == "{":
            depth += 1
        elif char == "}":
            depth -= 1
            # The end of a function, or of an initializer, which a semicolon follows.
            if depth == 0 and re.search(r"\)[^()=]*$", statement):
                yield statement
                statement = ""
        elif depth == 0 and char == ";":
            yield statement
            statement = ""
        elif depth == 0:
            statement += char


def without_brackets(text):
    """`text` without what is between angle brackets: template arguments may contain parentheses."""
    while (shorter := re.sub(r"<[^<>]*>", "", text)) != text:
        text = shorter
    return text


def count(body):
    members = methods = 0
    for statement in statements(LABEL.sub(" ", body)):
        statement = without_brackets(statement).strip()
        if not statement or OTHER.match(statement) or statement.startswith("static constexpr"):
            continue
        if "(" in OPERATOR.sub("operator", statement).split("=")[0]:
            methods += not re.search(r"=\s*(?:delete|default)$", statement)
        else:
            members += 1 + statement.split("=")[0].count(",")
    return members, methods


def violations(root):
    for folder in FOLDERS:
        for file, text in sources(root / folder):
            for head in HEAD.finditer(text):
                members, methods = count(body_of(text, head.end()))
                where = f"{file.relative_to(root)}: {head[1]} {head[2]}"
                if members > MOST_MEMBERS and (head[1] == "class" or methods):
                    yield f"{where} has {members} data members; at most {MOST_MEMBERS} are allowed"
                if methods > MOST_METHODS:
                    yield f"{where} has {methods} member functions; at most {MOST_METHODS} are allowed"


if __name__ == "__main__":
    report(violations(pathlib.Path(sys.argv[1])))
