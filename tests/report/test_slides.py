"""Slides hold the same in every file: legible, within their places, and as text that can be edited."""

import io
import re
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from openxml_audit import OpenXmlValidator
from PIL import Image
from pptx import Presentation

from fundus_core import processes
from fundus_core.evaluation import Estimate
from fundus_core.figures import Look, Observations, predicted_against_true
from fundus_core.report.slides import (
    Deck,
    Drawing,
    Page,
    Photo,
    Place,
    Table,
    Words,
    as_file,
    data_of,
    layouts,
    pictured,
    web,
)
from fundus_core.report.slides.powerpoint import PIXEL, as_pptx
from fundus_core.report.slides.slide import HEIGHT, LEAST, WIDTH, filled, squared
from fundus_core.report.slides.text_fit import fit, height, width, wrap
from fundus_core.report.slides.web import drawn
from fundus_core.targets import TARGETS

LONG = "The eyes of everybody who came to the screening of the department of ophthalmology in the autumn of 2026"
JAPANESE = "大学病院眼科の二〇二六年秋の健診に来たすべての人の眼底写真による血圧と血糖と腹囲の推定と実測の比較"
WORDS = {"back": "Back", "next": "Next", "full": "Full screen"}


def photograph(size=(64, 48)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (150, 60, 20)).save(stream, "JPEG")
    return stream.getvalue()


def figure(dark: bool = False):
    truth = np.linspace(100, 150, 20)
    points = Observations("Clinic", np.array([str(n) for n in range(20)]), truth, truth + 3)
    look = Look(opaque=True, size=22, dark=dark, rendered=True)
    return predicted_against_true(TARGETS["sbp"], [points], {"mae": Estimate(3.0, 2.0, 4.0)}, look)


def deck(name: str = "Clinic", *, dark: bool = False) -> Deck:
    """Every kind of slide, all of its words as long as the name."""
    eye = layouts.Eye(photograph(), f"Smallest {name}", ("true 120 · predicted 121", "error +1"), f"Eye of {name}")
    steps = [layouts.Step("123,456", name, "24 refused") for _ in range(4)]
    bars = [layouts.Bar((name, "10.60", "13.64", "12.42", "–"), 0.78, 0.7, 0.9, 0.92) for _ in range(6)]
    bars.append(layouts.Bar((name, "94.0 %", "–", "–", "92.0 %"), None, None, None, None))
    pages = [
        layouts.cover("Predicted against true", name, [name, name], eye),
        layouts.flow("Method", eye, steps, [name, name, name], notes="Seed 5."),
        layouts.scatter(name, figure(dark), "10.60 mmHg", [name, name], [(name, "0.42 (0.30 … 0.52)")] * 6),
        layouts.comparison(name, ["", "", "Model", "Mean", "Age and sex", "Published"], bars, [name], name),
        layouts.answer(name, [f"{name}." for _ in range(4)], figure(dark)),
        layouts.answer(name, [name] * 6),
        layouts.several(name, [replace(figure(dark), title=name)] * 3, notes=name),
        layouts.answer(name, [name], rows=[["Estimate", name, name, "p"], *[["MAE", "10.60", name, "0.02"]] * 12]),
        layouts.eyes(name, [eye, replace(eye, data=b"", alt=name), eye], name),
        *layouts.limits(name, [name] * 4, "To cite", [name] * 3),
    ]
    return Deck(
        name, tuple(pages), f"Research use only. · {name}", dark=dark, language="ja" if name == JAPANESE else "en"
    )


DECKS = [deck(), deck(LONG), deck(JAPANESE, dark=True)]
IDS = ["short", "long", "japanese"]


def words_of(page: Page) -> list[Words]:
    return [page.title, *(part for part in page.parts if isinstance(part, Words))]


@pytest.fixture(scope="module", params=DECKS, ids=IDS)
def both(request):
    return request.param, Presentation(io.BytesIO(as_pptx(request.param)))


def test_powerpoint_finds_nothing_to_repair(both, tmp_path) -> None:
    """By the schemas of the Open XML SDK: order of elements, values of attributes, parts, relations, ids."""
    both[1].save(tmp_path / "deck.pptx")
    assert [str(one) for one in OpenXmlValidator().validate(tmp_path / "deck.pptx").errors] == []


def texts(slide) -> list[str]:
    found = [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]
    tables = [shape.table for shape in slide.shapes if shape.has_table]
    return found + [cell.text for table in tables for row in table.rows for cell in row.cells]


