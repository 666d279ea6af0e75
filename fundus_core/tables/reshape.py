"""Tables that must first be set in order: one measurement per row, or units in a column of their own."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fundus_core.errors import say
from fundus_core.tables import parse, units
from fundus_core.tables.heading_roles import announced, names_models
from fundus_core.tables.headings import spread, understand
from fundus_core.tables.table import Fault, Table, Words

_MOST_ITEMS = 60
_VALUE = frozenset(
    "value values result results measurement measured 値 結果 測定値 検査値 検査結果 数値 結果値".split()
)
_ITEM = frozenset(
    "target targets outcome outcomes variable item items parameter endpoint measure trait quantity label "
    "項目 項目名 検査項目 測定項目 指標 目的変数 変数 対象".split()
)
_DERIVED = re.compile(r"error|residual|\bdiff|誤差|残差|差$|\bae\b|\bape\b|\bbias\b")
_UNIT = frozenset("unit units 単位".split())
_UNIT_HEADING = re.compile(r"(.*?)[\s.\-の]*(?:units?|単位)(?: \(\d+\))?")


def spread_out(table: Table) -> Table:
    """Return a table with a column per item where the rows hold item and value; any other table unchanged.

    The rows of one photograph (or eye, or patient, and visit) become one, with the number of its first row. An item
    that stands twice with different values is listed and left empty. Where the values are several side by side
    (``target, y_true, y_pred``), each item becomes as many columns, and an item that stands again is another row.
    """
    told = [i for i, heading in enumerate(table.headings) if announced(heading).bare and not names_models(heading)]
    plain = _named(table, _VALUE)
    values = sorted({*told, *([] if plain is None else [plain])})
    item = _item_column(table, several=len(values) > 1) if values else None
    if item is None or item in values:
        return table
    roles = {announced(str(word)).meaning.role for word in set(table.columns[item])} & set(units.UNITS)
    if any(understand(heading).role in roles for heading in table.headings):
        return table
    unit = _named(table, _UNIT)
    derived = [i for i, heading in enumerate(table.headings) if told and _DERIVED.search(spread(heading))]
    kept = [i for i in range(len(table.headings)) if i not in (item, *values, unit, *derived)]
    return _spread(table, item, values, unit, kept) if kept or told else table


def join_units(table: Table) -> Table:
    """Return a table in which units from a column of their own (``SBP_unit``) stand behind their values."""
    columns = list(table.columns)
    gone: list[int] = []
    notes: list[str] = []
    for index, heading in enumerate(table.headings):
        measured = _measured_by(table, index)
        if measured is None:
            continue
        pairs = zip(columns[measured], table.columns[index], strict=True)
        columns[measured] = np.array([_with_unit(value, unit) for value, unit in pairs], dtype=object)
        gone.append(index)
        notes.append(
            say(
                "The units in '{heading}' were read as those of '{headings}'.",
                heading=heading,
                headings=table.headings[measured],
            )
        )
    kept = [index for index in range(len(columns)) if index not in gone]
    return replace(
        table,
        headings=tuple(table.headings[index] for index in kept),
        columns=tuple(columns[index] for index in kept),
        notes=(*table.notes, *notes),
    )


def _measured_by(table: Table, index: int) -> int | None:
    """Return the column whose units this one holds: named in its heading, else the one before it."""
    words = _UNIT_HEADING.fullmatch(spread(table.headings[index]))
    cells_there = [] if words is None else [parse.fold(str(word)) for word in set(table.columns[index]) if word]
    if words is None or not cells_there or not all(map(units.unit_of, cells_there)):
        return None
    if not words[1]:
        return index - 1 if index and understand(table.headings[index - 1]).role in units.UNITS else None
    role = understand(words[1]).role
    others = (i for i, heading in enumerate(table.headings) if i != index and understand(heading).role == role)
    return next(others, None) if role in units.UNITS else None


def _item_column(table: Table, *, several: bool) -> int | None:
    """Return the column whose cells are headings of at least two measures; of one where its own heading says so."""
    for index, words in enumerate(table.columns):
        found = {str(word) for word in set(words[:2000]) if word}
        if not 0 < len(found) <= _MOST_ITEMS:
            continue
        roles = {role for word in found if (role := announced(word).meaning.role) in units.UNITS}
        named = spread(table.headings[index]).strip(".:") in _ITEM
        if len(roles) >= 2 or (roles and (named or (several and len(found) == 1))):
            return index
    return None


def _named(table: Table, names: frozenset[str]) -> int | None:
    return next((i for i, heading in enumerate(table.headings) if spread(heading).strip(".:") in names), None)


def _spread(table: Table, item: int, values: Sequence[int], unit: int | None, kept: Sequence[int]) -> Table:
    keys = [table.columns[i] for i in kept]
    if len(values) > 1:
        keys = [*keys, _again([*keys, table.columns[item]])]
    group, first = _groups(keys)
    items = [str(word) for word in dict.fromkeys(table.columns[item]) if word]
    columns = [table.columns[i][first] for i in kept]
    headings = [table.headings[i] for i in kept]
    faults: list[Fault] = []
    for name in items:
        here = np.flatnonzero(table.columns[item] == name)
        for value in values:
            cells = table.columns[value]
            if unit is not None:
                units_ = table.columns[unit]
                cells = np.array([_with_unit(v, u) for v, u in zip(cells, units_, strict=True)], dtype=object)
            plain = len(values) == 1 or not announced(table.headings[value]).bare
            headings.append(name if plain else f"{name} {table.headings[value]}")
            columns.append(_one_each(headings[-1], here, group[here], cells, table, faults, len(first)))
    note = say(
        "The table has one measurement per row ({headings}); its {n:,} rows were spread out to {rows:,}.",
        headings=[table.headings[i] for i in (item, *values)],
        n=len(table),
        rows=len(first),
    )
    return replace(
        table,
        headings=_apart(headings),
        columns=tuple(columns),
        rows=table.rows[first],
        notes=(*table.notes, note),
        faults=(*table.faults, *faults),
    )


def _again(columns: Sequence[Words]) -> Words:
    """Return for each row how often its words stood before it."""
    seen: dict[tuple[object, ...], int] = {}
    before = []
    for key in zip(*columns, strict=True):
        before.append(seen.get(key, 0))
        seen[key] = before[-1] + 1
    return np.array(before, dtype=object)


def _apart(names: Sequence[str]) -> tuple[str, ...]:
    """An item may be called as a heading is: every column needs a name of its own."""
    taken: dict[str, None] = {}
    for name in names:
        while name in taken:
            name += "'"
        taken[name] = None
    return tuple(taken)


def _groups(columns: Sequence[Words]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return for each row the number of its group, and for each group its first row."""
    seen: dict[tuple[object, ...], int] = {}
    first: list[int] = []
    group = []
    for position, key in enumerate(zip(*columns, strict=True)):
        if key not in seen:
            seen[key] = len(first)
            first.append(position)
        group.append(seen[key])
    return np.array(group, dtype=np.int64), np.array(first, dtype=np.int64)


def _with_unit(value: str, unit: str) -> str:
    return f"{value} {unit}" if value and units.unit_of(parse.fold(unit)) and not parse.is_missing(value) else value


def _one_each(
    name: str,
    here: NDArray[np.int64],
    groups: NDArray[np.int64],
    values: Words,
    table: Table,
    faults: list[Fault],
    n: int,
) -> Words:
    column = np.full(n, "", dtype=object)
    torn: set[int] = set()
    for position, group in zip(here, groups, strict=True):
        word = values[position]
        if word and column[group] and column[group] != word:
            torn.add(int(group))
            what = say(
                "'{name}' stands twice for one person with different values; it counts as missing. Keep one.", name=name
            )
            faults.append(Fault(int(table.rows[position]), name, str(word), "conflict", what))
        column[group] = column[group] or word
    column[list(torn)] = ""
    return column
