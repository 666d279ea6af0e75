"""What the verbs share: the parser that speaks in one sentence, exit statuses, progress, options of evaluations."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from tqdm import tqdm

from fundus_core import errors, pipeline, processes
from fundus_core.errors import FundusError, as_json, kept
from fundus_core.records import MOST_DAYS

if TYPE_CHECKING:
    from fundus_core.deidentify import Pseudonyms
    from fundus_core.pipeline import Counts
    from fundus_core.runs import Progress
from dataclasses import fields
from typing import TYPE_CHECKING

from fundus_core.errors import UsageError

if TYPE_CHECKING:
    from fundus_core.analyses import Settings


DONE, SOME_REFUSED, AT_FAULT, INTERRUPTED = 0, 1, 2, 130
"""Exit statuses: 1 where some photographs were refused or failed (all listed), 2 where the call is at fault."""

PATHS = "photographs, folders, ZIPs, or CSV files with the column path and optionally patient_id, eye, visit, exam_date"


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence."""

    def error(self, message: str) -> NoReturn:
        """Leave with the status of a call at fault."""
        self.exit(AT_FAULT, f"{self.prog}: {message}; see {self.prog} --help\n")


Verbs = argparse._SubParsersAction  # what add_subparsers returns has no public name


def verb(
    verbs: Verbs[Parser], name: str, text: str, run: Callable[[argparse.Namespace], int]
) -> argparse.ArgumentParser:
    """Add a verb that calls ``run`` with its options."""
    parser = verbs.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def _percentile(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 50.0:
        message = f"'{text}' is no percentile; give a number from 0 to 50"
        raise argparse.ArgumentTypeError(message)
    return value


def _days(text: str) -> int:
    if not text.isdecimal():
        message = f"'{text}' is no number of days; give a whole number from 0"
        raise argparse.ArgumentTypeError(message)
    return int(text)


_SHARED: Mapping[str, Mapping[str, Any]] = {
    "--cluster": {
        "default": "",
        "metavar": "ADDRESS",
        "help": "let a Ray cluster do it: HOST:PORT of its head, or 'local' for one that is started now on this "
        "machine",
    },
    "--covariate": {
        "action": "append",
        "default": [],
        "metavar": "COLUMN",
        "help": "with a key: a column of the table that stays, beside the targets (none; free text may name people)",
    },
    "--files": {"type": Path, "metavar": "DIR", "help": "the folder with its files, with a URL"},
    "--fitted-people": {
        "choices": lambda: ("leave-out", "different"),
        "default": "",
        "help": "people that the model's recalibration was fitted to: leave them out, or equal ids are different "
        "people (such a cohort is refused)",
    },
    "--fold": {
        "action": "store_true",
        "help": "join names and ids that are written differently (case, zeros, width) where one fits one (off)",
    },
    "--json": {"action": "store_true", "help": "print one JSON object and nothing else"},
    "--plan": {
        "type": Path,
        "metavar": "plan.toml",
        "help": "an analysis plan that was stated before the measured values were seen; all else is then exploratory",
    },
    "--pseudonym-key": {
        "type": Path,
        "metavar": "FILE",
        "help": "replace names and ids by pseudonyms made with the key in FILE (made where there is none; keep it "
        "apart)",
    },
    "--quality-percentile": {
        "type": _percentile,
        "metavar": "P",
        "help": "refuse the worst P %% (0 to 50) of these photographs by each check, beside the usual limits (none)",
    },
    "--store": {"metavar": "DIR|URL", "help": "a folder, or postgresql+psycopg://…; the user's own if not given"},
    "--truth-column": {
        "action": "append",
        "default": [],
        "metavar": "HEADING=MEANING",
        "help": "what a column of measured values is: 'bp1=sbp', 'sex=1=male,2=female', 'sbp=99=missing', "
        "'sbp=measured'",
    },
    "--unstretch": {
        "action": "store_true",
        "help": "cut the field of a stretched photograph out as the circle that it was (else it stays an ellipse)",
    },
    "--visit-days": {
        "type": _days,
        "default": MOST_DAYS,
        "metavar": "N",
        "help": f"days that may lie between a photograph and its measured values; the nearest are taken ({MOST_DAYS})",
    },
    "--visits-in-names": {
        "choices": lambda: ("yes", "no"),
        "default": "yes",
        "help": "read visits from the names of photographs and folders where nothing else states any (yes)",
    },
    "--writing": {
        "choices": lambda: pipeline.WRITINGS,  # asked only where the option is: it stands on the store
        "default": "refuse",
        "help": "with a key: what becomes of a photograph with writing burned in over the retina: it stays behind "
        "(refuse), goes with the places black (blackout), or goes as it is (keep)",
    },
}
"""Options that several verbs have."""
LINKAGE = ("--truth-column", "--fold", "--visit-days", "--visits-in-names")
"""How measured values are read and joined to photographs."""
STORE = ("--store", "--files")
"""Which store; the user's own where it is not named."""


def shared(parser: argparse.ArgumentParser, *names: str) -> None:
    """Add options that other verbs have too."""
    for name in names:
        parser.add_argument(name, **{key: each() if key == "choices" else each for key, each in _SHARED[name].items()})


def pseudonyms(options: argparse.Namespace) -> Pseudonyms | None:
    """Return the pseudonyms that were asked for."""
    file: Path | None = options.pseudonym_key
    if file is None:
        return None
    from fundus_core.deidentify import Pseudonyms, key_from_file, write_key  # reads photographs, most verbs do not

    return Pseudonyms(key_from_file(file) if file.exists() else write_key(file))


def bar(total: int | None = None, unit: str = "photograph") -> tqdm[NoReturn]:
    """Return a progress bar on standard error; silent where nobody watches."""
    return tqdm(total=total, unit=f" {unit}s", disable=not sys.stderr.isatty(), file=sys.stderr)


def following(shown: tqdm[NoReturn]) -> Callable[[Progress], None]:
    """Return what moves a bar with a run."""

    def show(now: Progress) -> None:
        shown.total = now.total
        shown.update(now.settled - shown.n)

    return show


def upto(shown: tqdm[NoReturn]) -> Callable[[int], None]:
    """Return what moves a bar to a count."""

    def move(done: int) -> None:
        shown.update(done - shown.n)

    return move


def say(text: str, **values: object) -> None:
    """Print one line; with values, a template of ``errors.say``."""
    print(errors.say(text, **values) if values else text)


def say_json(content: object) -> None:
    """Print one JSON object."""
    plain = as_json(content) if processes.SENTENCES in os.environ else content
    say(json.dumps(plain, indent=1, ensure_ascii=False, default=str))


def in_words(error: FundusError) -> str:
    """Return what an error says, for the line that it ends a command with."""
    return kept(str(error)) if processes.SENTENCES in os.environ else str(error)


def store_of(options: argparse.Namespace) -> tuple[str, Path | None]:
    """Return where the store is: address, and folder of files where it is not the address itself."""
    return (options.store, options.files) if options.store else pipeline.home_address()


def ended(counts: Counts, where: Path, *, word: str = "predicted") -> int:
    """Say how a batch ended and return the exit status."""
    say(f"{counts.done} {word}, {counts.refused} refused, {counts.failed} failed; every one is listed in {where}")
    return SOME_REFUSED if counts.refused or counts.failed else DONE


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
