"""What the two directions agree on."""

from __future__ import annotations

FORMAT = "fundus-lab-cohort"
VERSION = 1

COHORT = "cohort.json"
PHOTOGRAPHS = "photographs.jsonl"
MODELS = "models.json"
READINGS = "readings.jsonl"
