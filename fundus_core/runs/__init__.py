"""A run = a cohort x models: asked for here, worked off by another process, watched from anywhere."""

from fundus_core.runs.ledger import Progress, State, cancel, of, pause, progress, resume

__all__ = ["Progress", "State", "cancel", "of", "pause", "progress", "resume"]
