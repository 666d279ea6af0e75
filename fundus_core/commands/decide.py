"""``decide``: a person accepts photographs that were refused, or withdraws photographs that count."""

import argparse
from dataclasses import asdict

from fundus_core.commands import frame
from fundus_core.store import Decided, Decision, Store


def add(parser: frame.Parser) -> None:
    """Say what may be asked."""
    parser.set_defaults(run=_run)
    parser.add_argument("--cohort", required=True, metavar="NAME")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--photograph", action="append", default=[], metavar="NAME", help="this one; may be given again")
    which.add_argument("--reason", default="", metavar="CODE", help="all that were refused for it, such as contrast")
    which.add_argument("--list", action="store_true", help="all decisions so far, the oldest first")
    verdict = parser.add_mutually_exclusive_group()
    verdict.add_argument("--accept", dest="verdict", action="store_const", const="accept", help="they count")
    verdict.add_argument("--withdraw", dest="verdict", action="store_const", const="withdraw", help="they do not count")
    parser.add_argument("--by", default="", metavar="INITIALS", help="name or initials of who decides")
    parser.add_argument("--because", default="", metavar="TEXT", help="why; never a patient's name")
    frame.shared(parser, *frame.STORE, "--json")


def _run(options: argparse.Namespace) -> int:
    where, files = frame.store_of(options)
    with Store.open_existing(where, files=files) as store:
        if options.list:
            return _list(store.decisions(options.cohort), as_json=options.json)
        made = store.decide(
            options.cohort,
            options.verdict or "",
            who=options.by,
            why=options.because,
            names=options.photograph,
            code=options.reason,
        )
    return _ended(made, as_json=options.json)


def _list(found: tuple[Decision, ...], *, as_json: bool) -> int:
    if as_json:
        frame.say_json([asdict(one) for one in found])
        return frame.DONE
    for one in found:
        frame.say(
            "{day}  {verdict}  {n:,} {n:photograph|photographs}  by {who}: {why}",
            day=one.day,
            verdict=one.verdict,
            n=len(one.photographs),
            who=one.who or "-",
            why=one.why or "-",
        )
        for name in one.photographs:
            frame.say(f"  {name}  {one.code}".rstrip())
    if not found:
        frame.say("nobody has decided anything about this cohort")
    return frame.DONE


def _ended(made: Decided, *, as_json: bool) -> int:
    status = frame.SOME_REFUSED if made.left else frame.DONE
    if as_json:
        frame.say_json(asdict(made))
        return status
    frame.say("{n:,} {n:photograph|photographs} decided", n=made.changed)
    if made.without_prediction:
        frame.say(
            "{n:,} of them {n:has|have} no prediction and {n:stays|stay} refused under this model: it gave none, or "
            "predict --cohort must be called again",
            n=made.without_prediction,
        )
    if made.unchanged:
        frame.say("{n:,} {n:was|were} so already", n=made.unchanged)
    for why, n in made.left.items():
        frame.say("{n:,} not decided: {why}", n=n, why=why)
    return status
