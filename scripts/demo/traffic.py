#!/usr/bin/env python3
"""The demo's traffic: a new flow for each request, every reply verified. Results are one JSON document.

  traffic.py http COUNT ADDRESS...      COUNT downloads of /hello, each by a new connection
  traffic.py udp COUNT ADDRESS...       COUNT echoed datagrams, each from another port
  traffic.py echo PORT                  the echo server for `udp`, until it is killed
  traffic.py outage SECONDS PID ADDRESS...
      opens a connection every 50 ms and kills PID after one second; reports how many connections failed afterwards
      and when the last of them was opened, in seconds after the kill
"""
import json
import os
import signal
import socket
import sys
import threading
import time

HELLO = b"hello from the server\n"
INTERVAL, TIMEOUT = 0.05, 0.5  # seconds


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def http(address, timeout, port=0):
    """True if a new connection fetches the complete /hello, with `timeout` seconds for each step. `port`: the client's,
    0: any. The server closes first, so the kernel may give two connections the same port: they would be one flow."""
    try:
        with socket.create_connection((address, 80), timeout=timeout, source_address=("", port)) as peer:
            peer.sendall(b"GET /hello HTTP/1.0\r\n\r\n")
            response = b""
            while part := peer.recv(65536):
                response += part
        return response.endswith(b"\r\n\r\n" + HELLO)
    except OSError:
        return False


def udp(address, number):
    with socket.socket(family(address), socket.SOCK_DGRAM) as peer:
        peer.settimeout(2)
        peer.bind(("", 20000 + number))
        peer.connect((address, 7))
        datagram = b"datagram %d" % number
        peer.send(datagram)
        try:
            return peer.recv(65536) == datagram
        except OSError:
            return False


def repeat(count, addresses, request):
    succeeded = sum(request(addresses[number % len(addresses)], number) for number in range(count))
    return {"requests": count, "succeeded": succeeded}


def echo(port):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        server.bind(("::", port))
        while True:
            server.sendto(*server.recvfrom(65536))


def outage(seconds, pid, addresses):
    attempts, threads = [], []

    def attempt(address, begin):
        attempts.append((begin, http(address, TIMEOUT)))

    start = time.monotonic()
    killed = None
    while time.monotonic() - start < seconds:
        if killed is None and time.monotonic() - start > 1:
            os.kill(pid, signal.SIGKILL)
            killed = time.monotonic()
        address = addresses[len(threads) % len(addresses)]
        threads.append(threading.Thread(target=attempt, args=(address, time.monotonic())))
        threads[-1].start()
        time.sleep(INTERVAL)
    for thread in threads:
        thread.join()
    # A connection that was open when the appliance was killed counts as failed afterwards.
    failed = [begin for begin, succeeded in attempts if not succeeded]
    after = [begin for begin in failed if begin > killed - INTERVAL]
    last = max(after, default=killed) - killed
    succeeded_since = sum(succeeded for begin, succeeded in attempts if begin - killed > last)
    return {"failedBefore": len(failed) - len(after), "failedAfter": len(after),
            "lastFailureSeconds": round(max(last, 0), 2), "succeededSince": succeeded_since}


def main():
    command, arguments = sys.argv[1], sys.argv[2:]
    if command == "echo":
        echo(int(arguments[0]))
    elif command == "http":
        print(json.dumps(repeat(int(arguments[0]), arguments[1:], lambda address, number: http(address, 5, 22000 + number))))
    elif command == "udp":
        print(json.dumps(repeat(int(arguments[0]), arguments[1:], udp)))
    elif command == "outage":
        print(json.dumps(outage(float(arguments[0]), int(arguments[1]), arguments[2:])))
    else:
        sys.exit(__doc__)


main()
