"""Letters are printed whatever matplotlib's list of fonts and the machine's fonts are; never a box, never a warning.

Attacked by: no list, an old list, a list of fonts that are gone, a damaged one; no Japanese font anywhere; files that
are no fonts; letters that no font has; settings of the user; two figures at once.
"""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager, ft2font
from matplotlib.collections import PathCollection
from matplotlib.text import Text
from PIL import Image

from fundus_core.evaluation import Estimate
from fundus_core.figures import printing
from fundus_core.figures.agreement import error_boxes
from fundus_core.figures.figure import Axis, Figure
from fundus_core.figures.figure import Text as Words
from fundus_core.figures.forest import ForestRow, forest
from fundus_core.figures.marks import Line
from fundus_core.figures.printing import drawing, fonts, paper
from fundus_core.figures.scatter import Observations, predicted_against_true
from fundus_core.figures.theme import Look
from fundus_core.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
KANJI = "眼底写真から読む推定値と実測値"


def titled(text: str, bold: str = "") -> Figure:
    """A figure whose one long word is at the foot of it."""
    ends = np.array([0.0, 1.0])
    head = (Words(bold, bold=True),) if bold else ()
    return Figure(Look(opaque=True), "x", Axis(text), Axis(), (Line(ends, ends, "#000000"),), head=head)


def picture(figure: Figure) -> np.ndarray:
    with Image.open(io.BytesIO(printing.png(figure, width=400, scale=2))) as opened:
        return np.array(opened.convert("L"))


@pytest.fixture
def forgetful() -> Iterator[None]:
    """What was found so far is forgotten, before and after."""
    for forget in (fonts._files, fonts._searched, fonts._letters):
        forget.cache_clear()
    yield
    for forget in (fonts._files, fonts._searched, fonts._letters):
        forget.cache_clear()


