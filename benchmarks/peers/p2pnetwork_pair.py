"""python-p2p-network: two nodes in one process over TCP on loopback. One line of JSON: from start to connected, echo round trips,
messages a second one way.

    p2pnetwork_pair.py ECHOES MESSAGES [SECONDS]
"""

import contextlib
import importlib.metadata
import io
import json
import math
import os
import signal
import socket
import sys
import threading
import time

from p2pnetwork.node import Node

TEXT = "x" * 64


class Peer(Node):
    def __init__(self, port, echoes):
        super().__init__("127.0.0.1", port)
        self.echoes = echoes
        self.texts = 0
        self.awaited = 0
        self.came = threading.Event()
        self.connected = threading.Event()

    def inbound_node_connected(self, node):
        self.connected.set()

    def outbound_node_connected(self, node):
        self.connected.set()

    def node_message(self, node, data):
        if self.echoes:
            self.send_to_node(node, data)
        self.texts += 1
        if self.texts >= self.awaited:
            self.came.set()


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def percentile(values, share):
    """Nearest rank."""
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1]


def measure(echoes, texts):
    began = time.perf_counter()
    bob, alice = Peer(free_port(), echoes=True), Peer(free_port(), echoes=False)
    bob.start()
    alice.start()
    alice.connect_with_node("127.0.0.1", bob.port)
    bob.connected.wait()
    alice.connected.wait()
    connected = time.perf_counter() - began

    trips = []
    for number in range(echoes + 20):
        alice.came.clear()
        alice.awaited = alice.texts + 1
        asked = time.perf_counter()
        alice.send_to_nodes(TEXT)
        alice.came.wait()
        if number >= 20:
            trips.append((time.perf_counter() - asked) * 1000)

    bob.echoes = False
    bob.came.clear()
    bob.awaited = bob.texts + texts
    began = time.perf_counter()
    for _ in range(texts):
        alice.send_to_nodes(TEXT)
    bob.came.wait()
    seconds = time.perf_counter() - began
    return {
        "connected_ms": connected * 1000,
        "echo_p50_ms": percentile(trips, 0.5),
        "echo_p99_ms": percentile(trips, 0.99),
        "texts_per_second": round(texts / seconds),
        "texts": texts,
        "bytes": len(TEXT),
        "version": "p2pnetwork " + importlib.metadata.version("p2pnetwork"),
    }


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    signal.alarm(int(sys.argv[3]) if len(sys.argv) > 3 else 120)
    # The library prints what it does.
    with contextlib.redirect_stdout(io.StringIO()):
        result = measure(int(sys.argv[1]), int(sys.argv[2]))
    print(json.dumps(result), flush=True)
    # Its threads take up to ten seconds to notice that they are to end.
    os._exit(0)


main()
