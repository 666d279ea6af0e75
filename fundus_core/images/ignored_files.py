"""Which files of a folder or archive are not meant as photographs.

Litter is what systems leave behind; companions are the tables and notes that lie beside photographs.
Everything else is taken for a photograph and ends with a reason if it is none: nothing is passed over in silence.
"""

from pathlib import PurePosixPath

_LITTER = frozenset(
    """__macosx thumbs.db ehthumbs.db desktop.ini @eadir $recycle.bin dicomdir
    """.split()
) | {"system volume information"}
_COMPANIONS = frozenset(
    """.csv .tsv .txt .json .jsonl .xlsx .xlsm .xls .ods .parquet .md .rst .xml .html .htm .yaml .yml .toml .ini .log
    .sha256 .md5""".split()
)
MANIFESTS = frozenset({".csv", ".tsv", ".txt"})
OFFICE = frozenset({".xlsx", ".xlsm", ".docx", ".pptx", ".ods", ".odt"})
"""ZIP archives by content, documents to their users."""


def is_litter(name: str) -> bool:
    """Whether a file or folder of that name (without its path) is hidden or left by a system.

    >>> is_litter("._IMG_0001.jpg"), is_litter("IMG_0001.jpg")
    (True, False)
    """
    return name.startswith(".") or name.lower() in _LITTER


def may_be_companion(name: str) -> bool:
    """Whether the name is that of a table or note; only its bytes tell whether a photograph hides behind."""
    return suffix_of(name) in _COMPANIONS


def suffix_of(name: str) -> str:
    """Return the last suffix in lower case, with its dot."""
    return PurePosixPath(name).suffix.lower()
