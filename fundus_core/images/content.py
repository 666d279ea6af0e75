"""What a file is, by its first bytes: the extension is never asked."""

from fundus_core.errors import PhotographError, say
from fundus_core.images.faults import Code, too_many_bytes
from fundus_core.images.formats import HEAD_BYTES, NAMES, photograph_format
from fundus_core.images.limits import MAX_BYTES

_OTHERS = (
    ("a PDF document", b"%PDF"),
    ("an archive or an Office document (ZIP)", b"PK\x03\x04"),
    ("an empty archive (ZIP)", b"PK\x05\x06"),
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
_TOPCON = (
    "Open the examination in Topcon's own software (IMAGEnet) and export the colour photograph as JPEG, TIFF or DICOM."
)
_HEYEX = "Open the examination in HEYEX and export the colour photograph as TIFF, JPEG or DICOM, if there is one."
_NO_COLOUR = "It holds a tomogram and an infrared picture, no colour; use the photograph of a fundus camera."
_BESIDE = "It lists pictures that lie beside it; take the colour photograph among them, if there is one."
_DEVICES = (
    ("a Topcon file (FDS)", b"FOCTFDS", _TOPCON),
    ("a Topcon file (FDA)", b"FOCTFDA", _TOPCON),
    ("a Heidelberg file (E2E)", b"CMDb", _HEYEX),
    ("a Heidelberg file (VOL)", b"HSF-OCT", _NO_COLOUR),
    ("a Heidelberg file (XML export)", b"<HEDX", _BESIDE),
)
"""What devices write, by the first bytes (as oct-converter 0.7 and eyepy 0.21 read them), and how to get a photograph
out of it."""
_POINTER = b"version https://git-lfs.github.com/spec/"
_FILMS = {b"isom": "a film", b"mp42": "a film", b"qt  ": "a film"}
_UNSUPPORTED = frozenset({"picture"})
_CONVERT = "Convert it to one of these."
_FETCH = "Fetch the file itself (git lfs pull)."
_LEAVE = "Leave it out, or find the photograph it stands for."


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
            "The file is empty (0 bytes); a photograph is {allowed:or}. Copy it again from where it came.",
            allowed=NAMES,
        )
    if len(data) > MAX_BYTES:
        raise too_many_bytes(len(data))
    found = photograph_format(data[:HEAD_BYTES])
    if not found:
        raise _stranger(data)
    return found


def _stranger(data: bytes) -> PhotographError:
    """The error for content that is none of the formats, saying what it is where that can be told."""
    found, device = _device(data) or (_name_of(data), "")
    unsupported = bool(device) or found.rpartition(" ")[2] in _UNSUPPORTED
    todo = device or (_CONVERT if unsupported else _FETCH if data.startswith(_POINTER) else _LEAVE)
    return PhotographError(
        Code.UNSUPPORTED if unsupported else Code.NOT_A_PHOTOGRAPH,
        "The content is {found}; a photograph is {allowed:or}. {todo}",
        found=say(found),
        allowed=NAMES,
        todo=say(todo),
    )


def _device(data: bytes) -> tuple[str, str] | None:
    """What a device wrote, and how to get a photograph out of it; an XML may have a declaration before its root."""
    head = data[:HEAD_BYTES]
    root = head[max(head.find(b"<HEDX"), 0) :] if head.lstrip(b"\xef\xbb\xbf").startswith(b"<?xml") else head
    return next(((name, todo) for name, magic, todo in _DEVICES if root.startswith(magic)), None)


def _name_of(data: bytes) -> str:
    for name, magic in _OTHERS:
        if data.startswith(magic):
            return name
    if data.startswith(_POINTER):
        return "a Git LFS pointer, which stands for a file that was not fetched"
    if data[4:8] == b"ftyp":
        return _FILMS.get(data[8:12], "a film or another media file")
    if not any(data[:4096]):
        return "nothing but zero bytes"
    return "text" if _is_text(data[:4096]) else "of no kind that is known here"


def _is_text(head: bytes) -> bool:
    """Whether the bytes hold no control characters other than white space."""
    return not any(byte < 9 or 13 < byte < 32 for byte in head)