@pytest.mark.parametrize("made", DECKS, ids=IDS)
def test_no_letter_is_too_small_for_the_last_row(made):
    sizes = [part.size for page in made.pages for part in words_of(page)]
    sizes += [part.size for page in made.pages for part in page.parts if isinstance(part, Table)]
    assert min(sizes) >= LEAST


@pytest.mark.parametrize("made", DECKS, ids=IDS)
def test_no_text_is_larger_than_its_place(made):
    for page in made.pages:
        for part in words_of(page):
            room = part.place.w - (24 if part.bulleted else 0)
            assert height(part.lines, part.size, room, bold=part.bold) <= part.place.h + 0.01, part.lines


@pytest.mark.parametrize("made", DECKS, ids=IDS)
def test_a_tables_cells_stay_on_one_line(made):
    for page in made.pages:
        for part in page.parts:
            if isinstance(part, Table):
                assert sum(part.widths) == pytest.approx(part.place.w)
                for row in part.rows:
                    for text, wide in zip(row, part.widths, strict=True):
                        assert width(text, part.size) <= wide


@pytest.mark.parametrize("made", DECKS, ids=IDS)
def test_nothing_hangs_over_the_edge_or_into_the_foot(made):
    for page in made.pages:
        for part in page.parts:
            if hasattr(part, "place"):
                assert 0 <= part.place.x <= part.place.x + part.place.w <= WIDTH
                assert 0 <= part.place.y <= part.place.y + part.place.h <= HEIGHT - 46


def test_a_line_is_never_wider_than_its_room():
    for text in (LONG, JAPANESE, "x" * 200, ""):
        for line in wrap(text, 24, 300):
            assert width(line, 24) <= 300


def test_what_fits_at_no_size_says_that_it_goes_on():
    lines, size = fit([LONG * 5], 300, 60, 40)
    assert size == LEAST
    assert lines[-1].endswith("…")
    assert height(lines, size, 300) <= 60


def test_answers_of_many_targets_take_as_many_slides_as_keep_them_whole():
    lines = [f"{name}: {LONG}. {LONG}." for name in "abcdefghijklmnop"]
    groups = layouts.parted(lines)
    assert [line for some in groups for line in some] == lines
    assert 1 < len(groups) < len(lines)
    for some in groups:
        (shown,) = (part for part in layouts.answer("Title", some).parts if isinstance(part, Words))
        assert list(shown.lines) == some, "nothing ends in an ellipsis"
    assert layouts.parted([]) == []


def test_long_citations_are_not_cut_but_get_a_slide():
    citations = [f"{n}. {LONG}. {LONG}." for n in range(4)]
    pages = layouts.limits("Limits", [LONG] * 4, "To cite", citations)
    assert len(pages) == 2
    said = [line for page in pages for part in words_of(page) for line in part.lines]
    assert set(citations) <= set(said)


def test_a_photograph_becomes_a_square_without_being_stretched():
    with Image.open(io.BytesIO(squared(photograph((64, 48))))) as square:
        assert square.size == (64, 64)
        assert max(square.getpixel((32, 2))) < 20
        assert square.getpixel((32, 32))[0] > 120


@pytest.mark.parametrize(("width", "high"), [(400, 260), (260, 400), (300, 300)])
def test_the_round_photograph_of_a_cover_holds_no_black(width, high):
    """A field with cut edges on a black ground: the circle inside the square lies within the field."""
    y, x = np.mgrid[:400, :400] - 199.5
    inside = (x**2 + y**2 < 190**2) & (abs(x) < width / 2) & (abs(y) < high / 2)
    stream = io.BytesIO()
    Image.fromarray(np.where(inside[..., None], (150, 60, 20), (0, 0, 0)).astype(np.uint8)).save(stream, "PNG")
    with Image.open(io.BytesIO(filled(stream.getvalue()))) as made:
        side, grey = made.width, np.asarray(made.convert("L"))
    assert made.width == made.height
    v, u = np.mgrid[:side, :side] - (side - 1) / 2
    assert grey[u**2 + v**2 < (side / 2 - 1) ** 2].min() > 40


def test_a_black_photograph_stays_one():
    stream = io.BytesIO()
    Image.new("RGB", (40, 20)).save(stream, "JPEG")
    with Image.open(io.BytesIO(filled(stream.getvalue()))) as made:
        assert made.width == made.height


def test_notes_go_with_their_slides():
    made = deck()
    assert data_of(made, WORDS)["notes"] == [page.notes for page in made.pages]


