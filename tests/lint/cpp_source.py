"""C++ sources as the lints read them: without comments and the contents of strings."""
import re
import sys

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
STRING = re.compile(r'R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"', re.DOTALL)


def sources(folder):
    """(file, text) of each source and header below `folder`."""
    for file in sorted(folder.rglob("*")):
        if file.suffix in (".h", ".cpp"):
            yield file, STRING.sub('""', COMMENT.sub(" ", file.read_text()))


def report(violations):
    """Prints the lines and ends the program: with 1 if there are any."""
    wrong = list(violations)
    for line in wrong:
        print(line)
    sys.exit(1 if wrong else 0)
