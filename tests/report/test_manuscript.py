"""Tables as a manuscript takes them: nothing lost, nothing that a stranger wrote has a meaning of its own."""

import io
import re
import zipfile
from xml.etree import ElementTree

import docx
import pytest
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st

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
PAPER = Paper("Clinic $ ~ * _ [ ]", "We read 100 %.", "MAE 10.6.", (TABLE,), "For research.")


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
    assert r"SBP\_1\tnote{a} & 10.60 (9.52 to 11.88) \\" in text
    assert r"DBP \& more & $-$0.91 ($-$1.65 to $-$0.18) \\" in text
    assert r"\item[a] 5 \% are missing" in text
    assert r"\begin{tabular}{ll}" in text


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=12))
def test_no_strangers_cell_breaks_a_file(word: str) -> None:
    one = Titled(word, Laid((word or "head",), ((word,),), (word,) if word else ()))
    with zipfile.ZipFile(io.BytesIO(as_docx([one]))) as made:
        ElementTree.fromstring(made.read("word/document.xml"))  # noqa: S314 - our own file
    body = as_latex([one]).split("\n", 2)[2]
    plain = re.sub(r"\\[&%$#_{}]|\\text\w+\{\}|\$(-|\\\w+|\^2)\$", "", body)
    assert not set("&%$#_~^") & set(plain), "a sign that means something to TeX"
    assert plain.count("{") == plain.count("}")


@pytest.mark.parametrize("notes", [(), ("Of all.",)])
def test_a_table_without_letters_keeps_its_last_column(notes: tuple[str, ...]) -> None:
    one = Titled("T", Laid(("A", "B"), (("1", "2"),), notes))
    assert cells(as_docx([one])) == [["A", "B"], ["1", "2"]]
    assert r"1 & 2 \\" in as_latex([one])
