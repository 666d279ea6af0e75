"""What numbers depend on besides photographs and measured values: one record, carried whole from door to formula."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fundus_core.evaluation import SEED, check_level


@dataclass(frozen=True, slots=True)
class Settings:
    """How a study is evaluated. What is computed is remembered under all of it.

    A further field needs its option in ``commands.settings`` and the formula that asks for it; files and
    ``replay.json`` carry it by themselves.

    Raises:
        UsageError: An unknown level.
    """

    level: str = ""
    """Of observation, one of :data:`fundus_core.evaluation.Level`; empty for the usual one (``Study.usual_level``)."""
    seed: int = SEED
    """Of every draw."""
    draws: int | None = None
    """Of an interval; ``None``: the usual number, and fewer of very many people, whose intervals are narrow."""
    margins: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Per target id the largest difference that would not matter, stated beforehand."""
    beyond: tuple[str, ...] = ()
    """Columns that are known without the photograph, beside age and sex: what does it add to them?"""
    gap_with: tuple[str, ...] = ()
    """What the gap is held against: columns, and times with their events as ``TIME,EVENT``."""
    reliability: tuple[str, ...] = ()
    """Of one measurement, ``TARGET=ICC`` or ``TARGET=COLUMN`` of a second measurement."""

    def __post_init__(self) -> None:
        """Refuse what no formula knows before anything is read."""
        if self.level:
            check_level(self.level)
        object.__setattr__(self, "margins", dict(sorted(self.margins.items())))
        object.__setattr__(self, "beyond", tuple(self.beyond))
        object.__setattr__(self, "gap_with", tuple(self.gap_with))
        object.__setattr__(self, "reliability", tuple(self.reliability))


USUAL = Settings()
"""Where nobody asked for anything."""
