"""Tables: one reader for those of strangers, one writer for ours, which no spreadsheet runs a cell of."""

from fundus_core.tables.column_writing import cells, write_columns
from fundus_core.tables.reading import read_table
from fundus_core.tables.table import Fault, Table
from fundus_core.tables.writing import (
    as_csv,
    columns_from_csv,
    csv_lines,
    harmless,
    number,
    records_as_csv,
    records_from_csv,
    restored,
    word,
    write_csv,
)
