"""Joining a Ray cluster, or starting one that only this machine reaches; always with a token."""

from __future__ import annotations

import contextlib
import importlib
import os
import secrets
import warnings
from collections.abc import Iterator
from typing import Any

from fundus_core.errors import UsageError
from fundus_core.runs.supervisor import no_ray

LOCAL = "local"
"""The address of a cluster that is started now, on this machine alone, and ends with the run."""
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_USAGE_STATS_REPORT_URL": "http://127.0.0.1:9/",  # where it would say that it is told to say nothing
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_ENABLE_AUTO_CONNECT": "0",
}
"""Tells nobody, warns of nothing, and joins no cluster but the one that is named."""


@contextlib.contextmanager
def connected(address: str) -> Iterator[Any]:
    """Join the cluster at an address, ``HOST:PORT`` or ``local``, until the block ends; gives the module ``ray``.

    Raises:
        UsageError: Ray is not installed, the cluster would let anybody in, or it does not answer.
    """
    if os.environ.setdefault("RAY_AUTH_MODE", "token") != "token":
        raise UsageError(
            "A cluster without a token runs anybody's programs; set RAY_AUTH_MODE=token here and on all its machines."
        )
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    ray = _ray(address)
    ours = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    more: dict[str, object] = {"include_dashboard": False, "num_cpus": ours} if address == LOCAL else {}
    try:
        ray.init(address, log_to_driver=False, logging_level="ERROR", **more)
    except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        why = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UsageError(
            "The cluster at '{address}' cannot be joined ({why}); check that it runs, and that RAY_AUTH_TOKEN_PATH "
            "names its token.",
            address=address,
            why=why,
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _ray(address: str) -> Any:
    if address.startswith((LOCAL, "127.")):  # Ray's own way to keep everything on the loopback
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    if address == LOCAL and "RAY_AUTH_TOKEN_PATH" not in os.environ:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module("ray")
    except ImportError as error:
        raise no_ray() from error
