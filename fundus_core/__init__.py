"""Fundus Lab's core: from the bytes of a photograph to a table of errors, without a user interface.

``fundus_core.evaluate(frame)`` and ``fundus_core.compare({...})`` are for notebooks; see ``fundus_core.notebook``.
"""

import importlib
import sys
from typing import Any

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
"""OpenVINO asks www.google-analytics.com as soon as it is imported; without this module it keeps quiet.

Here, since every process of ours imports the core before it imports OpenVINO.
"""

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Bring the Python face when it is first asked for: it needs pandas and all that computes."""
    if name in ("evaluate", "compare"):
        return getattr(importlib.import_module("fundus_core.notebook"), name)
    message = f"module 'fundus_core' has no attribute '{name}'"
    raise AttributeError(message)
