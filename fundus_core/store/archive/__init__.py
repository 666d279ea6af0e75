"""A cohort as one file that another store can read.

A ZIP: ``cohort.json`` (what it is), ``photographs.jsonl`` (a line per photograph with what is known of it),
``models.json``, ``readings.jsonl`` (a line per outcome), ``photographs/<sha256>`` (the bytes as they came).
It holds patients' ids and photographs as they were handed in; ``deidentify`` writes what may leave the house.
The pictures that pages show are in none: they are made from the bytes.
"""

from fundus_core.store.archive.reading import import_
from fundus_core.store.archive.writing import export
