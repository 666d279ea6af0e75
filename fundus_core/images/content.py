"""What a file is, by its first bytes: the extension is never asked."""

from fundus_core.errors import PhotographError, say
from fundus_core.images.faults import ALLOWED, Code, too_many_bytes
from fundus_core.images.limits import MAX_BYTES

_PHOTOGRAPHS = (
    ("jpeg", b"\xff\xd8\xff"),
    ("png", b"\x89PNG\r\n\x1a\n"),
    ("tiff", b"II*\x00"),
    ("tiff", b"MM\x00*"),
    ("bmp", b"BM"),
)
_OTHERS = (
    ("a PDF document", b"%PDF"),
    ("an archive or an Office document (ZIP)", b"PK\x03\x04"),
    ("an empty archive (ZIP)", b"PK\x05\x06"),
    ("a GIF picture", b"GIF8"),
    ("a JPEG 2000 picture", b"\x00\x00\x00\x0cjP  "),
    ("a JPEG 2000 picture", b"\xff\x4f\xff\x51"),
    ("a JPEG XL picture", b"\xff\x0a"),
    ("a JPEG XL picture", b"\x00\x00\x00\x0cJXL "),
    ("a big TIFF picture", b"II+\x00"),
    ("a big TIFF picture", b"MM\x00+"),
    ("a Photoshop document", b"8BPS"),
    ("an archive (RAR)", b"Rar!"),
    ("an archive (7z)", b"7z\xbc\xaf"),
    ("an archive (gzip)", b"\x1f\x8b"),
    ("an old Office document", b"\xd0\xcf\x11\xe0"),
    ("a numpy array", b"\x93NUMPY"),
)
_FIRST_ELEMENTS = (b"\x00\x00", b"\x01\x00", b"\x05\x00", b"\x08\x00", b"\x16\x00", b"\x18\x00")
_FIRST_REPRESENTATIONS = (b"UL", b"OB", b"CS", b"UI")
_LONGEST_FIRST = 256
_ISO_BRANDS = {b"heic": "a HEIC picture", b"heix": "a HEIC picture", b"mif1": "a HEIC picture"} | {
    b"avif": "an AVIF picture",
    b"isom": "a film",
    b"mp42": "a film",
    b"qt  ": "a film",
}
_UNSUPPORTED = frozenset({"picture"})
HEAD_BYTES = 512
"""So many bytes from the start of a file tell what it is."""


def photograph_format(head: bytes) -> str:
    """Return ``jpeg``, ``png``, ``tiff``, ``bmp``, ``webp`` or ``dicom``, or nothing for any other content.

    The head is the first ``HEAD_BYTES`` of the file, or all of it.

    >>> photograph_format(bytes.fromhex("ffd8ffe000104a464946"))
    'jpeg'
    >>> photograph_format(b"path,patient_id")
    ''
    """
    for name, magic in _PHOTOGRAPHS:
        if head.startswith(magic):
            return name if name != "bmp" or _is_bmp(head) else ""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return "dicom" if _is_dicom(head) else ""


def is_archive(head: bytes) -> bool:
    """Whether the bytes begin a ZIP archive."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def recognise(data: bytes) -> str:
    """Return the format of a photograph's bytes.

    Raises:
        PhotographError: ``empty_file``, ``too_large``, ``unsupported`` or ``not_a_photograph``.
    """
    if not data:
        raise PhotographError(
            Code.EMPTY_FILE,
            "The file is empty (0 bytes); a photograph is {allowed}. Copy it again from where it came.",
            allowed=say(ALLOWED),
        )
    if len(data) > MAX_BYTES:
        raise too_many_bytes(len(data))
    found = photograph_format(data[:HEAD_BYTES])
    if not found:
        raise _stranger(data)
    return found


def _is_bmp(head: bytes) -> bool:
    """``BM`` alone begins many a text: the size of the information header must be one that exists."""
    return int.from_bytes(head[14:18], "little") in {12, 16, 40, 52, 56, 64, 108, 124}


def _is_dicom(head: bytes) -> bool:
    """With the preamble of PS3.10, or without it where the first element is a plausible one."""
    if head[128:132] == b"DICM":
        return True
    begins = head[:2] in (b"\x02\x00", b"\x08\x00") and head[2:4] in _FIRST_ELEMENTS
    explicit = head[4:6] in _FIRST_REPRESENTATIONS
    implicit = 0 < int.from_bytes(head[4:8], "little") <= _LONGEST_FIRST
    return begins and (explicit or implicit)


def _stranger(data: bytes) -> PhotographError:
    """The error for content that is none of the six formats, saying what it is where that can be told."""
    found = _name_of(data)
    unsupported = found.rpartition(" ")[2] in _UNSUPPORTED
    code = Code.UNSUPPORTED if unsupported else Code.NOT_A_PHOTOGRAPH
    todo = "Convert it to one of these." if unsupported else "Leave it out, or find the photograph it stands for."
    return PhotographError(
        code,
        "The content is {found}; a photograph is {allowed}. {todo}",
        found=say(found),
        allowed=say(ALLOWED),
        todo=say(todo),
    )


def _name_of(data: bytes) -> str:
    for name, magic in _OTHERS:
        if data.startswith(magic):
            return name
    if data[4:8] == b"ftyp":
        return _ISO_BRANDS.get(data[8:12], "a film or another media file")
    if not any(data[:4096]):
        return "nothing but zero bytes"
    return "text" if _is_text(data[:4096]) else "of no kind that is known here"


def _is_text(head: bytes) -> bool:
    """Whether the bytes hold no control characters other than white space."""
    return not any(byte < 9 or 13 < byte < 32 for byte in head)
