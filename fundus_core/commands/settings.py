"""The options of an evaluation, of one or of several verbs, and the records that they become."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from fundus_core import pipeline
from fundus_core.errors import UsageError

if TYPE_CHECKING:
    from fundus_core.analyses import Settings


def settings(options: argparse.Namespace) -> Settings:
    """Return how numbers are to be made; an option that a verb lacks is as usual.

    Raises:
        UsageError: A visit was chosen at a level that keeps every visit.
    """
    from fundus_core.analyses import Settings  # two verbs need it, and it takes half a second

    given = {one.name: getattr(options, one.name) for one in fields(Settings) if hasattr(options, one.name)}
    return Settings(**{**given, "level": _level(options)})


def linkage(options: argparse.Namespace) -> pipeline.Linkage:
    """Return how measured values are to be read and joined; an option that a verb lacks is as usual."""
    columns: Path | None = getattr(options, "columns", None)
    return pipeline.Linkage(
        mapping=pipeline.saved_mapping(columns),
        sheet=getattr(options, "truth_sheet", None),
        said=tuple(options.truth_column),
        fold=options.fold,
        visiting=pipeline.Visiting(options.visit_days, options.visits_in_names == "yes"),
        fitted_people=getattr(options, "fitted_people", ""),
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add the options of every evaluation: what one observation is, and its intervals."""
    from fundus_core.evaluation import NUMBER_OF_DRAWS, SEED  # two verbs need it, and it takes half a second

    usual = "what one observation is (visit where somebody has several visits, else patient)"
    parser.add_argument("--level", default="", choices=("visit", "patient", "eye", "photograph"), help=usual)
    which = "at level patient, which of several visits of a person (first)"
    parser.add_argument("--of-visits", default="", choices=("first", "last", "nearest"), help=which)
    parser.add_argument("--seed", type=int, default=SEED, metavar="S", help=f"of the bootstrap ({SEED})")
    usual = f"of the bootstrap ({NUMBER_OF_DRAWS:,}; from 10,000 people on fewer: about 20,000,000 / people)"
    parser.add_argument("--draws", type=int, metavar="N", help=usual)


def _level(options: argparse.Namespace) -> str:
    level, which = str(options.level), str(options.of_visits)
    if which and level != "patient":
        raise UsageError("--of-visits {which} chooses one visit a person; add --level patient.", which=which)
    return f"patient_{which}" if which in ("last", "nearest") else level