def test_every_word_is_native_text_in_powerpoint(both):
    made, opened = both
    for page, slide in zip(made.pages, opened.slides, strict=True):
        said = "\n".join(texts(slide))
        cells = [cell for part in page.parts if isinstance(part, Table) for row in part.rows for cell in row]
        lines = [line for part in words_of(page) for line in part.lines]
        assert [word for word in (*lines, *cells) if word not in said] == []


def test_powerpoint_carries_footer_number_title_and_notes(both):
    made, opened = both
    for number, slide in enumerate(opened.slides, start=1):
        assert f"{number} / {len(made.pages)}" in texts(slide)
        assert any(text.startswith("Research use only.") for text in texts(slide))
        assert slide.shapes.title.text_frame.text
    assert opened.slides[1].notes_slide.notes_text_frame.text == "Seed 5."


def test_powerpoint_stays_on_the_slide_and_is_sharp(both):
    _made, opened = both
    for slide in opened.slides:
        for shape in slide.shapes:
            assert 0 <= shape.left <= shape.left + shape.width <= WIDTH * PIXEL
            assert 0 <= shape.top <= shape.top + shape.height <= HEIGHT * PIXEL
    pictures = [shape for slide in opened.slides for shape in slide.shapes if shape.shape_type == 13]
    assert all(shape._element.nvPicPr.cNvPr.get("descr") for shape in pictures)
    drawing = Image.open(io.BytesIO(pictures[2].image.blob))
    assert drawing.width / (pictures[2].width / 914400) > 250, "dots per inch"


def test_powerpoint_names_a_font_for_japanese():
    with zipfile.ZipFile(io.BytesIO(as_pptx(DECKS[2]))) as parts:
        first = parts.read("ppt/slides/slide1.xml").decode()
    assert 'lang="ja-JP"' in first
    assert '<a:ea typeface="Yu Gothic"/>' in first


@pytest.mark.parametrize("made", DECKS, ids=IDS)
def test_the_file_needs_no_other_file(made):
    page = as_file(made, WORDS)
    assert not re.findall(r"https?://(?!www\.w3\.org)", page)
    assert "default-src 'none'" in page
    assert page.count("\\u003csection class=") == len(made.pages)


def test_no_two_figures_share_a_name():
    """A browser does not clip by a path that another, hidden slide has under the same name."""
    other = replace(figure(), x=replace(figure().x, title="another"))
    drawings = [drawn(Drawing(layouts.PLOT, each)) for each in (figure(), other)]
    names = [set(re.findall(r'\bid="([^"]+)"', text)) for text in drawings]
    assert names[0]
    assert not names[0] & names[1]
    for text, mine in zip(drawings, names, strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", text)) <= mine


def test_figures_drawn_in_another_process_are_the_same_and_the_page_shows_slides_before(monkeypatch):
    """Tried: words that only this process can translate, which no other can be told; they are said before."""
    said = replace(figure(), look=replace(figure().look, say=lambda words: f"«{words}»"))
    made = Deck("Clinic", (layouts.answer("Clinic", ["Clinic."], said),), "")
    here = pictured(made)
    assert "«rendered eyes»" in data_of(here, WORDS)["slides"][0]
    assert "<path" not in data_of(made, WORDS)["slides"][0]
    with monkeypatch.context() as patched:
        patched.setattr(web, "drawn", None)
        apart = processes.apart(pictured, made)
    assert apart.pages[0].parts[1].svg == here.pages[0].parts[1].svg
    monkeypatch.setattr(web, "drawn", None)
    assert as_file(apart, WORDS) == as_file(here, WORDS), "what is drawn stays"


def test_foreign_words_stay_words():
    hostile = '</script><script>alert("x")</script><img src=x onerror=y>'
    page = as_file(deck(hostile), WORDS)
    assert page.count("<script>") == 1
    assert "<img src=x" not in page


def test_dark_slides_are_dark_and_so_are_their_figures(both):
    made, opened = both
    drawing = next(shape for shape in opened.slides[2].shapes if shape.shape_type == 13)
    corner = Image.open(io.BytesIO(drawing.image.blob)).convert("L").getpixel((1, 1))
    assert (corner < 60) == made.dark


def test_a_photograph_is_described(both):
    made, _opened = both
    photos = [part for page in made.pages for part in page.parts if isinstance(part, Photo)]
    assert len(photos) == 4
    assert all(photo.alt and isinstance(photo.place, Place) for photo in photos)
