"""Nodes of a Ray cluster on the loopback, in a process of their own: ``python -m tests.runs.ray_nodes COUNT``.

Prints the cluster's address; then does what each line of its input says: ``kill`` (as a power cut would, a node that is
not the head) or ``add``; answers ``done``. They end with it.
"""

from __future__ import annotations

import os
import random
import sys

os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # nothing but the loopback

from ray.cluster_utils import Cluster


def say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def add(cluster: Cluster, tries: int = 5) -> None:
    """A node; Ray waits for one for 30 seconds, in which a busy machine may not have started it."""
    try:
        cluster.add_node(num_cpus=1)
    except Exception:
        if tries == 1:
            raise
        add(cluster, tries - 1)


def main(count: int) -> None:
    cluster = Cluster(head_node_args={"num_cpus": 1, "include_dashboard": False}, initialize_head=True)
    for _ in range(count - 1):
        add(cluster)
    say(cluster.address)
    for line in sys.stdin:
        if line.strip() == "kill" and cluster.worker_nodes:
            victim = random.choice(sorted(cluster.worker_nodes, key=id))  # noqa: S311
            cluster.remove_node(victim, allow_graceful=False)
        else:
            add(cluster)
        say("done")
    cluster.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
