#!/usr/bin/env bash
# Runs fault-injection scenarios in network namespaces and measures what is lost. Needs root.
#   scripts/drill.sh               every scenario, with a table of the figures
#   scripts/drill.sh NAME...       only these; --list prints the names
#   scripts/drill.sh --json        one JSON document as the last line of stdout; other output goes to stderr
#   scripts/drill.sh --runs N      N runs of each; the default is 1, and more for some scenarios; the worst counts
#   scripts/drill.sh --full        full scale: downloads of 1 GB, 1,000 reloads, churn of a minute, every single fault
#   scripts/drill.sh chaos --minutes 60 --seed N    random faults for an hour; the seed repeats a run
#   scripts/drill.sh --write       updates the table of docs/reliability.md
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
