"""Runs drills and tells what they measured. Called by scripts/drill.sh, which builds them first."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reliability.md"
BEGIN, END = "<!-- drills: begin -->\n", "<!-- drills: end -->\n"


def figures_of(output: str) -> list[dict]:
    return [json.loads(line[len("drill: "):]) for line in output.splitlines() if line.startswith("drill: ")]


def run(drill: dict, programs: pathlib.Path, runs: int, environment: dict) -> dict:
    result = {"name": drill["name"], "fault": drill["fault"], "ok": True, "runs": 0, "figures": [], "seconds": 0.0}
    begin = time.monotonic()
    for _ in range(runs):
        done = subprocess.run([programs / drill["program"], drill["case"]], capture_output=True, text=True,
                              env=environment, timeout=1800)
        result["runs"] += 1
        result["figures"] += figures_of(done.stdout)
        # Catch2 exits with 0 where no case matched, which proves nothing.
        if done.returncode or "No test cases matched" in done.stdout or "No tests ran" in done.stdout:
            result["ok"] = False
            result["output"] = (done.stdout + done.stderr)[-4000:]
            break
    result["seconds"] = round(time.monotonic() - begin, 1)
    return result


def measured(result: dict) -> str:
    """One line for each fault of a drill, the worst over its runs."""
    worst = {}
    for row in result["figures"]:
        before = worst.setdefault(row["drill"], {"sent": 0, "lost": 0, "milliseconds": None, "unit": row["unit"],
                                                 "fate": row["fate"]})
        before["sent"] += row["sent"]
        before["lost"] += row["lost"]
        if row["milliseconds"] is not None:
            before["milliseconds"] = max(before["milliseconds"] or 0, row["milliseconds"])
    lines = []
    for name, row in worst.items():
        again = "" if row["milliseconds"] is None else f", served again within {row['milliseconds']:.0f} ms"
        lines.append(f"{name}: {row['lost']:,} of {row['sent']:,} {row['unit']} {row['fate']}{again}")
    return "; ".join(lines) or ("holds" if result["ok"] else "does not hold")


def row(drill: dict, result: dict) -> str:
    return (f"| {drill['fault']} | {'' if result['ok'] else '**fails** '}{measured(result)} ({result['runs']} run"
            f"{'s' if result['runs'] > 1 else ''}) | `scripts/drill.sh {drill['name']}` | {drill['aws']} | {drill['katran']} |")


def table(drills: list[dict], results: list[dict], before: str) -> str:
    """Rows of drills that were not run now stay as they are in `before`."""
    run_now = {result["name"]: result for result in results}
    rows = ["| fault | measured here | repeat | AWS GWLB | Katran |", "|---|---|---|---|---|"]
    for drill in drills:
        if drill["name"] in run_now:
            rows.append(row(drill, run_now[drill["name"]]))
        else:
            rows += [line for line in before.splitlines() if f"`scripts/drill.sh {drill['name']}`" in line]
    return "\n".join(rows) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/drill.sh", description="Breaks things in network namespaces, and "
                                     "measures what is lost.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="drills to run; all without one")
    parser.add_argument("--list", action="store_true", help="name the drills, and run none")
    parser.add_argument("--json", action="store_true", help="one JSON document as the last line; the rest on stderr")
    parser.add_argument("--runs", type=int, metavar="N", help="each N times in a row; the worst counts (most: once; those "
                        "that must never fail: ten times)")
    parser.add_argument("--full", action="store_true", help="downloads of 1 GB and 1,000 reloads instead of a part")
    parser.add_argument("--write", action="store_true", help="put what was measured into the table of docs/reliability.md")
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build/release/bin", help=argparse.SUPPRESS)
    options = parser.parse_args()
    drills = json.loads((ROOT / "scripts/drill/drills.json").read_text())
    known = {drill["name"] for drill in drills}
    if unknown := set(options.names) - known:
        parser.error(f"no drill {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    if options.list:
        for drill in drills:
            print(f"{drill['name']:<16} {drill['fault']}")
        return 0
    chosen = [drill for drill in drills if not options.names or drill["name"] in options.names]
    say = sys.stderr if options.json else sys.stdout
    environment = dict(os.environ, **({"GLB_DRILL": "full", "GLB_CHURN_SECONDS": "60"} if options.full else {}))
    results = []
    for number, drill in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {drill['name']:<16} ", end="", file=say, flush=True)
        result = run(drill, options.programs, options.runs or drill.get("runs", 1), environment)
        results.append(result)
        print(f"{'ok  ' if result['ok'] else 'FAIL'} {result['seconds']:6.1f} s  {measured(result)}", file=say, flush=True)
        if not result["ok"]:
            print(result["output"], file=say)
    if options.write:
        page = PAGE.read_text()
        head, rest = page.split(BEGIN)
        before, rest = rest.split(END)
        PAGE.write_text(head + BEGIN + table(drills, results, before) + END + rest)
    if options.json:
        print(json.dumps({"ok": all(result["ok"] for result in results), "drills": results}))
    return 0 if all(result["ok"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
