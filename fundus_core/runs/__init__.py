"""A run = a cohort x models: asked for here, worked off by another process, watched from anywhere.

This room never imports torch: the worker's process does, through ``inference``.
"""

from fundus_core.runs.seat import other as held_by_another
from fundus_core.runs.supervisor import (
    CLUSTER,
    cluster,
    ensure_worker,
    run_on_cluster,
    stop_worker,
    submit,
    worker_alive,
)
from fundus_core.store.run_progress import Progress, progress, runs_of
from fundus_core.store.run_table import cancel, pause, resume
