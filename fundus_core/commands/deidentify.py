"""``deidentify``: photographs and their table without names, tags and surround, for a registry."""

import argparse
from pathlib import Path

from fundus_core import pipeline
from fundus_core.commands.frame import DONE, PATHS, SOME_REFUSED, Parser, bar, ended, pseudonyms, say, shared, upto
from fundus_core.errors import UsageError


def add(parser: Parser) -> None:
    """Say what may be asked."""
    parser.set_defaults(run=_run)
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help=PATHS)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR|FILE.zip")
    parser.add_argument(
        "--prove",
        action="store_true",
        help="plant invented names in copies (of rendered eyes where no PATH is given), run every verb on them, search "
        "all that was written, and write proof.json and proof.txt into --out; exit status 0 where nothing was found",
    )
    parser.add_argument("--truth", type=Path, metavar="FILE", help="measured values that go with them")
    shared(parser, "--pseudonym-key", "--covariate", "--fold", "--writing")


def _run(options: argparse.Namespace) -> int:
    if options.prove:
        return _prove(options)
    if not options.paths:
        raise UsageError("Nothing was given to de-identify; name photographs, folders, ZIP archives or lists.")
    made_with = pseudonyms(options)
    if made_with is None:
        raise UsageError(
            "De-identifying needs a key: give --pseudonym-key FILE (made where there is none; keep it apart)."
        )
    with bar() as shown:
        counts = pipeline.deidentify_files(
            options.paths,
            options.out,
            made_with,
            measured=options.truth,
            covariates=options.covariate,
            fold=options.fold,
            writing=options.writing,
            progress=upto(shown),
        )
    listed = pipeline.writing_of(options.out)
    if listed.is_file():
        say(f"Writing over the retina was found; where, and what became of it, is listed in {listed}")
    return ended(counts, options.out, word="written")


def _prove(options: argparse.Namespace) -> int:
    found = pipeline.prove(options.paths, options.out)
    say(found.as_text().rstrip())
    return DONE if found.passed else SOME_REFUSED
