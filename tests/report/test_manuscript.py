"""Tables as a manuscript takes them: nothing lost, nothing that a stranger wrote has a meaning of its own."""

import io
import re
import shutil
import subprocess
import zipfile
from xml.etree import ElementTree

import docx
import pytest
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st
from openxml_audit import OpenXmlValidator

from fundus_core.analyses import Laid
from fundus_core.report import Paper, Titled
from fundus_core.report.manuscript import as_docx, as_latex

TABLE = Titled(
    "Results (Table 2)",
    Laid(
        ("Target", "MAE (mmHg)", "Notes"),
        (("SBP_1", "10.60 (9.52 to 11.88)", "a"), ("DBP & more", "−0.91 (−1.65 to −0.18)", "")),
        ("a: 5 % are missing",),
    ),
    "Intervals are 95 %.",
)
SECTIONS = (("Methods", "We read 100 %."), ("Results", "MAE 10.6."))
PAPER = Paper("Clinic $ ~ * _ [ ]", SECTIONS, (TABLE,), "For research.")
HOSTILE = "[2pt] *x* $ ~ _ & % # \\ ^ { } \"q\" | < > -- ''x'' ``y`` !` a±b −1 é µ ° “” …"


def cells(made: bytes) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in docx.Document(io.BytesIO(made)).tables[0].rows]


def test_word_holds_every_cell_and_names_footnotes_behind_the_first() -> None:
    assert cells(as_docx([TABLE])) == [
        ["Target", "MAE (mmHg)"],
        ["SBP_1a", "10.60 (9.52 to 11.88)"],
        ["DBP & more", "−0.91 (−1.65 to −0.18)"],
    ]
    said = [one.text for one in docx.Document(io.BytesIO(as_docx([TABLE]))).paragraphs]
    assert said[-2:] == ["Intervals are 95 %.", "a 5 % are missing"]


def test_word_has_three_rules_and_repeats_its_heading() -> None:
    table = docx.Document(io.BytesIO(as_docx([TABLE]))).tables[0]
    lines = [
        sorted(
            {one.tag.partition("}")[2] for one in row.cells[0]._tc.iter() if one.tag in (qn("w:top"), qn("w:bottom"))}
        )
        for row in table.rows
    ]
    assert lines == [["bottom", "top"], [], ["bottom"]]
    assert table.rows[0]._tr.trPr.find(qn("w:tblHeader")) is not None


def test_a_paper_has_its_paragraphs_before_its_tables() -> None:
    said = [one.text for one in docx.Document(io.BytesIO(as_docx(PAPER.tables, paper=PAPER))).paragraphs]
    assert said[:6] == ["Clinic $ ~ * _ [ ]", "Methods", "We read 100 %.", "Results", "MAE 10.6.", "For research."]
    text = as_latex(PAPER.tables, paper=PAPER)
    assert text.index(r"We read 100 \%.") < text.index("MAE 10.6.") < text.index(r"\toprule")


def test_latex_has_three_rules_and_signs_as_themselves() -> None:
    text = as_latex([TABLE])
    assert [text.count(rf"\{rule}") for rule in ("toprule", "midrule", "bottomrule")] == [1, 1, 1]
    assert r"SBP\_1\textsuperscript{a} & 10.60 (9.52 to 11.88) \tabularnewline" in text
    assert r"DBP \& more & $-$0.91 ($-$1.65 to $-$0.18) \tabularnewline" in text
    assert r"\textsuperscript{a} 5 \% are missing" in text
    assert r"\begin{tabular}{ll}" in text


def test_a_picture_sign_is_named_where_no_font_has_it() -> None:
    text = as_latex([Titled("Clinic \U0001f98a", Laid(("A",), (("thumbs \U0001f44d\U0001f3fd up",),), ()))])
    assert r"\caption{Clinic (fox face)}" in text
    assert "thumbs (thumbs up sign) up" in text
    assert text.startswith("% pdfLaTeX")


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=12))
def test_no_strangers_cell_breaks_a_file(word: str) -> None:
    one = Titled(word, Laid((word or "head",), ((word,),), (word,) if word else ()))
    with zipfile.ZipFile(io.BytesIO(as_docx([one]))) as made:
        ElementTree.fromstring(made.read("word/document.xml"))  # noqa: S314 - our own file
    body = as_latex([one]).split("\n", 2)[2]
    plain = re.sub(r"\\[&%$#_{}]|\\text\w+\{\}|\$(-|\\\w+|\^2)\$|\{[][*]\}|\{\\char34\}|\{\\kern0pt\}", "", body)
    assert not set("&%$#_~^") & set(plain), "a sign that means something to TeX"
    assert plain.count("{") == plain.count("}")


