"""Nodes of a Ray cluster on the loopback, in a process of their own: ``python -m tests.runs.ray_nodes COUNT``.

Prints the cluster's address; then does what each line of its input says: ``kill`` (as a power cut would, a node that is
not the head) or ``add``, with how wrong the new one's clock is (``+1h``); answers ``done``. They end with it.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

WRONG_CLOCK = next(map(str, Path("/usr/lib").glob("*/faketime/libfaketime.so.1")), "")
"""Debian's ``faketime``, where it is installed."""


def wrong_clock(by: str) -> dict[str, str]:
    """The environment of a process whose clock is wrong."""
    return {"LD_PRELOAD": WRONG_CLOCK, "FAKETIME": by, "FAKETIME_DONT_FAKE_MONOTONIC": "1"} if by else {}


def say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main(count: int) -> None:
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # nothing but the loopback
    from ray.cluster_utils import Cluster

    cluster = Cluster(head_node_args={"num_cpus": 1, "include_dashboard": False}, initialize_head=True)
    for _ in range(count - 1):
        cluster.add_node(num_cpus=1)
    say(cluster.address)
    for line in sys.stdin:
        if line.strip() == "kill" and cluster.worker_nodes:
            victim = random.choice(sorted(cluster.worker_nodes, key=id))  # noqa: S311
            cluster.remove_node(victim, allow_graceful=False)
        else:
            cluster.add_node(num_cpus=1, env_vars=wrong_clock(line.removeprefix("add").strip()))
        say("done")
    cluster.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
