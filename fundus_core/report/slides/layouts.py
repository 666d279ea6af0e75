"""What the kinds of slides look like; the words and numbers come from whoever shows them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fundus_core.figures import Figure
from fundus_core.report.slides.slide import (
    HEIGHT,
    LEAST,
    WIDTH,
    Box,
    Drawing,
    Page,
    Part,
    Photo,
    Place,
    Rule,
    Table,
    Words,
    filled,
    squared,
)
from fundus_core.report.slides.text_fit import LINE, fit, height, one_line, width

LEFT, RIGHT = 72.0, WIDTH - 72.0
TOP, BOTTOM = 150.0, HEIGHT - 64.0
"""Between the heading and the foot."""
_ROOM = RIGHT - LEFT


@dataclass(frozen=True, slots=True)
class Step:
    """A box of the method's picture."""

    number: str
    """How many came this far."""
    name: str
    """What was done."""
    lost: str
    """How many did not come further, and why; empty where none."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of the comparison."""

    cells: tuple[str, ...]
    """Name and numbers; the bar stands behind the name."""
    ratio: float | None
    """Error as a share of the error of predicting the median; ``None`` without one."""
    low: float | None
    """Lower end of its interval."""
    high: float | None
    """Upper end."""
    rival: float | None
    """The same share for age and sex only."""


@dataclass(frozen=True, slots=True)
class Eye:
    """A telling photograph."""

    data: bytes
    """JPEG; empty where none may be shown."""
    heading: str
    """Why it tells something."""
    lines: tuple[str, ...]
    """Its numbers."""
    alt: str
    """What it shows."""


def heading(text: str) -> Words:
    """Return a slide's heading: one line, or two smaller ones."""
    lines, size = fit([text], _ROOM, 84, 46, least=30, bold=True)
    return Words(Place(LEFT, 36, _ROOM, 84), lines, size, bold=True)


def _underline(y: float = 124) -> Box:
    return Box(Place(LEFT, y, 84, 5), "accent", "accent", 2)


def words(
    place: Place, lines: Sequence[str], largest: float, *, bold: bool = False, tone: str = "ink", **more: object
) -> Words:
    """Return text at the largest size, up to ``largest`` pixels, at which it fits its place."""
    kept, size = fit(lines, place.w - (24 if more.get("bulleted") else 0), place.h, largest, bold=bold)
    return Words(place, kept, size, bold=bold, tone=tone, **more)  # type: ignore[arg-type]


def cover(kicker: str, title: str, lines: Sequence[str], photo: Eye | None, notes: str = "") -> Page:
    """Return the first slide: a name, what it is, and an eye."""
    room = 600.0 if photo else _ROOM
    kept, size = fit([title], room, 232, 60, least=34, bold=True)
    above = 376 - height(kept, size, room, bold=True) - 44
    parts: list[Part] = [
        words(Place(LEFT, above, room, 40), [kicker], 26, bold=True, tone="accent"),
        _underline(392),
        words(Place(LEFT, 424, room, 200), lines, 28, tone="quiet"),
    ]
    if photo:
        parts.append(Photo(Place(708, 100, 500, 500), filled(photo.data), photo.alt, round=True))
    return Page(Words(Place(LEFT, 144, room, 232), kept, size, bold=True), tuple(parts), notes)


def flow(title: str, photo: Eye | None, steps: Sequence[Step], lines: Sequence[str], notes: str = "") -> Page:
    """Return the method in one picture: an eye, what was lost on the way, and what became of the rest."""
    gap, high, y = 44.0, 200.0, 172.0
    start = LEFT + (high + gap if photo else 0)
    side = (RIGHT - start - gap * (len(steps) - 1)) / len(steps)
    parts: list[Part] = [_underline()]
    if photo:
        parts.append(Photo(Place(LEFT, y, high, high), filled(photo.data), photo.alt, round=True))
    for at, step in enumerate(steps):
        x = start + at * (side + gap)
        parts += _step(step, Place(x, y, side, high))
        if at or photo:
            parts.append(Rule(x - gap + 6, y + high / 2, x - 6, y + high / 2, "quiet", 3, arrow=True))
    parts.append(words(Place(LEFT, 412, _ROOM, 236), lines, 28, bulleted=True))
    return Page(heading(title), tuple(parts), notes)


def _step(step: Step, place: Place) -> list[Part]:
    inner = place.w - 16
    number, size = fit([step.number], inner, 70, 50, least=24, bold=True)
    x, y = place.x + 8, place.y
    found: list[Part] = [
        Box(place),
        Words(Place(x, y + 18, inner, 66), number, size, bold=True, tone="accent", align="center"),
        words(Place(x, y + 86, inner, 62), [step.name], 23, align="center"),
    ]
    if step.lost:
        lost = one_line(step.lost, 20, inner)
        found.append(Words(Place(x, y + 158, inner, 30), (lost,), 20, tone="alert", align="center"))
    return found


