"""``models``: which there are, what is known of each, bringing weights in, and checking them."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fundus_core import errors, pipeline
from fundus_core.commands.frame import DONE, PATHS, SOME_REFUSED, Parser, say, say_json, shared, verb
from fundus_core.models import card as cards
from fundus_core.models import registry
from fundus_core.models.card import Card
from fundus_core.targets import TARGETS

if TYPE_CHECKING:
    from fundus_core.checking import CheckReport
    from fundus_core.checking.identify_card import IdentifyReport

_RENDERED = "Trained on rendered eyes: on real photographs its numbers mean nothing."
_RESEARCH = "Research use only; not a medical device."


def add(parser: Parser) -> None:
    """Say what may be asked."""
    parts = parser.add_subparsers(title="what", required=True, metavar="WHAT", parser_class=Parser)
    shared(verb(parts, "list", "every model, and whether its weights are here", _list), "--json")
    show = verb(parts, "show", "everything that is known of a model, with terms and citation", _show)
    show.add_argument("id", metavar="ID")
    shared(show, "--json")
    bring = verb(parts, "import", "bring weights in from a file; nothing in it is executed", _import)
    bring.add_argument("file", type=Path, metavar="FILE", help="weights; a SavedModel may be a folder or a ZIP")
    by = bring.add_mutually_exclusive_group(required=True)
    by.add_argument("--card", metavar="CARD.toml", help="a card, or the id of one (see: models list)")
    by.add_argument("--targets", metavar="T,T,...", help="without a card: what the network gives, in its order")
    bring.add_argument("--replace", action="store_true", help="replace what was imported under the same id")
    bring.add_argument(
        "--weights", default="", metavar="SET", help="which of several sets in it: ema, plain, or a place"
    )
    bring.add_argument(
        "--without",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="tensors that are no part of the network",
    )
    shared(bring, "--json")
    check = verb(parts, "check", "replay the golden example; on photographs, name what is wrong", _check)
    check.add_argument("id", metavar="ID")
    check.add_argument("--photographs", nargs="+", type=Path, default=[], metavar="PATH", help=PATHS)
    check.add_argument("--truth", type=Path, metavar="FILE", help="their measured values")
    shared(check, "--json")
    find = verb(parts, "identify", "find a model's card by measuring, on photographs of known truth", _identify)
    find.add_argument("id", metavar="ID")
    find.add_argument("--photographs", nargs="+", type=Path, required=True, metavar="PATH", help=PATHS)
    find.add_argument("--truth", type=Path, required=True, metavar="FILE", help="their measured values")
    find.add_argument("--apply", action="store_true", help="write the lines that were found into the card")
    find.add_argument("--out", type=Path, metavar="DIR", help="keep there how far it is, and what was found")
    shared(find, "--json")
    mend = verb(
        parts, "recalibrate", "keep a recalibration that is fitted to one cohort as a model of its own", _recalibrate
    )
    mend.add_argument("id", metavar="ID")
    on = mend.add_mutually_exclusive_group(required=True)
    on.add_argument("--on", type=Path, metavar="DIR", help="the cohort: a folder that predict or evaluate wrote")
    on.add_argument("--cohort", default="", metavar="NAME", help="the cohort: one that the dashboard shows")
    mend.add_argument("--as", dest="new_id", required=True, metavar="NEWID", help="id of the new model")
    mend.add_argument("--targets", nargs="+", default=[], metavar="TARGET", help="which (all that the cohort allows)")
    shared(mend, "--json")
    hand = verb(parts, "edit", "write lines of a card by hand, as input.channels=bgr", _edit)
    hand.add_argument("id", metavar="ID")
    hand.add_argument("lines", nargs="+", metavar="KEY=VALUE", help="a line of the card and what it shall say")
    back = verb(parts, "undo", "put back the card that stood before the last change", _undo)
    back.add_argument("id", metavar="ID")


# list and show --------------------------------------------------------------------------------------------------


def _list(options: argparse.Namespace) -> int:
    shelf = registry.shelf()
    for folder, fault in shelf.faults.items():
        print(f"{folder}: {fault}", file=sys.stderr)
    if options.json:
        say_json([_brief(card) for card in shelf.cards.values()])
        return DONE
    for card in shelf.cards.values():
        state = "ready" if card.ready else "weights missing"
        doubts = f"{len(card.unverified)} unverified" if card.unverified else "nothing unverified"
        rendered = ", rendered eyes" if card.rendered else ""
        say(f"{card.id}: {card.title}; {_names(card.targets)}; {state}; {doubts}{rendered}")
    return DONE


def _names(targets: Iterable[str]) -> str:
    return ", ".join(TARGETS[target].name for target in targets)


def _brief(card: Card) -> dict[str, object]:
    return {
        "id": card.id,
        "title": card.title,
        "targets": list(card.targets),
        "ready": card.ready,
        "rendered": card.rendered,
        "unverified": list(card.unverified),
        "recalibrated_from": card.recalibrated[-1].model if card.recalibrated else "",
        "page": card.weights.page,
    }


def _show(options: argparse.Namespace) -> int:
    card = registry.find(options.id)
    if options.json:
        say_json(_finite(cards.as_plain(card)))
        return DONE
    say(f"{card.title} ({card.id})\n{card.summary}".rstrip())
    if card.rendered:
        say(_RENDERED)
    say(f"{_RESEARCH}\n")
    for name, text in _words(card):
        if text:
            say(f"{name}: {text}")
    return DONE


def _words(card: Card) -> list[tuple[str, str]]:
    page = f"; obtain them from {card.weights.page}" if card.weights.page and not card.ready else ""
    given = card.input
    fed = f"{given.size} x {given.size} px, {given.channels}, {given.resample}, margin {given.margin:g}"
    arithmetic = f"range {list(given.value_range)}, mean {list(given.mean)}, std {list(given.std)}"
    return [
        ("Weights", f"here, sha256 {card.weights.sha256}" if card.ready else f"not here{page}"),
        ("Network", f"{card.backbone}, run by {card.runtime}, {card.precision.allowed}"),
        ("Input", f"{fed}, {arithmetic}"),
        *((f"Output {k}", _output(card, k)) for k in range(len(card.outputs))),
        *(("Result", f"{_names([r.target])} {r.measure} {r.value:g}, on {r.on} ({r.source})") for r in card.results),
        *(("Recalibration", words) for words in (_recalibrations(card) if card.recalibrated else ())),
        ("Training", card.training),
        ("Command", card.command),
        ("Licence", card.licence),
        ("Terms", card.terms),
        ("Citation", card.citation),
        ("Acknowledgement", card.acknowledgement),
        ("Unverified (nobody has confirmed these)", ", ".join(card.unverified)),
        ("Card", str(card.folder)),
    ]


def _recalibrations(card: Card) -> Sequence[str]:
    from fundus_core.models import recalibrated  # scipy takes a second; cards without one need none

    return recalibrated.in_words(card)


def _output(card: Card, place: int) -> str:
    output = card.outputs[place]
    low, high = output.interval
    interval = f", 90 % interval {low:+.4g} to {high:+.4g}" if math.isfinite(low) and math.isfinite(high) else ""
    unit = output.unit or "probability"
    return f"{TARGETS[output.target].name} ({unit}), {output.link} of {output.scale:g} x + {output.offset:g}{interval}"


def _finite(value: object) -> object:
    """NaN as null, which JSON knows."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