def hostile(word: str, rows: int = 3) -> Paper:
    """Every place of a manuscript holds a word: title, headings, cells at the start of rows, footnotes; one is long."""
    laid = Laid((word, f"{word} b", word, "Notes"), ((word, f"{word} " * 9, "1.0", "a"),) * rows, (f"a: {word}",))
    short = Laid((word, "B"), ((word, "1"), (word, "2")), (word,))
    return Paper(
        word, (("Methods", f"{word}."), ("Results", word)), (Titled(word, laid, word), Titled(word, short)), word
    )


def test_word_finds_nothing_to_repair(tmp_path) -> None:
    """By the schemas of the Open XML SDK, whose validator is Office's own."""
    (tmp_path / "m.docx").write_bytes(as_docx(hostile(HOSTILE, 40).tables, paper=hostile(HOSTILE, 40)))
    assert [str(one) for one in OpenXmlValidator().validate(tmp_path / "m.docx").errors] == []


def test_a_paper_counts_its_tables_and_turns_the_page_for_a_broad_one() -> None:
    wide = Titled("Results (Table 2)", Laid(tuple("ABCDEFGH"), (tuple("12345678"),), ()))
    paper = Paper("Clinic", SECTIONS, (TABLE, wide, TABLE), "For research.", "表")
    made = docx.Document(io.BytesIO(as_docx(paper.tables, paper=paper)))
    assert [one.text for one in made.paragraphs if one.text.startswith("表")] == [f"表 {n}. Results" for n in (1, 2, 3)]
    assert [one.page_width > one.page_height for one in made.sections] == [False, True, False]
    text = as_latex(paper.tables, paper=paper)
    assert text.count(r"\begin{landscape}") == 1
    assert text.count(r"\caption{Results}") == 3


def test_no_row_begins_with_what_ends_the_row_before_it() -> None:
    for line in as_latex(hostile("[2pt]").tables).splitlines() + as_latex(hostile("*").tables).splitlines():
        assert not line.startswith(("[", "*", "(")), line


@pytest.mark.parametrize(
    ("engine", "word"), [("pdflatex", HOSTILE), ("lualatex", f"日本語の施設（２０２６年）{HOSTILE} Ж 😀")]
)
def test_a_manuscript_compiles_whatever_its_words_are(tmp_path, engine: str, word: str) -> None:
    """Where LaTeX is installed: no error, no letter lost to its neighbours, no line beyond the margin."""
    if shutil.which(engine) is None or shutil.which("pdftotext") is None:
        pytest.skip(f"there is no {engine} with pdftotext on this machine; install TeX Live and poppler to try it")
    (tmp_path / "m.tex").write_text(as_latex(hostile(word, 30).tables, paper=hostile(word, 30)), encoding="utf-8")
    run = subprocess.run(
        [engine, "-interaction=nonstopmode", "-halt-on-error", "m.tex"], cwd=tmp_path, capture_output=True, check=False
    )
    log = (tmp_path / "m.log").read_text(encoding="utf-8", errors="replace")
    assert run.returncode == 0, log[-3000:]
    assert "LaTeX Warning: Float too large" not in log
    assert not [one for one in re.findall(r"Overfull \\hbox \((\d+)", log) if int(one) > 20]
    said = subprocess.run(["pdftotext", "m.pdf", "-"], cwd=tmp_path, capture_output=True, check=True).stdout.decode()
    for part in ("[2pt]", "*x*", "# \\", "{ }", "--", "±b"):
        assert part in said


@pytest.mark.parametrize("notes", [(), ("Of all.",)])
def test_a_table_without_letters_keeps_its_last_column(notes: tuple[str, ...]) -> None:
    one = Titled("T", Laid(("A", "B"), (("1", "2"),), notes))
    assert cells(as_docx([one])) == [["A", "B"], ["1", "2"]]
    assert r"1 & 2 \tabularnewline" in as_latex([one])
