"""A cohort as slides: which there are, the words and numbers on each, and three telling eyes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from babel.dates import format_date

from fundus_core import __version__, pipeline
from fundus_core.analyses import Study
from fundus_core.evaluation import Evaluation, Outline
from fundus_core.figures import Look, number
from fundus_core.report.slides import Deck, Page, layouts
from fundus_core.store import Item
from fundus_core.targets import TARGETS
from pages.parts.present import numbers
from pages.parts.shared import display, photo_panel, studies
from pages.parts.shared.studies import View
from pages.parts.shell import cards, home
from pages.parts.shell.language import _, count, current, worded


def three_eyes(view: View, target_id: str) -> Page:
    """Return the slide."""
    words = (_("The smallest error"), _("The middle error"), _("The largest error"))
    told = [_eye(item, target_id, word) for item, word in zip(_items(view, target_id), words, strict=False)]
    title = _("Three eyes: {name}").format(name=_(TARGETS[target_id].name))
    remark = _("One photograph each, chosen by its error and by nothing else.")
    return layouts.eyes(title, told, remark, remark)


def cover(view: View, target_id: str) -> layouts.Eye | None:
    """Return the eye on the first slide; none where no picture may be shown."""
    for item in _items(view, target_id):
        if (told := _eye(item, target_id, "")).data:
            return told
    return None


def _items(view: View, target_id: str) -> list[Item]:
    store, model = home.store(), view.model or None
    names = pipeline.three_photographs(studies.study(view), target_id)
    return [store.photograph(view.cohort.id, name, model=model) for name in names]


def _eye(item: Item, target_id: str, word: str) -> layouts.Eye:
    target = TARGETS[target_id]
    measured, predicted = item.truth[target_id], item.predictions[target_id].value
    numbers = _("true {true} · predicted {predicted}").format(
        true=number(measured, target), predicted=number(predicted, target)
    )
    off = _("error {error} {unit}").format(error=number(predicted - measured, target, signed=True), unit=_(target.unit))
    path = photo_panel.picture(item)
    data = b"" if path == photo_panel.MISSING else Path(path).read_bytes()
    alt = photo_panel.describe(item) if data else _("This photograph is not shown: it may hold a name.")
    return layouts.Eye(data, word, (numbers, off), alt)


def of_cohort(view: View, study: Study, *, dark: bool) -> Deck:
    """Return the slides: title, method, a scatter per target, yardsticks, a criterion, answers, three eyes, limits.

    ``study`` is the cohort's, with what the user asked beside the usual.
    """
    found = studies.scores(view)
    ids = studies.targets(found)
    look = Look(dark=dark, say=_, rendered=bool(display.disclaimer(view)), opaque=True, size=22)
    scatters = [name for name in ids if not TARGETS[name].binary]
    photo = cover(view, scatters[0]) if scatters and view.cohort.files else None
    pages = [_cover(view, found, photo), _method(view, found, photo)]
    pages += [numbers.scatter(view, found, name, look) for name in scatters]
    changes = (numbers.change(view, name, look) for name in scatters if found.level == "visit")
    pages += [page for page in changes if page is not None]
    pages += [page] if (page := numbers.criterion(view, look)) else []
    pages += [numbers.comparison(found, ids)] if ids else []
    pages += numbers.answer_slides(study, view.place, look)
    pages += numbers.plan(view)
    pages += [three_eyes(view, scatters[0])] if scatters and view.cohort.files else []
    pages += [numbers.meaning(study)] if ids else []
    return Deck(view.title, (*pages, *_limits(view)), display.footer([view], view.title), dark=dark, language=current())


def _cover(view: View, found: Evaluation, photo: layouts.Eye | None) -> Page:
    people = max((result.n_patients for result in found.targets.values()), default=0)
    n = studies.study(view).outline.photographs
    rows = worded("{n:,} {n:row|rows} of {people:,} {people:person|people}, predicted elsewhere", n=n, people=people)
    whole = worded("{n:,} {n:photograph|photographs} of {people:,} {people:person|people}", n=n, people=people)
    lines = [
        whole if view.cohort.files else rows,
        cards.title(view.model) if view.model else "",
        str(format_date(date.today(), "long", locale=current())),
    ]
    kicker = _("Predicted against true.").rstrip("。.")
    notes = _(
        "These photographs were read by the model; each target's slide sets the predictions against what was measured."
    )
    return layouts.cover(kicker, view.title, [line for line in lines if line], photo, notes)


def _method(view: View, found: Evaluation, photo: layouts.Eye | None) -> Page:
    lines = [
        _("Each photograph is cut to its retina, checked, and read once; no photograph is dropped silently."),
        _("Eyes of one visit are averaged; intervals are 95 % and over people.")
        if found.level == "visit"
        else _("Eyes of one person are averaged; intervals are 95 % and over people."),
    ]
    if view.model:
        lines.append(_("Read by: {model}").format(model=cards.title(view.model)))
    notes = _(
        "From left to right: what came in, what could be read, what was predicted, and the people with a measured "
        "value."
    )
    return layouts.flow(_("Method"), photo, _steps(studies.study(view).outline), lines, notes)


def _steps(cohort: Outline) -> list[layouts.Step]:
    predicted, failed, refused, waiting = (
        cohort.status.get(word, 0) for word in ("predicted", "failed", "refused", "queued")
    )
    people, without = cohort.people, predicted - cohort.compared
    return [
        layouts.Step(count(cohort.photographs), _("Photographs"), ""),
        layouts.Step(count(cohort.photographs - failed), _("Readable"), _lost(_("{n} unreadable"), failed)),
        layouts.Step(
            count(predicted),
            _("Predicted"),
            _lost(_("{n} refused"), refused) or _lost(_("{n} waiting"), waiting),
        ),
        layouts.Step(count(people), _("People measured"), _lost(_("{n} without"), without)),
    ]


def _lost(words: str, number: int) -> str:
    return words.format(n=count(number)) if number else ""


def _limits(view: View) -> list[Page]:
    card = cards.known().get(view.model)
    lines = [_(sentence)] if (sentence := display.disclaimer(view)) else []
    lines += [
        _(display.RESEARCH),
        _("Predictions shrink toward the mean: low values are predicted too high, high values too low."),
        _("An error belongs to the people it was measured on: where people differ less, it is smaller."),
    ]
    own = _("Made with Fundus Lab {version}.").format(version=__version__)
    cited = [f"{_('Model')}: {cards.title(view.model)}"] if view.model else []
    cited += [text for text in (card.citation, card.acknowledgement) if text] if card else []
    notes = _("What these numbers cannot say, and what to cite where they are shown.")
    return layouts.limits(_("Limits and citation"), lines, _("To cite"), [*cited, own], notes)
