"""``predict``: models read photographs; resumes when called again."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from fundus_core import pipeline
from fundus_core.commands.frame import LINKAGE, PATHS, Parser, bar, ended, following, linkage, pseudonyms, say, shared
from fundus_core.errors import UsageError
from fundus_core.runs import Progress
from fundus_core.store import Store


def add(parser: Parser) -> None:
    """Say what may be asked."""
    parser.set_defaults(run=_run)
    more = f"{PATHS}; none for the photographs of a --cohort that is there"
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help=more)
    parser.add_argument(
        "--model",
        action="append",
        required=True,
        metavar="ID",
        help="a model card (see: models list); given again, the next model adds the targets that the first lacks",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    made = "of a recalibrated model: predictions of the model that it was made of, instead of photographs"
    parser.add_argument("--predictions", type=Path, metavar="FILE", help=made)
    parser.add_argument("--made-by", default="", metavar="ID", help="which model made them, where the file names none")
    parser.add_argument("--truth", type=Path, metavar="FILE", help="measured values, matched and kept beside")
    parser.add_argument("--cohort", default="", metavar="NAME", help="keep as a cohort that the dashboard shows")
    parser.add_argument(
        "--keep-truth",
        action="store_true",
        help="measured values that the cohort has and the table lacks stay (else the table takes the place of all)",
    )
    shared(
        parser,
        "--cluster",
        "--quality-percentile",
        "--unstretch",
        "--pseudonym-key",
        "--covariate",
        *LINKAGE,
        "--writing",
    )


def _derived(options: argparse.Namespace) -> int:
    if options.paths or options.cohort or options.truth or len(options.model) > 1:
        raise UsageError("--predictions stands for photographs, of one model: leave paths, --cohort and --truth out.")
    counts = pipeline.derive(options.predictions, options.model[0], options.out, made_by=options.made_by)
    return ended(counts, options.out / "predictions.csv")


def _where(address: str) -> pipeline.WorkOff:
    if not address:
        return pipeline.on_this_machine
    from fundus_core import cluster

    def on_cluster(store: Store, submit: Callable[[], int], progress: Callable[[Progress], None] | None) -> Progress:
        return cluster.work_off(store, submit, address, progress=progress)

    return on_cluster


def _run(options: argparse.Namespace) -> int:
    if options.predictions:
        return _derived(options)
    request = pipeline.Request(
        paths=tuple(options.paths),
        models=tuple(options.model),
        out=options.out,
        truth=options.truth,
        cohort=options.cohort,
        pseudonyms=pseudonyms(options),
        covariates=tuple(options.covariate),
        writing=options.writing,
        percentile=options.quality_percentile,
        unstretch=options.unstretch,
        linkage=linkage(options),
        keep_truth=options.keep_truth,
    )
    with bar() as shown:
        counts = pipeline.predict(request, progress=following(shown), tell=say, work_off=_where(options.cluster))
    return ended(counts, options.out / "predictions.csv")