def scatter(
    title: str, figure: Figure, main: str, under: Sequence[str], facts: Sequence[tuple[str, str]], notes: str = ""
) -> Page:
    """Return a target's slide: the scatter, its error in large figures, and what to hold it against.

    ``main`` is the error with its unit, ``under`` what it is, with its interval; facts are name and value, a row each.
    """
    x, room = 632.0, RIGHT - 632.0
    lines, size = fit([main], room, 92, 66, least=30, bold=True)
    rows = min(40.0, 320.0 / max(len(facts), 1))
    small, widths = _two_columns(facts, room)
    cells = tuple((one_line(name, small, widths[0] - 10), value) for name, value in facts)
    parts: tuple[Part, ...] = (
        _underline(),
        Drawing(PLOT, figure.settled),
        Words(Place(x, 146, room, 92), lines, size, bold=True, tone="accent"),
        words(Place(x, 240, room, 88), under, 24, tone="quiet"),
        Table(Place(x, 344, room, rows * len(facts)), cells, widths, small, strong=1),
    )
    return Page(heading(title), parts, notes)


def _two_columns(facts: Sequence[tuple[str, str]], room: float) -> tuple[float, tuple[float, float]]:
    """Return the largest letters, down to the least, at which names and values stand side by side, and the widths."""
    for size in (23, 22, 21, LEAST):
        value = max((width(text, size, bold=True) for _name, text in facts), default=0.0) + 14
        name = max((width(text, size) for text, _value in facts), default=0.0) + 10
        if value + name <= room:
            break
    return size, (room - value, value)


PLOT = Place(LEFT - 8, 144, 540, 516)
"""Where the scatter stands."""


def comparison(
    title: str, head: Sequence[str], bars: Sequence[Bar], legend: Sequence[str], remark: str, notes: str = ""
) -> Page:
    """Return every target beside its yardsticks: a bar as long as its share of the error of predicting the median.

    The head is of the columns: name, bar, then the numbers. The legend says what the bar, the whisker, the diamond and
    the line at the end are.
    """
    widths = _columns(head, bars)
    row = min(56.0, 384.0 / (len(bars) + 1))
    place = Place(LEFT, 146, _ROOM, row * (len(bars) + 1))
    cells = [tuple(one_line(text, 21, wide - 14) for text, wide in zip(head, widths, strict=True))]
    cells += [(one_line(bar.cells[0], 21, widths[0] - 14), "", *bar.cells[1:]) for bar in bars]
    parts: list[Part] = [_underline(), Table(place, tuple(cells), widths, 21, headed=True, strong=2)]
    full = _full(bars)
    for at, bar in enumerate(bars, start=1):
        parts += _bar(bar, Place(LEFT + widths[0], 146 + row * at, widths[1] - 24, row), full)
    low = place.y + place.h + 14
    parts.append(words(Place(LEFT, low, _ROOM, BOTTOM - low), [*legend, remark], 21, tone="quiet"))
    return Page(heading(title), tuple(parts), notes)


def _columns(head: Sequence[str], bars: Sequence[Bar]) -> tuple[float, ...]:
    """Return widths: numbers as wide as they are, the name up to 400 pixels, the bar what is left."""
    rows = [bar.cells for bar in bars]
    numbers = [
        max(width(text, 21, bold=at == 2) for text in [head[at], *(row[at - 1] for row in rows)]) + 22
        for at in range(2, len(head))
    ]
    name = min(max(width(row[0], 21) for row in rows) + 18, 400.0)
    return (name, max(160.0, _ROOM - name - sum(numbers)), *numbers)


def _full(bars: Sequence[Bar]) -> float:
    """Return the share at the right end of the bars: a little beyond 1, at most 2."""
    ends = [end for bar in bars for end in (bar.ratio, bar.high, bar.rival) if end is not None]
    return min(2.0, max([1.15, *(1.03 * end for end in ends)]))


def _bar(bar: Bar, place: Place, full: float) -> list[Part]:
    if bar.ratio is None:
        return []
    middle, scale = place.y + place.h / 2, place.w / full
    found: list[Part] = [
        Rule(place.x + scale, place.y + 4, place.x + scale, place.y + place.h - 4, "quiet", 2),
        Box(Place(place.x, middle - 9, max(min(bar.ratio, full) * scale, 2), 18), "accent", "accent", 3),
    ]
    if bar.low is not None and bar.high is not None:
        ends = (min(bar.low, full) * scale, min(bar.high, full) * scale)
        found.append(Rule(place.x + ends[0], middle, place.x + ends[1], middle, "ink", 3))
    if bar.rival is not None and bar.rival <= full:
        x = place.x + bar.rival * scale
        found.append(Rule(x, middle - 14, x, middle + 14, "alert", 4))
    return found


def eyes(title: str, found: Sequence[Eye], remark: str, notes: str = "") -> Page:
    """Return up to three photographs side by side with their numbers."""
    gap, side = 40.0, 352.0
    parts: list[Part] = [_underline()]
    for at, eye in enumerate(found[:3]):
        x = LEFT + at * (side + gap)
        place = Place(x, 152, side, side)
        if eye.data:
            parts.append(Photo(place, squared(eye.data), eye.alt))
        else:
            parts += [Box(place), words(Place(x + 20, 300, side - 40, 90), [eye.alt], 22, tone="quiet", align="center")]
        parts.append(words(Place(x, 512, side, 32), [eye.heading], 25, bold=True, tone="accent"))
        parts.append(words(Place(x, 546, side, 62), eye.lines, 23))
    if remark:
        parts.append(words(Place(LEFT, 622, _ROOM, 34), [remark], 21, tone="quiet"))
    return Page(heading(title), tuple(parts), notes)