# import and check -----------------------------------------------------------------------------------------------


def _import(options: argparse.Namespace) -> int:
    from fundus_core.models.importing import for_outputs, import_model

    named = options.card or for_outputs(options.file, [name.strip() for name in options.targets.split(",")])
    card, report = import_model(
        options.file, named, replace=options.replace, choice=options.weights, without=options.without
    )
    if options.json:
        say_json(report.as_json())
        return DONE
    say(f"{report.format}: {report.backbone}, {report.size} px, reads {_names(report.targets)}")
    if report.difference is None:
        say("No network of its own to compare with.")
    else:
        say(f"Compared with {report.compared_with}: outputs equal to {report.difference:.1e} of the largest value")
    for note in (*report.notes, *(twin.sentence for twin in report.twins), *report.limits):
        say(note)
    if report.unverified:
        say(f"Unverified, check before use: {', '.join(report.unverified)}")
    say(f"Kept as '{report.id}' in {report.folder}; next: models check {report.id} --photographs DIR --truth FILE")
    if card.terms:
        say(f"Terms: {card.terms}")
    return DONE


def _check(options: argparse.Namespace) -> int:
    from fundus_core.checking import check_model

    report = check_model(options.id, photographs=options.photographs, truth=options.truth)
    status = DONE if report.healthy else SOME_REFUSED
    if options.json:
        say_json(report.as_json())
        return status
    for text in _found(report):
        say(text)
    if report.healthy:
        say("Nothing wrong was found.")
    return status


