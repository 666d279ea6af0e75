"""Truth tables: any researcher's spreadsheet of measured values, read, mapped, checked and matched to photographs.

The way of a table::

    table = read_table(data, "values.csv")      # words under headings
    proposal = propose(table)                   # what each column means: to be shown, changed, confirmed, saved
    truth = apply(table, proposal)              # values in the targets' units, every fault listed
    found = match(truth, photographs)           # which line belongs to which photograph

``load`` does the first three for a table that needs nobody's decision, as the command line does.
"""

from collections.abc import Sequence
from pathlib import Path

from fundus_core.errors import UsageError
from fundus_core.tables.reading import read_table
from fundus_core.tables.table import Fault, Table, as_csv
from fundus_core.tables.units import UNITS
from fundus_core.tables.workbook import sheet_names
from fundus_core.truth.apply_mapping import apply
from fundus_core.truth.column_options import apply_options
from fundus_core.truth.duplicate_rows import names as names_of
from fundus_core.truth.duplicate_rows import once
from fundus_core.truth.infer_columns import propose
from fundus_core.truth.infer_predictions import models_of, of_model
from fundus_core.truth.infer_predictions import propose as propose_predictions
from fundus_core.truth.keys import KEYS
from fundus_core.truth.mapping import MODEL, ROLES, Column, Proposal, coding_from
from fundus_core.truth.match_visits import NAMES_READ, visits_in_names
from fundus_core.truth.matched import OF_PHOTOGRAPHS, Match
from fundus_core.truth.matching import match, together
from fundus_core.truth.receipt import Entry, paragraph
from fundus_core.truth.table import TruthTable


def load(
    source: Path | str | bytes,
    name: str = "",
    *,
    proposal: Proposal | None = None,
    sheet: str | None = None,
    said: Sequence[str] = (),
) -> TruthTable:
    """Read a truth table without asking: the proposed mapping (or a saved one) is applied as it stands.

    Columns that only a person can decide on (sex coded 1 and 2 without a word) stay unused and are listed in the
    faults; conversions are in the notes. Show both.

    Args:
        source: A file, or its bytes.
        name: For messages; the file's own name where empty.
        proposal: A saved mapping.
        sheet: For a workbook: which sheet.
        said: What a person says of single columns, as ``told`` reads it.

    Raises:
        UsageError: The file does not exist or cannot be opened.
        TruthError: The table cannot be used; the message says why.
    """
    known = name or ("table" if isinstance(source, bytes) else Path(source).name)
    table = read_table(source if isinstance(source, bytes) else _bytes(source), known, sheet=sheet)
    return apply(table, apply_options(proposal or propose(table), *said))


def _bytes(source: Path | str) -> bytes:
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise UsageError(
            "The truth table '{source}' cannot be opened ({strerror}); give the path of a CSV or XLSX file.",
            source=source,
            strerror=error,
        ) from error
