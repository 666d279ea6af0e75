"""``explain``: where a model looks in one photograph, and whether that means anything."""

import argparse
from pathlib import Path

from fundus_core import pipeline
from fundus_core.commands.frame import DONE, SOME_REFUSED, Parser, say
from fundus_core.explain import METHODS, Saliency
from fundus_core.targets import TARGETS


def add(parser: Parser) -> None:
    """Say what may be asked."""
    parser.set_defaults(run=_run)
    parser.add_argument("photograph", metavar="PHOTOGRAPH", help="a file, or ARCHIVE.zip::MEMBER")
    parser.add_argument("--model", required=True, metavar="ID", help="a model card (see: models list)")
    parser.add_argument(
        "--target", action="append", default=[], metavar="T", help="(all of the model); may be repeated"
    )
    parser.add_argument("--method", default="auto", choices=("auto", *METHODS), help="(auto)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="explanation.json, maps and overlays")


def _run(options: argparse.Namespace) -> int:
    found = pipeline.explain(options.photograph, options.model, options.target, options.out, method=options.method)
    if not found.maps:
        say(f"{found.photograph} was {found.status}: {found.reason}")
        return SOME_REFUSED
    for one in found.maps.values():
        say(_in_words(one))
    say(f"{found.note} Maps and numbers in {options.out}")
    return DONE


def _in_words(one: Saliency) -> str:
    target, test = TARGETS[one.target], one.deletion
    verdict = "means something" if test.meaningful else "is no evidence: random pixels or plain contrast do as much"
    return (
        f"{one.target} {one.value:.{target.decimals}f} {target.unit}".rstrip()
        + f" ({one.value_blurred:.{target.decimals}f} without detail): {one.share_inside:.0%} inside the retina "
        f"(area {one.area_inside:.0%}), {one.share_on_vessels:.0%} of it on vessel-like contrast (expected "
        f"{one.expected_on_vessels:.0%}); the map {verdict} (deletion {test.ratio:.2f} times chance, contrast alone "
        f"{test.contrast_ratio:.2f})"
    )
