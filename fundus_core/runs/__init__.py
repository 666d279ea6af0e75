"""A run = a cohort x models: asked for here, worked off by another process, watched from anywhere.

This room never imports torch: the worker's process does, through ``inference``.
"""

from fundus_core.runs.ledger import cancel, pause, resume
from fundus_core.runs.process import ensure_worker, stop_worker, worker_alive
from fundus_core.runs.submission import submit
from fundus_core.runs.watching import Progress, State, of, progress
