#!/usr/bin/env python3
"""The demo's traffic: one new flow for each question, every answer checked. Results are one JSON document.

  traffic.py http COUNT ADDRESS...      COUNT downloads of /hello, each by a connection of its own
  traffic.py udp COUNT ADDRESS...       COUNT echoed datagrams, each from a port of its own
  traffic.py echo PORT                  serves what `udp` asks, until it is killed
  traffic.py outage SECONDS PID ADDRESS...
      a new connection every 50 ms; after one second kills PID; tells how many connections failed afterwards, and
      how long after the kill the last of them began
"""
import json
import os
import signal
import socket
import sys
import threading
import time

HELLO = b"hello from the server\n"
PERIOD, PATIENCE = 0.05, 0.5


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def http(address, patience):
    """True where a new connection fetches /hello whole within `patience` seconds for each step."""
    try:
        with socket.create_connection((address, 80), timeout=patience) as peer:
            peer.sendall(b"GET /hello HTTP/1.0\r\n\r\n")
            answer = b""
            while piece := peer.recv(65536):
                answer += piece
        return answer.endswith(b"\r\n\r\n" + HELLO)
    except OSError:
        return False


def udp(address, number):
    with socket.socket(family(address), socket.SOCK_DGRAM) as peer:
        peer.settimeout(2)
        peer.bind(("", 20000 + number))
        peer.connect((address, 7))
        question = b"datagram %d" % number
        peer.send(question)
        try:
            return peer.recv(65536) == question
        except OSError:
            return False


def ask(count, addresses, one):
    good = sum(one(addresses[number % len(addresses)], number) for number in range(count))
    return {"asked": count, "answered": good}


def echo(port):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::", port))
        while True:
            server.sendto(*server.recvfrom(65536))


def outage(seconds, pid, addresses):
    attempts, threads = [], []

    def attempt(address, begun):
        attempts.append((begun, http(address, PATIENCE)))

    start = time.monotonic()
    killed = None
    while time.monotonic() - start < seconds:
        if killed is None and time.monotonic() - start > 1:
            os.kill(pid, signal.SIGKILL)
            killed = time.monotonic()
        address = addresses[len(threads) % len(addresses)]
        threads.append(threading.Thread(target=attempt, args=(address, time.monotonic())))
        threads[-1].start()
        time.sleep(PERIOD)
    for thread in threads:
        thread.join()
    # What was under way when the appliance died belongs to the failure: a connection lives for a few milliseconds.
    failed = [begun for begun, good in attempts if not good]
    after = [begun for begun in failed if begun > killed - PERIOD]
    last = max(after, default=killed) - killed
    good_since = sum(good for begun, good in attempts if begun - killed > last)
    return {"failedBefore": len(failed) - len(after), "failedAfter": len(after),
            "lastFailureSeconds": round(max(last, 0), 2), "answeredSince": good_since}


def main():
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "echo":
        echo(int(arguments[0]))
    elif command == "http":
        print(json.dumps(ask(int(arguments[0]), arguments[1:], lambda address, _: http(address, 5))))
    elif command == "udp":
        print(json.dumps(ask(int(arguments[0]), arguments[1:], udp)))
    elif command == "outage":
        print(json.dumps(outage(float(arguments[0]), int(arguments[1]), arguments[2:])))
    else:
        sys.exit(__doc__)


main()
