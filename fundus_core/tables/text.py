"""From bytes to text: which encoding a table was written in.

Statistical detectors are weak on the few dozen words of a small table, so every encoding is tried strictly and the
most plausible text wins: everyday Japanese and Latin letters speak for it, rare characters, half-width katakana,
private-use and control characters against it.
"""

import codecs
import unicodedata

from fundus_core.errors import TruthError, say

MAX_BYTES = 200_000_000
"""Larger files are refused: 1,600,000 rows with seven measured values have 125 MB; as many predictions, of which
hardly two are alike, 250 MB, and take 2.7 GB to read. A predictions.csv just as it was written here has no limit."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = ("cp932", "euc_jp", "cp1252")
_LENIENT = ("utf-8", "cp932", "euc_jp")
_DOUBTFUL = 0.5
_NO_LETTERS = dict.fromkeys(range(0xF8F0, 0xF8F4), "\ufffd")
"""What CP932 makes of single bytes that are none of its letters."""
_OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"\xff\xd8\xff", "a JPEG photograph"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xd0\xcf\x11\xe0", "an old (.xls) or password-protected Excel file"),
    (b"{\\rtf", "an RTF document"),
    (b"PAR1", "a Parquet file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"SQLite format 3", "an SQLite database"),
    (b"<", "an HTML or XML page (some programs write one and call it .xls)"),
)
_SAMPLE = 20_000
_IBM_NAMES = "髙﨑德彅増寬神祥福濵邊瀨鄧羽"
"""Letters of names that CP932 has and JIS X 0208 lacks."""


def decode(data: bytes, name: str) -> tuple[str, str]:
    """Return the text of a whole file and the encoding's name.

    Raises:
        TruthError: The bytes are no text (a picture, an old Excel file, random bytes).
    """
    refuse_other_formats(data, name)
    text, encoding = _marked(data, name) or _unmarked_utf16(data) or _guessed(data)
    text = text if text.isascii() else text.translate(_NO_LETTERS).removeprefix("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
    if _looks_binary(text[:_SAMPLE]):
        raise TruthError("'{name}' is no table: its bytes are not text. Give a CSV, TSV or XLSX file.", name=name)
    return text, encoding


def refuse_other_formats(data: bytes, name: str) -> None:
    """Raise ``TruthError`` where the file is empty, huge or starts as another kind of file does."""
    if not any(part.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe") for part in (data[:_SAMPLE], data)):
        raise TruthError("'{name}' is empty; give a table with a heading and at least one row.", name=name)
    if len(data) > MAX_BYTES:
        raise TruthError(
            "'{name}' has {data:,} bytes; at most {max_bytes:,} are read. Leave out columns or split it.",
            name=name,
            data=len(data),
            max_bytes=MAX_BYTES,
        )
    for start, kind in _OTHERS:
        if data.startswith(start):
            raise TruthError(
                "'{name}' is {kind}; save the table as CSV or XLSX and give that.", name=name, kind=say(kind)
            )


def _marked(data: bytes, name: str) -> tuple[str, str] | None:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding), encoding
            except UnicodeDecodeError as error:
                raise TruthError(
                    "'{name}' says that it is {encoding}, but byte {start} is not; save it again as UTF-8.",
                    name=name,
                    encoding=encoding,
                    start=error.start,
                ) from error
    return None


def _unmarked_utf16(data: bytes) -> tuple[str, str] | None:
    """Without a mark, UTF-16 shows by the zero bytes of its commas, digits and line ends on one side only."""
    sample = data[: _SAMPLE // 2 * 2]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if even + odd < len(sample) / 20 or max(even, odd) < 10 * min(even, odd) or len(data) % 2:
        return None
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    try:
        return data.decode(encoding), encoding
    except UnicodeDecodeError:
        return None


def _guessed(data: bytes) -> tuple[str, str]:
    for encoding in (*(("iso2022_jp",) if b"\x1b$" in data else ()), "utf-8"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    readable = [(text, encoding) for encoding in _CANDIDATES if (text := _strict(data, encoding)) is not None]
    best = max(readable, key=_plausible, default=None)
    if best is None or _plausible(best) < _DOUBTFUL:
        # a few broken bytes in the middle, or a file cut short, must not turn every other word to rubbish
        lenient = [(data.decode(encoding, errors="replace"), encoding) for encoding in _LENIENT]
        best = max([*readable, *lenient], key=_plausible)
    return best


def _plausible(pair: tuple[str, str]) -> float:
    return plausibility(pair[0][:_SAMPLE])


def _strict(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def plausibility(text: str) -> float:
    """Return the mean plausibility of the characters beyond ASCII: 1 is everyday text, negative is rubbish.

    >>> plausibility("収縮期血圧"), plausibility("Größe"), plausibility("ｼﾝﾁﾓ")
    (1.0, 0.6, -0.3)
    """
    odd = [character for character in text if character > "\x7f"]
    if not odd:
        return 1.0
    return sum(_score(character) for character in odd) / len(odd) - 0.5 * ("\x1b" in text)


def _score(character: str) -> float:
    if "\u3040" <= character <= "\u30ff" or "\uff01" <= character <= "\uff5e":
        return 1.0
    if "\uff61" <= character <= "\uff9f":
        return -0.3
    if "\u4e00" <= character <= "\u9fff" or "\uf900" <= character <= "\ufaff":
        return _kanji(character)
    if "\u00a0" <= character <= "\u017f":
        return 0.6 if character.isalpha() or character in "°²³±µ " else -0.2
    category = unicodedata.category(character)
    return -3.0 if character == "\ufffd" or category in ("Co", "Cn", "Cc", "Cs") else 0.2


def _kanji(character: str) -> float:
    """JIS X 0208 puts the 2,965 everyday characters in rows 16 to 47, the rare ones behind."""
    try:
        lead = character.encode("euc_jp")[0]
    except UnicodeEncodeError:
        return 0.5 if character in _IBM_NAMES else -0.5
    return 1.0 if 0xB0 <= lead <= 0xCF else -0.3


def _looks_binary(sample: str) -> bool:
    strange = sum(1 for c in sample if (c < " " and c not in "\n\t\x0b\x0c\x1a") or c in "\x7f\ufffd")
    return strange > len(sample) / 200 + 2