def limits(title: str, lines: Sequence[str], cite: str, citations: Sequence[str], notes: str = "") -> list[Page]:
    """Return what the numbers cannot say, and what to cite: on a slide of its own where it is long."""
    high, inner = BOTTOM - 8 - TOP, _ROOM - 48
    for size in (24, 22, 20):
        needed = height(citations, size, inner) + 72
        said = words(Place(LEFT, TOP, _ROOM, max(high - needed - 20, 120)), lines, 28, bulleted=True)
        if said.lines == tuple(lines) and needed + said.place.h + 20 <= high:
            place = Place(LEFT, TOP + high - needed, _ROOM, needed)
            head = words(Place(LEFT + 24, place.y + 12, inner, 34), [cite], 24, bold=True, tone="accent")
            box: list[Part] = [
                Box(place),
                head,
                words(Place(LEFT + 24, place.y + 52, inner, needed - 62), citations, size),
            ]
            return [Page(heading(title), (_underline(), said, *box), notes)]
    alone = words(Place(LEFT, TOP, _ROOM, high), lines, 28, bulleted=True)
    cited = words(Place(LEFT, TOP, _ROOM, high), citations, 26)
    return [Page(heading(title), (_underline(), alone), notes), Page(heading(cite), (_underline(), cited), notes)]


def several(title: str, figures: Sequence[Figure], notes: str = "") -> Page:
    """Return up to five figures side by side, each below its own title."""
    shown = figures[:5]
    gap = 24.0
    wide = min((_ROOM - gap * (len(shown) - 1)) / max(len(shown), 1), 420.0)
    parts: list[Part] = [_underline()]
    for at, one in enumerate(shown):
        x = LEFT + at * (wide + gap)
        parts.append(words(Place(x, 150, wide, 84), [one.title], 22, bold=True))
        parts.append(Drawing(Place(x, 240, wide, wide + 30), replace(one, title="", head=()).settled))
    return Page(heading(title), tuple(parts), notes)


def answer(
    title: str, lines: Sequence[str], figure: Figure | None = None, rows: Sequence[Sequence[str]] = (), notes: str = ""
) -> Page:
    """Return what one analysis answers: its sentences beside its figure, or above its table.

    Of a table the first row is the heading; where there is no room, columns that say one thing leave, then the last.
    """
    cells, widths = _fitting(rows[:10])
    high = 38.0 * len(cells)
    place = Place(632.0, 146, RIGHT - 632.0, BOTTOM - 146) if figure else Place(LEFT, 146, _ROOM, BOTTOM - high - 166)
    plot = PLOT if lines else Place(PLOT.x, PLOT.y, _ROOM + 8, PLOT.h)
    parts: list[Part] = [_underline(), *([Drawing(plot, figure.settled)] if figure else [])]
    if lines:
        parts.append(words(place, lines, 25 if figure else 28, bulleted=len(lines) > 1))
    if cells:
        top = BOTTOM - high - 8 if lines else 146.0
        parts.append(Table(Place(LEFT, top, sum(widths), high), cells, widths, LEAST, headed=True))
    return Page(heading(title), tuple(parts), notes)


def parted(lines: Sequence[str]) -> list[list[str]]:
    """Return lines in as few groups as slides of answers need so that none of them is cut."""
    found: list[list[str]] = []
    for line in lines:
        if found and height([*found[-1], line], LEAST, _ROOM - 24) <= BOTTOM - 166:
            found[-1].append(line)
        else:
            found.append([line])
    return found


def _fitting(rows: Sequence[Sequence[str]]) -> tuple[tuple[tuple[str, ...], ...], tuple[float, ...]]:
    """Return the cells of the columns that there is room for, and how wide those are."""
    columns = [(max(width(text, LEAST, bold=True) for text in one) + 22, one) for one in zip(*rows, strict=True)]
    while sum(wide for wide, _cells in columns) > _ROOM:
        same = [at for at, (_wide, one) in enumerate(columns) if at and len(set(one[1:])) == 1]
        columns.pop(same[-1] if same else -1)
    return tuple(zip(*(one for _wide, one in columns), strict=True)), tuple(wide for wide, _cells in columns)


def foot(text: str, page: str) -> tuple[Words, Words]:
    """Return the line at the foot of a slide: what must be known of every number, and the slide's place."""
    place = Place(LEFT, HEIGHT - 46, _ROOM - 130, 16 * LINE)
    left = Words(place, (one_line(text, 16, place.w),), 16, tone="quiet")
    return left, Words(Place(RIGHT - 120, HEIGHT - 46, 120, 16 * LINE), (page,), 16, tone="quiet", align="right")
