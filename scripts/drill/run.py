"""Runs fault-injection scenarios and reports their figures. Called by scripts/drill.sh, which builds the tests first."""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "scripts/drill/scenarios.json"
PAGE = ROOT / "docs/reliability.md"
BEGIN, END = "<!-- scenarios: begin -->\n", "<!-- scenarios: end -->\n"
PREFIX = "scenario: "  # tests/netns/testbed/scenario.h


def figures_in(output: str) -> list[dict]:
    return [json.loads(line[len(PREFIX):]) for line in output.splitlines() if line.startswith(PREFIX)]


def execute(command: list, name: str, environment: dict, log) -> subprocess.CompletedProcess:
    """Runs a test program; lines that begin with the scenario's name are progress, and are shown at once."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          env=environment) as process:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith(name + ": "):
                print("\n    " + line.rstrip(), end="", file=log, flush=True)
    return subprocess.CompletedProcess(command, process.returncode, "".join(lines), "")


def excerpt(output: str) -> str:
    """The first failed check, which may cause all later ones, and the end."""
    head, tail = 8000, 4000
    first = max(output.find(" FAILED:"), 0)
    start = output.rfind("\n", 0, first) + 1
    if len(output) - start <= head + tail:
        return output[start:]
    return f"{output[start:start + head]}\n[...]\n{output[-tail:]}"


def run(scenario: dict, programs: pathlib.Path, runs: int, environment: dict, log) -> dict:
    result = {"name": scenario["name"], "fault": scenario["fault"], "ok": True, "runs": 0, "figures": [], "seconds": 0.0}
    begin = time.monotonic()
    for _ in range(runs):
        process = execute([programs / scenario["program"], scenario["case"]], scenario["name"], environment, log)
        result["runs"] += 1
        result["figures"] += figures_in(process.stdout)
        # Catch2 exits with 0 if no test case matches.
        if process.returncode or "No test cases matched" in process.stdout or "No tests ran" in process.stdout:
            result["ok"] = False
            result["output"] = excerpt(process.stdout)
            break
    # A test may repeat the fault by itself.
    repetitions = collections.Counter(row["scenario"] for row in result["figures"])
    result["runs"] = max(repetitions.values(), default=result["runs"])
    result["seconds"] = round(time.monotonic() - begin, 1)
    return result


def describe(result: dict) -> str:
    """One phrase for each fault of a scenario: counts summed over all runs, and the worst time."""
    totals = {}
    for row in result["figures"]:
        total = totals.setdefault(row["scenario"], {"sent": 0, "lost": 0, "milliseconds": None, "unit": row["unit"],
                                                    "outcome": row["outcome"]})
        total["sent"] += row["sent"]
        total["lost"] += row["lost"]
        if row["milliseconds"] is not None:
            total["milliseconds"] = max(total["milliseconds"] or 0, row["milliseconds"])
    phrases = []
    for name, row in totals.items():
        restored = "" if row["milliseconds"] is None else f", service restored within {row['milliseconds']:.0f} ms"
        phrases.append(f"{name}: {row['lost']:,} of {row['sent']:,} {row['unit']} {row['outcome']}{restored}")
    return "; ".join(phrases) or ("passed" if result["ok"] else "failed")


def table_row(scenario: dict, result: dict) -> str:
    return (f"| {scenario['fault']} | {'' if result['ok'] else '**failed** '}{describe(result)} ({result['runs']} run"
            f"{'s' if result['runs'] > 1 else ''}) | `scripts/drill.sh {scenario['name']}` | {scenario['aws']} "
            f"| {scenario['katran']} |")


def table(scenarios: list[dict], results: list[dict], before: str) -> str:
    """Rows of scenarios without a result are copied from `before`."""
    by_name = {result["name"]: result for result in results}
    rows = ["| fault | measured here | command | AWS GWLB | Katran |", "|---|---|---|---|---|"]
    for scenario in scenarios:
        if scenario["name"] in by_name:
            rows.append(table_row(scenario, by_name[scenario["name"]]))
        else:
            rows += [line for line in before.splitlines() if f"`scripts/drill.sh {scenario['name']}`" in line]
    return "\n".join(rows) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/drill.sh", description="Runs fault-injection scenarios in network "
                                     "namespaces and measures what is lost.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios to run (default: all)")
    parser.add_argument("--list", action="store_true", help="print the scenarios and exit")
    parser.add_argument("--json", action="store_true",
                        help="print one JSON document as the last line of stdout; other output goes to stderr")
    parser.add_argument("--runs", type=int, metavar="N",
                        help="runs of each scenario; the worst counts (default: 1, for some scenarios more)")
    parser.add_argument("--full", action="store_true", help="full scale: downloads of 1 GB, 1,000 reloads, churn of a "
                        "minute, every single fault")
    parser.add_argument("--minutes", type=int, metavar="N", help="duration of chaos (default: 1)")
    parser.add_argument("--seed", type=int, metavar="N", help="of chaos: repeats the faults of a run (default: by the clock)")
    parser.add_argument("--write", action="store_true", help="update the table of docs/reliability.md")
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build/release/bin", help=argparse.SUPPRESS)
    options = parser.parse_args()
    scenarios = json.loads(SCENARIOS.read_text())
    known = {scenario["name"] for scenario in scenarios}
    if unknown := set(options.names) - known:
        parser.error(f"unknown scenario {', '.join(sorted(unknown))}; scenarios: {', '.join(sorted(known))}")
    if options.list:
        for scenario in scenarios:
            print(f"{scenario['name']:<20} {scenario['fault']}")
        return 0
    selected = [scenario for scenario in scenarios if not options.names or scenario["name"] in options.names]
    log = sys.stderr if options.json else sys.stdout
    environment = dict(os.environ, **({"GLB_DRILL": "full", "GLB_CHURN_SECONDS": "60"} if options.full else {}))
    environment["GLB_CHAOS_SECONDS"] = str(60 * (options.minutes or 1))
    environment["GLB_CHAOS_SEED"] = str(options.seed if options.seed is not None else int(time.time()))
    results = []
    for number, scenario in enumerate(selected, 1):
        print(f"[{number}/{len(selected)}] {scenario['name']:<20} ", end="", file=log, flush=True)
        result = run(scenario, options.programs, options.runs or scenario.get("runs", 1), environment, log)
        results.append(result)
        print(f"{'ok  ' if result['ok'] else 'FAIL'} {result['seconds']:6.1f} s  {describe(result)}", file=log, flush=True)
        if not result["ok"]:
            print(result["output"], file=log)
    if options.write:
        head, rest = PAGE.read_text().split(BEGIN)
        before, rest = rest.split(END)
        PAGE.write_text(head + BEGIN + table(scenarios, results, before) + END + rest)
    if options.json:
        print(json.dumps({"ok": all(result["ok"] for result in results), "scenarios": results}))
    return 0 if all(result["ok"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
