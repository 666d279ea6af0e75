"""Fundus Lab's core: from the bytes of a photograph to a table of errors, without a user interface."""

import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
"""OpenVINO asks www.google-analytics.com as soon as it is imported; without this module it keeps quiet.

Here, since every process of ours imports the core before it imports OpenVINO.
"""

__version__ = "0.1.0"
