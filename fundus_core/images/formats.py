"""The formats of photographs that are read: what each is called, how its bytes begin, and who decodes it.

One record a format: the door, the readers and every message follow it. The endings of their names, which nobody asks
here, are in ``identity.id_spellings``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from PIL.ImageFile import ImageFile

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
