"""Object storage on the loopback: a server that speaks S3, and what has to be in the environment to reach it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer
from pyarrow.fs import S3FileSystem

from fundus_core.images import byte_sources


@contextmanager
def served() -> Iterator[dict[str, str]]:
    """Yield the variables; they hold in this process meanwhile."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    told = {**keys, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.get_host_and_port()[1]}"}
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in told.items():
                patch.setenv(name, value)
            byte_sources._of_bucket.cache_clear()
            yield told
    finally:
        byte_sources._of_bucket.cache_clear()
        server.stop()


def bring(told: dict[str, str], bucket: str, paths: list[Path]) -> None:
    """Put files into a bucket, which is made."""
    endpoint = told["AWS_ENDPOINT_URL"].removeprefix("http://")
    files = S3FileSystem(endpoint_override=endpoint, scheme="http", allow_bucket_creation=True)
    files.create_dir(bucket)
    for path in paths:
        with files.open_output_stream(f"{bucket}/{path.name}") as stream:
            stream.write(path.read_bytes())
