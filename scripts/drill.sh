#!/usr/bin/env bash
# Breaks things on purpose, in network namespaces, and measures what is lost; needs root.
#   scripts/drill.sh               every drill, and a table of what was measured
#   scripts/drill.sh NAME...       some; --list names them
#   scripts/drill.sh --json        one JSON document as the last line; the rest goes to stderr
#   scripts/drill.sh --runs 1      each once; without it those that must never fail run ten times, and the worst counts
#   scripts/drill.sh --full        downloads of 1 GB and 1,000 reloads, churn of a minute
#   scripts/drill.sh --write       puts what was measured into the table of docs/reliability.md
set -euo pipefail
cd "$(dirname "$0")/.."

case " $* " in
    *" --list "* | *" --help "* | *" -h "* | *" --programs "*) ;;
    *)
        {
            scripts/deps.sh
            cmake --preset release
            cmake --build --preset release
        } >&2
        ;;
esac
exec python3 scripts/drill/run.py "$@"
