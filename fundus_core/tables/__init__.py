"""Tables of strangers: bytes to words under headings, whatever their encoding, separator, sheet or unit."""

from fundus_core.tables.faults import Fault
from fundus_core.tables.reading import read_table
from fundus_core.tables.table import Table
from fundus_core.tables.workbook import sheet_names

__all__ = ["Fault", "Table", "read_table", "sheet_names"]
