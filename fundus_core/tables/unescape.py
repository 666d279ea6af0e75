"""What programs put around a cell to keep a spreadsheet from changing it, taken off where that is exact."""

import re
from dataclasses import replace

import numpy as np

from fundus_core.errors import say
from fundus_core.tables import parse
from fundus_core.tables.table import Fault, Table, Words
from fundus_core.tables.writing import restored

_FORMULA = re.compile(r'="([^"]*)"')
_APOSTROPHE = re.compile(r"['\u2019](?=[\d.+\-])(.+)")


def plain(cell: str) -> str:
    """Return a cell without what was put around it.

    >>> plain('="0010"'), plain("'0010"), plain("'t Hart"), plain("'=1+1")
    ('0010', '0010', "'t Hart", '=1+1')
    """
    ours = restored(cell)
    if ours != cell:
        return ours
    found = _FORMULA.fullmatch(cell) or _APOSTROPHE.fullmatch(cell)
    return found[1].strip() if found else cell


def undone(table: Table) -> Table:
    """Return a table without formulas of one text and apostrophes, and say so; never where two cells would be one."""
    columns, notes, faults = [], list(table.notes), list(table.faults)
    for heading, words in zip(table.headings, table.columns, strict=True):
        different = parse.distinct(words)[0]
        changed = {word: plain(word) for word in different if word[:1] in "=+-@＝＋－＠'\u2019\t"}
        changed = {word: bare for word, bare in changed.items() if bare != word}
        if changed and not set(changed.values()) & (set(different) - set(changed)) and _one_to_one(changed):
            count = sum(1 for word in words if word in changed)
            notes.append(
                say(
                    (
                        "In '{heading}' {count:,} {count:cell|cells} stood as {count:a formula|formulas} or behind "
                        "an apostrophe and {count:was|were} read as the text {count:it shows|they show}: {changed}."
                    ),
                    heading=heading,
                    count=count,
                    changed=_shown(changed),
                )
            )
            words = _replaced(words, changed)
        elif changed:
            what = say(
                "Cells such as {changed} would become the same as other cells without what stands around "
                "them, so they were left as they are. Write the column in one way.",
                changed=_shown(changed),
            )
            faults.append(Fault(0, heading, "", "not_undone", what))
        columns.append(words)
    return replace(table, columns=tuple(columns), notes=tuple(notes), faults=tuple(faults))


def _one_to_one(changed: dict[str, str]) -> bool:
    return len(set(changed.values())) == len(changed)


def _shown(changed: dict[str, str]) -> str:
    return ", ".join(sorted(changed)[:2])


def _replaced(words: Words, changed: dict[str, str]) -> Words:
    return np.array([changed.get(word, word) for word in words], dtype=object)