@pytest.fixture
def bare(forgetful: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without any font but matplotlib's own."""
    monkeypatch.setattr(fonts, "_CARRIED", {"matplotlib": fonts._CARRIED["matplotlib"]})
    monkeypatch.setattr(fonts, "_of_the_machine", list)


PRINT = """
import sys, warnings
warnings.simplefilter("error")
from tests.figures.test_fonts import printed
sys.stdout.buffer.write(printed())
"""


def printed() -> bytes:
    """A picture with Japanese letters in both weights."""
    return printing.png(titled(KANJI, KANJI), width=300, scale=1)


def test_neither_an_empty_home_nor_the_user_s_settings_matter(tmp_path: Path) -> None:
    """A process without any list of fonts, in the plainest locale, whose user likes other letters and thick lines."""
    (tmp_path / "matplotlibrc").write_text("font.family: Comic Sans MS\nfont.size: 30\nlines.linewidth: 9\n")
    where = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MPLCONFIGDIR": str(tmp_path), "LC_ALL": "C"}
    if sys.platform == "win32":
        where = {**os.environ, **where}
    done = subprocess.run([sys.executable, "-c", PRINT], env=where, cwd=ROOT, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert b"findfont" not in done.stderr
    assert done.stdout == printed()


@pytest.mark.parametrize("state", ["empty", "older", "gone", "ours at a path that is gone"])
def test_matplotlib_s_list_of_fonts_does_not_matter(
    state: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The list is what a cache file held: without any font, without Japanese ones, with fonts since removed."""
    first, known = printed(), font_manager.fontManager.ttflist
    stale = {
        "empty": [],
        "older": [each for each in known if each.name == "DejaVu Sans"],
        "gone": [replace(each, fname=f"/gone/{each.name}.ttf") for each in known if "/gone" not in each.fname],
        "ours at a path that is gone": [
            font_manager.FontEntry(fname="/gone/j.ttf", name=name, weight=400, size="scalable")
            for name in ("IPAexGothic", "Noto Sans CJK JP", "DejaVu Sans")
        ],
    }[state]
    own = {fonts._entered(path) for path in fonts._carried()}
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [each for each in stale if each.name not in own])
    font_manager.fontManager._findfont_cached.cache_clear()
    monkeypatch.setattr(font_manager, "_load_fontmanager", lambda **_: pytest.fail("the list is made anew"))
    with caplog.at_level(logging.WARNING):
        assert printed() == first
    assert not caplog.records


def test_the_package_s_font_is_read_and_the_package_is_not_imported(
    forgetful: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "matplotlib_fontja", raising=False)  # another test may have asked for it
    assert printing.lacking(titled(KANJI).words) == ""
    assert [path.name for path in fonts._carried()] == ["DejaVuSans.ttf", "ipaexg.ttf"]
    assert "matplotlib_fontja" not in sys.modules


def test_without_the_package_a_font_of_the_machine_is_found(
    forgetful: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The machine's fonts: one that is no font, one cut off, one that cannot be read, and one that has the letters."""
    _latin, japanese = fonts._carried()
    data = japanese.read_bytes()
    (tmp_path / "a sans jp.ttf").write_bytes(b"no font at all")
    (tmp_path / "b sans jp.ttc").write_bytes(data[:5000])
    (tmp_path / "c sans jp.otf").mkdir()
    (tmp_path / "日本語 gothic.ttf").write_bytes(data)
    monkeypatch.setattr(fonts, "_CARRIED", {"matplotlib": fonts._CARRIED["matplotlib"]})
    monkeypatch.setattr("matplotlib.font_manager.findSystemFonts", lambda: [str(path) for path in tmp_path.iterdir()])
    assert printing.lacking(titled(KANJI).words) == ""
    assert len(fonts.families(KANJI)) == 2
    assert KANJI in printing.svg(titled(KANJI))
    assert picture(titled(KANJI)).size


@pytest.mark.parametrize("cut", [0, 1, 3, 4, 11, 12, 13, 100, 300, 1000, 20_000])
def test_a_damaged_font_has_no_letters(tmp_path: Path, cut: int) -> None:
    path = tmp_path / f"{cut}.ttf"
    path.write_bytes(list(fonts._carried())[-1].read_bytes()[:cut])
    assert not fonts._letters(path)


def test_with_no_font_the_letters_are_named_and_no_box_is_printed(bare: None) -> None:
    """Each letter is a question mark in the picture; SVG keeps it."""
    figure = titled(KANJI)
    assert printing.lacking(figure.words) == "".join(sorted(set(KANJI)))
    assert np.array_equal(picture(figure), picture(titled("?" * len(KANJI))))
    assert KANJI in printing.svg(figure)


def test_rows_that_become_alike_keep_their_places(bare: None) -> None:
    """Two clinics whose names become the same question marks: each one's interval stays in its own row."""
    figure = forest(
        [ForestRow("眼科", Estimate(10.0, 9.0, 11.0), 100), ForestRow("病院", Estimate(20.0, 15.0, 25.0), 100)],
        "MAE",
        Look(),
    )
    with paper._settings(figure, {}):
        sheet = drawing.draw(figure, 400)
        paper._rewrite(sheet, printing.lacking(figure.words))
        sheet.canvas.draw()
    (axes,) = sheet.axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert [label.count("?") for label in labels] == [2, 2]
    points = np.vstack([each.get_offsets() for each in axes.collections if isinstance(each, PathCollection)])
    assert {(x, y) for x, y in points.tolist()} == {(10.0, 1.0), (20.0, 0.0)}


@pytest.mark.parametrize(
    "text", ["\x07a", "a\u200b", "a\ufeff", "\U000f0000", "\ud800", "e\u0301", "𠮷野家", "﷽", "a\tb"]
)
def test_letters_that_hardly_any_font_has(text: str) -> None:
    """Control letters, joiners, private use, half a pair, marks, rare kanji: said or drawn, never a warning."""
    figure = titled(f"n {text}")
    letters = printing.lacking(figure.words)
    assert set(letters) <= set(text)
    assert picture(figure).size


def drawn(figure: Figure) -> set[str]:
    sheet = drawing.draw(figure, 400)
    sheet.canvas.draw()
    return {letter for text in sheet.findobj(Text) for letter in text.get_text() if not letter.isascii()}


def test_every_word_that_is_drawn_is_asked_for() -> None:
    """``words`` lists where a figure's words stand; a place that it forgot would be drawn without fonts."""
    rng = np.random.default_rng(3)
    values = rng.normal(120, 10, 30)
    points = [Observations(name, np.array(["p"] * 30), values, values + 3, 0) for name in ("甲", "乙")]
    look = Look(say=lambda text: f"訳{text}", rendered=True)
    estimates = {"mae": Estimate(10.3, 9.9, 10.8), "bias": Estimate(0.4), "pearson": Estimate(0.5)}
    figures = [
        predicted_against_true(TARGETS["sbp"], points, estimates, look),
        error_boxes(TARGETS["sbp"], points, look),
        forest(
            [ForestRow("東", Estimate(10.0, 9.0, 11.0), 100), ForestRow("西", Estimate(None, note="少"), 3)],
            "誤差",
            look,
        ),
    ]
    for figure in figures:
        with paper._settings(figure, {}):
            assert drawn(figure) - set("−") <= set(figure.words)


def test_figures_drawn_at_once_keep_their_fonts() -> None:
    """matplotlib's settings belong to the process: each thread's picture equals the one drawn alone."""
    figures = [titled(KANJI), titled("true systolic blood pressure")] * 3
    alone = [picture(figure) for figure in figures]
    found: dict[int, np.ndarray] = {}
    threads = [
        threading.Thread(target=lambda at=at: found.__setitem__(at, picture(figures[at]))) for at in range(len(figures))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[at], alone[at]) for at in range(len(figures)))


def test_what_is_entered_can_be_opened_by_what_draws() -> None:
    """The letters are read by one library and drawn by another: they agree on the fonts that are carried."""
    for path in fonts._carried():
        assert set(map(chr, ft2font.FT2Font(path).get_charmap())) == set(fonts._letters(path))
