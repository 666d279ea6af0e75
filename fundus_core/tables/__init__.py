"""Tables: one reader for those of strangers, one writer for ours, which no spreadsheet runs a cell of."""

from fundus_core.tables.escape import harmless, restored
from fundus_core.tables.faults import Fault
from fundus_core.tables.reading import read_table
from fundus_core.tables.table import Table
from fundus_core.tables.writing import (
    as_csv,
    columns_from_csv,
    csv_lines,
    number,
    records_as_csv,
    records_from_csv,
    word,
    write_csv,
)
