"""The bundle that makes an evaluation again: settings, hashes, versions, the command, and the numbers."""

import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path

from fundus_core import __version__
from fundus_core.analyses import Settings
from fundus_core.evaluation import Evaluation
from fundus_core.pipeline.linkage import Linkage
from fundus_core.pipeline.predicted import Asked

FILE = "replay.json"
FORMAT = "fundus-lab-replay"
_REPLAY = ("--replay", "replay.json", "--predictions", "FILE", "--truth", "FILE", "--out", "DIR")
_LIBRARIES = ("numpy", "scipy")


def written(settings: Settings, asked: Asked, linkage: Linkage, inputs: Mapping[str, Path], made: Evaluation) -> str:
    """Return what ``replay`` reads; it holds settings, hashes and numbers of the cohort, and nothing of a person.

    Args:
        settings: How it was evaluated.
        asked: What was said of the predictions.
        linkage: How the measured values were read and joined.
        inputs: The files by ``predictions`` and ``truth``.
        made: The numbers.
    """
    mapping = asked.mapping.to_json() if asked.mapping else None
    content = {
        "format": FORMAT,
        "command": ["python", "-m", "fundus_core", "evaluate", *_REPLAY],
        "settings": asdict(settings),
        "asked": {**asdict(replace(asked, mapping=None)), "mapping": mapping},
        "linkage": linkage.as_json(),
        "inputs": {name: sha256_of(path) for name, path in inputs.items()},
        "versions": versions(),
        "numbers": made.as_json(),
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal, whatever its size."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Return the versions that numbers can depend on."""
    return {
        "fundus_core": __version__,
        "python": platform.python_version(),
        **{one: version(one) for one in _LIBRARIES},
    }
