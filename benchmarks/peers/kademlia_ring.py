"""kademlia: N nodes in one process and on one event loop over UDP on loopback. Values are set under random keys by random nodes, one
after the other, and each is looked for by another random node. One line of JSON.

    kademlia_ring.py NODES OPERATIONS [SECONDS]
"""

import asyncio
import importlib.metadata
import json
import math
import os
import random
import signal
import sys
import time

from kademlia.network import Server

VALUE = "x" * 350  # about the length of a record of ours


def percentile(values, share):
    """Nearest rank."""
    return sorted(values)[max(math.ceil(share * len(values)), 1) - 1] if values else -1


def port_of(server):
    return server.transport.get_extra_info("sockname")[1]


async def measure(nodes, operations):
    began = time.perf_counter()
    ring = []
    for _ in range(nodes):
        server = Server()
        await server.listen(0, interface="127.0.0.1")
        if ring:
            await server.bootstrap([("127.0.0.1", port_of(ring[0]))])
        ring.append(server)
    started = time.perf_counter() - began

    sets, gets, failed = [], [], 0
    for _ in range(operations):
        key = os.urandom(16).hex()
        writer, reader = random.sample(ring, 2)
        asked = time.perf_counter()
        stored = await writer.set(key, VALUE)
        sets.append((time.perf_counter() - asked) * 1000)
        asked = time.perf_counter()
        found = await reader.get(key)
        gets.append((time.perf_counter() - asked) * 1000)
        failed += (not stored) + (found != VALUE)
    return {
        "nodes": nodes,
        "operations": operations,
        "failed": failed,
        "start_s": started,
        "put_p50_ms": percentile(sets, 0.5),
        "put_p99_ms": percentile(sets, 0.99),
        "get_p50_ms": percentile(gets, 0.5),
        "get_p99_ms": percentile(gets, 0.99),
        "version": "kademlia " + importlib.metadata.version("kademlia"),
    }


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    signal.alarm(int(sys.argv[3]) if len(sys.argv) > 3 else 120)
    print(json.dumps(asyncio.run(measure(int(sys.argv[1]), int(sys.argv[2])))), flush=True)
    os._exit(0)


main()
