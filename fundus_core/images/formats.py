"""What a file is, by its first bytes: the formats of photographs that are read, and others that are told apart.

One record a format: the door, the readers and every message follow it. The endings of their names, which nobody asks
here, are in ``identity.id_spellings``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePosixPath

from PIL.ImageFile import ImageFile

from fundus_core.errors import PhotographError, say
from fundus_core.images.faults import MAX_BYTES, Code, too_many_bytes

HEAD_BYTES = 512
"""So many bytes from the start of a file tell what it is."""

_FIRST_ELEMENTS = (b"\x00\x00", b"\x01\x00", b"\x05\x00", b"\x08\x00", b"\x16\x00", b"\x18\x00")
_FIRST_REPRESENTATIONS = (b"UL", b"OB", b"CS", b"UI")
_LONGEST_FIRST = 256
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})


@dataclass(frozen=True, slots=True)
class Format:
    """One format."""

    code: str
    """In one word."""
    name: str
    """As users say it."""
    is_begun_by: Callable[[bytes], bool]
    """Whether a file begins so (its first ``HEAD_BYTES``)."""
    plugin: str = ""
    """Pillow's class for it, as ``module:class``; empty for a format with a reader of its own."""

    def opener(self) -> type[ImageFile]:
        """Return Pillow's class for the format, which reads nothing else."""
        module, _, name = self.plugin.partition(":")
        found: type[ImageFile] = getattr(import_module(module), name)
        return found


def _begins(*magic: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magic)


def _is_dicom(head: bytes) -> bool:
    """With the preamble of PS3.10, whatever stands in it, or without it where the first element is a plausible one."""
    if head[128:132] == b"DICM":
        return True
    begins = head[:2] in (b"\x02\x00", b"\x08\x00") and head[2:4] in _FIRST_ELEMENTS
    explicit = head[4:6] in _FIRST_REPRESENTATIONS
    implicit = 0 < int.from_bytes(head[4:8], "little") <= _LONGEST_FIRST
    return begins and (explicit or implicit)


def _is_bmp(head: bytes) -> bool:
    """``BM`` alone begins many a text: the size of the information header must be one that exists."""
    return head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in {12, 16, 40, 52, 56, 64, 108, 124}


def _is_pnm(head: bytes) -> bool:
    """``P6`` alone begins many a text as well: a size must follow, behind white space or a comment."""
    return (
        head[:2] in {b"P2", b"P3", b"P5", b"P6"} and head[2:3].isspace() and (head[3:4].isdigit() or head[3:4] == b"#")
    )


def _brands(head: bytes) -> set[bytes]:
    """The brands of a file of boxes (ISO/IEC 14496-12, 4.3), the main one and those that it is compatible with."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[at : at + 4] for at in range(16, end, 4))}


def _is_avif(head: bytes) -> bool:
    return bool(_brands(head) & _AVIF_BRANDS)


def _is_heic(head: bytes) -> bool:
    return bool(_brands(head) & _HEIC_BRANDS) and not _is_avif(head)


FORMATS = {
    each.code: each
    for each in (
        # Before TIFF: a DICOM may carry a whole TIFF header in its preamble, for programs that know that alone.
        Format("dicom", "DICOM", _is_dicom),
        Format("jpeg", "JPEG", _begins(b"\xff\xd8\xff")),
        Format("png", "PNG", _begins(b"\x89PNG\r\n\x1a\n"), "PIL.PngImagePlugin:PngImageFile"),
        Format("tiff", "TIFF", _begins(b"II*\x00", b"MM\x00*"), "PIL.TiffImagePlugin:TiffImageFile"),
        Format("bmp", "BMP", _is_bmp, "PIL.BmpImagePlugin:BmpImageFile"),
        Format(
            "webp",
            "WebP",
            lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP",
            "PIL.WebPImagePlugin:WebPImageFile",
        ),
        Format("gif", "GIF", _begins(b"GIF87a", b"GIF89a"), "PIL.GifImagePlugin:GifImageFile"),
        Format("pnm", "PPM", _is_pnm, "PIL.PpmImagePlugin:PpmImageFile"),
        Format(
            "jpeg2000",
            "JPEG 2000",
            _begins(b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"),
            "PIL.Jpeg2KImagePlugin:Jpeg2KImageFile",
        ),
        Format("avif", "AVIF", _is_avif, "PIL.AvifImagePlugin:AvifImageFile"),
        Format("heic", "HEIC", _is_heic, "pi_heif.as_plugin:HeifImageFile"),
    )
}
"""By code, in the order in which they are tried."""
NAMES = tuple(sorted((each.name for each in FORMATS.values()), key=lambda name: (name == "DICOM", name != "JPEG")))
"""As messages list them: JPEG first, DICOM last."""


def photograph_format(head: bytes) -> str:
    """Return the code of a photograph's format, or nothing for any other content.

    The head is the first ``HEAD_BYTES`` of the file, or all of it.

    >>> photograph_format(bytes.fromhex("ffd8ffe000104a464946"))
    'jpeg'
    >>> photograph_format(b"path,patient_id")
    ''
    """
    return next((code for code, each in FORMATS.items() if each.is_begun_by(head)), "")


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
