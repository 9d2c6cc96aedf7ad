#!/usr/bin/env python3
"""Asks the witness in each appliance's namespace which 5-tuples it has seen, and compares.

  witness.py PREFIX APPLIANCE...    the namespaces are PREFIX + APPLIANCE

A flow is whole where its two directions, and all of their packets, were at one appliance; asymmetric where more than
one appliance saw any of it.
"""
import collections
import json
import subprocess
import sys

SETS = ("tcp4", "udp4", "tcp6", "udp6")


def seen_by(namespace):
    """Yields (set, source, source port, destination, destination port); addresses by their last 32 bits."""
    for name in SETS:
        command = ["nsenter", f"--net=/run/netns/{namespace}", "nft", "-j", "list", "set", "inet", "witness", name]
        answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for element in answer["nftables"][1]["set"].get("elem", []):
            source, destination, ports = element["concat"]
            yield name, source, ports >> 16, destination, ports & 0xFFFF


def main():
    prefix, appliances = sys.argv[1], sys.argv[2:]
    flows = collections.defaultdict(set)
    for appliance in appliances:
        for protocol, source, source_port, destination, destination_port in seen_by(prefix + appliance):
            ends = (source, source_port), (destination, destination_port)
            flows[(protocol, min(ends), max(ends))].add((appliance, ends[0] < ends[1]))
    owners = {flow: {appliance for appliance, _ in sightings} for flow, sightings in flows.items()}
    print(json.dumps({
        "flows": len(flows),
        "whole": sum(len(owners[flow]) == 1 and len(sightings) == 2 for flow, sightings in flows.items()),
        "asymmetric": sum(len(names) > 1 for names in owners.values()),
        "appliances": {name: sum(name in names for names in owners.values()) for name in appliances},
    }))


main()