def _found(report: CheckReport) -> Iterator[str]:
    """What a check found, line by line."""
    for line in report.golden:
        word = "reproduced" if line.passed else "NOT reproduced"
        yield f"golden example, {_names([line.target])}: {word} ({line.said:.6g}, expected {line.expected:.6g})"
    if report.photographs:
        yield errors.say(
            "{n} {n:photograph|photographs} looked at, {left_out} left out, truth for {known} {known:target|targets}",
            n=report.photographs,
            left_out=report.left_out,
            known=report.with_truth,
        )
    for symptom in report.symptoms:
        yield f"{symptom.code}{f' ({_names([symptom.target])})' if symptom.target else ''}: {symptom.sentence}"
    yield from (f"bf16 moves {_names([target])} by {size:.2%} of its spread" for target, size in report.reduced.items())
    yield from report.notes
    if report.lines:
        yield "Lines for the card (nothing was changed):"
        yield from (f"  {line}" for line in report.lines)


# identify -------------------------------------------------------------------------------------------------------


def _identify(options: argparse.Namespace) -> int:
    from fundus_core.checking import change_card, identify_card

    report = identify_card.identify_model(options.id, options.photographs, options.truth, job=options.out)
    if options.apply:
        change_card.apply(report, ", ".join(path.name for path in options.photographs))
    if options.json:
        say_json(report.as_json())
        return DONE
    for text in _measured(report):
        say(text)
    if options.apply:
        say(f"Written into the card; 'models undo {report.id}' puts the old one back.")
    elif report.changes:
        say("Nothing was changed; add --apply to write these lines into the card.")
    return DONE


def _measured(report: IdentifyReport) -> Iterator[str]:
    """What measuring found, line by line."""
    words = "{n} {n:photograph|photographs} of {people} {people:person|people} with truth"
    yield errors.say(words, n=report.photographs, people=report.people)
    for key, (before, after) in report.changes.items():
        yield f"  {key}: {before} -> {after}"
    for target, found in report.results.items():
        r, error = (
            " -> ".join("{:.4g} ({:.4g} to {:.4g})".format(*found[f"{name}_{when}"]) for when in ("before", "after"))
            for name in ("r", "error")
        )
        yield f"{_names([target])}: r {r}; {'Brier score' if TARGETS[target].binary else 'MAE'} {error}"
    if report.confirmed:
        yield f"Better than everything else that was tried: {', '.join(report.confirmed)}"
    yield from report.sentences


def _recalibrate(options: argparse.Namespace) -> int:
    from fundus_core.models import recalibrated

    targets = list(options.targets)
    if options.on:
        made = pipeline.recalibrate_files(options.id, options.on, options.new_id, targets)
    else:
        with pipeline.open_home() as store:
            made = pipeline.recalibrate_cohort(store, options.cohort, options.id, options.new_id, targets)
    if options.json:
        say_json(_finite({**_brief(made.card), "recalibrated": cards.as_plain(made.card.recalibrated)}))
        return DONE
    for words in (recalibrated.provenance(made.card)[-1], *recalibrated.lines_in_words(made.card.recalibrated[-1])):
        say(words)
    for words in made.left:
        say(f"Not recalibrated: {words}")
    say(f"Kept as '{made.card.id}' in {made.card.folder}; test it on other people.")
    return DONE


def _edit(options: argparse.Namespace) -> int:
    from fundus_core.checking import change_card

    card = change_card.edit(options.id, options.lines)
    doubts = f"; still unverified: {', '.join(card.unverified)}" if card.unverified else ""
    say(f"Written into the card of '{card.id}'{doubts}; 'models undo {card.id}' puts the old one back.")
    return DONE


def _undo(options: argparse.Namespace) -> int:
    from fundus_core.checking import change_card

    card = change_card.undo(options.id)
    say(f"The card of '{card.id}' is as it was before the last change; 'models undo {card.id}' takes it back again.")
    return DONE
