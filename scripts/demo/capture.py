#!/usr/bin/env python3
"""Reads the 5-tuples that capture.nft recorded in each appliance's namespace, and compares them.

  capture.py PREFIX APPLIANCE...    the namespaces are PREFIX + APPLIANCE

A flow is symmetric if one appliance received all of its packets in both directions, and asymmetric if more than one
appliance received packets of it.
"""
import collections
import json
import subprocess
import sys

SETS = ("tcp4", "udp4", "tcp6", "udp6")


def tuples_of(namespace):
    """Yields (set, source, source port, destination, destination port); addresses by their last 32 bits."""
    for name in SETS:
        command = ["nsenter", f"--net=/run/netns/{namespace}", "nft", "-j", "list", "set", "inet", "capture", name]
        document = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for element in document["nftables"][1]["set"].get("elem", []):
            source, destination, ports = element["concat"]
            yield name, source, ports >> 16, destination, ports & 0xFFFF


def main():
    prefix, appliances = sys.argv[1], sys.argv[2:]
    flows = collections.defaultdict(set)
    for appliance in appliances:
        for protocol, source, source_port, destination, destination_port in tuples_of(prefix + appliance):
            ends = (source, source_port), (destination, destination_port)
            flows[(protocol, min(ends), max(ends))].add((appliance, ends[0] < ends[1]))
    owners = {flow: {appliance for appliance, _ in directions} for flow, directions in flows.items()}
    print(json.dumps({
        "flows": len(flows),
        "symmetric": sum(len(owners[flow]) == 1 and len(directions) == 2 for flow, directions in flows.items()),
        "asymmetric": sum(len(names) > 1 for names in owners.values()),
        "appliances": {name: sum(name in names for names in owners.values()) for name in appliances},
    }))


main()
