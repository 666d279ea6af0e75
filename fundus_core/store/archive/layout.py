"""What the two directions agree on."""

import zipfile
import zlib

from fundus_core.errors import say

FORMAT = "fundus-lab-cohort"
VERSION = 1

COHORT = "cohort.json"
PHOTOGRAPHS = "photographs.jsonl"
MODELS = "models.json"
READINGS = "readings.jsonl"
ROWS = (COHORT, MODELS, PHOTOGRAPHS, READINGS)

BYTES = "bytes.jsonl"
"""Where the bytes of photographs lie, written by the process that reads a stranger's file; no member."""
INFLATED = "inflated"
"""What lay deflated in the stranger's file: an export deflates no photograph, who packs it again may."""

MOST_BYTES = 1 << 30
"""Of one photograph: more than any camera writes."""
MOST_LINE = 1 << 20
"""Of one line, and of the two small files."""

BROKEN = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError),
    *(KeyError, OverflowError),
)
"""What reading a damaged file may raise; RecursionError is a RuntimeError."""


def broken(name: str) -> str:
    """The sentence for them."""
    return say("'{name}' is no cohort that was exported here, or it is damaged; export it again.", name=name)
