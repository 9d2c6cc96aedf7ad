#!/usr/bin/env python3
"""Boots a Debian kernel in qemu, where glbd, glbctl and glb-appliance forward traffic (guest/kernel.sh).

    kernel_test.py SERIES BIN CACHE [KERNEL PARAMETER...]

SERIES is 6.1 or 6.12, BIN the folder of the programs, CACHE a folder for the kernels that are downloaded."""
import pathlib
import sys

import guest
import guest_image
import packages

SECONDS = 600  # about 50 of CPU time
DOWNLOADED = 200_000
failures: list[str] = []


def check(what: str, actual: object, expected: object = True) -> None:
    if actual != expected:
        failures.append(f"{what}: {actual!r} instead of {expected!r}")


def check_status(status: dict) -> None:
    check("ready", status["ready"])
    check("epoch", status["epoch"], 3)
    check("interfaces", {row["name"]: (row["attached"], row["mode"], row["punt"]) for row in status["interfaces"]},
          {name: (True, "native", True) for name in ("cli0", "cli1", "srv0", "srv1", "under0")})
    check("guard", status["guard"], {"installed": True, "restored": 0, "uninspected": 0, "warnings": []})


def check_flows(flows: list[dict]) -> None:
    """The appliance returned every packet of each download."""
    for endpoint, client in (("branch", "192.0.2.10"), ("tenant", "203.0.113.10")):
        found = [flow for flow in flows if flow["endpoint"] == endpoint and flow["protocol"] == "tcp"]
        check(f"flows of endpoint {endpoint}", len(found), 1)
        for flow in found:
            check("source", flow["source"].split(":")[0], client)
            check("destination", flow["destination"], "198.51.100.20:80")
            check("target", flow["target"], "fw-1")
            check("bytes returned", flow["bytesBack"], flow["bytesOut"])
            check(f"{flow['bytesOut']} bytes sent cover the download", flow["bytesOut"] > DOWNLOADED)


def check_full_table(status: dict) -> None:
    check("conditions while the neighbour table is full", [(row["severity"], row["what"]) for row in status["degraded"]],
          [("error", "neighbour-table-full")])
    check("healthy targets meanwhile", status["targets"]["healthy"], 1)


def judge(report: guest.Report) -> None:
    check_status(report["status"])
    check("drops", {row["reason"]: row["packets"] for row in report["drops"]["drops"] if row["packets"]}, {})
    check_flows(report["flows"]["flows"])
    counters = {row["reason"]: row["packets"] for row in report["counters"]["counters"]}
    check(f"{counters['punted']} of {counters['forwarded']} returned packets took the host's stack, at most a tenth",
          counters["punted"] * 10 < counters["forwarded"])
    check("endpoints without traffic", [row["name"] for row in report["endpoints"]["endpoints"] if not row["bytesForwarded"]], [])
    check("warnings in the log", report["log"], "")
    check_full_table(report["full"])


def main() -> int:
    series, programs, cache, *parameters = sys.argv[1:]
    kernel = packages.fetch(series, pathlib.Path(cache))
    image = guest_image.build(kernel, [pathlib.Path(programs, name) for name in ("glbd", "glbctl", "glb-appliance")], "kernel.sh")
    cpus = 2 if any(parameter.startswith("nohz_full") for parameter in parameters) else 1
    judge(guest.run(kernel, image, " ".join(parameters), SECONDS, cpus))
    print(*failures, sep="\n")
    return bool(failures)


sys.exit(main())
