"""Photographs with invented names in every place where a name can hide, to see whether any comes through."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from fundus_core.records import Pixels

_INK, _NEAR, _LEFT = 255, 60, 0.05
_LETTERS = "bcdfghjkmnpqrstvwxz"
_KANJI = "鷹匠蘭丸霧隠鯨波楠瀬鵜飼雉嶋蕗谷蜂須賀鴻巣"


@dataclass(frozen=True, slots=True)
class Names:
    """Invented names that nobody has, new at every call."""

    latin: str
    """A family name."""
    kanji: str
    """A name in Japanese letters."""

    @classmethod
    def invented(cls) -> Names:
        """Draw them at random."""
        latin = "Qz" + "".join(secrets.choice(_LETTERS) for _ in range(8))
        return cls(latin, "".join(secrets.choice(_KANJI) for _ in range(4)))

    @property
    def all(self) -> tuple[str, str]:
        """Both."""
        return self.latin, self.kanji


@dataclass(frozen=True, slots=True)
class Planted:
    """A photograph that names were planted in."""

    path: Path
    """Where it is."""
    where: str
    """Where its name is burned in: ``beside``, ``over`` the retina, or in the ``bar`` beyond a flat cut."""
    glyphs: NDArray[np.bool_]
    """Height x width: the pixels of the name, without the edges of its strokes."""

    def shown_in(self, pixels: Pixels) -> bool:
        """Whether a picture of the same size (height x width x 3) still has the name where it was burned in."""
        if pixels.shape[:2] != self.glyphs.shape:
            return False
        left = (pixels[self.glyphs] >= _INK - _NEAR).all(axis=1)
        return bool(left.mean() > _LEFT)


def planted(pixels: Pixels, names: Names, folder: Path, number: int) -> Planted:
    """Write a photograph (height x width x 3, RGB) with names in file name, folder, tags, trailing bytes and pixels.

    The number also decides the format, and where the name is burned in.
    """
    home = folder / f"{names.latin} {names.kanji}"
    home.mkdir(parents=True, exist_ok=True)
    where = tuple(_GROUNDS)[number % len(_GROUNDS)]
    picture, glyphs = _burned(*_GROUNDS[where](pixels), names)
    write, ending = _FORMATS[number % len(_FORMATS)]
    path = home / f"{names.kanji}_{names.latin}_{number:02d}.{ending}"
    path.write_bytes(write(picture, names) + f"\n{names.latin} {names.kanji}".encode())
    return Planted(path, where, glyphs)


def _burned(ground: Pixels, x: int, y: int, names: Names) -> tuple[Image.Image, NDArray[np.bool_]]:
    """Return the ground with the name in white, and where its strokes are."""
    stencil = Image.new("L", (ground.shape[1], ground.shape[0]))
    font = ImageFont.load_default(max(14, ground.shape[0] // 20))
    ImageDraw.Draw(stencil).text((x, y), names.latin, fill=255, font=font)
    picture = Image.fromarray(ground)
    picture.paste((_INK, _INK, _INK), mask=stencil)
    return picture, np.asarray(stencil) > 0.9 * _INK


def _beside(pixels: Pixels) -> tuple[Pixels, int, int]:
    """A wider picture, with room beside the retina, where cameras write."""
    height, width = pixels.shape[:2]
    ground = np.zeros((height, width + width // 3, 3), np.uint8)
    ground[:, :width] = pixels
    return ground, width + 8, height // 20


def _over(pixels: Pixels) -> tuple[Pixels, int, int]:
    height, width = pixels.shape[:2]
    return pixels.copy(), int(0.3 * width), int(0.62 * height)


def _bar(pixels: Pixels) -> tuple[Pixels, int, int]:
    """Cut flat above and below, with the name in the bar that is within the circle."""
    height, width = pixels.shape[:2]
    ground = pixels.copy()
    ground[: int(0.15 * height)] = 0
    ground[int(0.83 * height) :] = 0
    return ground, int(0.35 * width), int(0.86 * height)


_GROUNDS: dict[str, Callable[[Pixels], tuple[Pixels, int, int]]] = {"beside": _beside, "over": _over, "bar": _bar}


def _exif(names: Names) -> Image.Exif:
    exif = Image.Exif()
    for tag in (ExifTags.Base.ImageDescription, ExifTags.Base.Artist, ExifTags.Base.Copyright):
        exif[tag] = names.latin
    exif[ExifTags.Base.XPAuthor] = names.kanji.encode("utf-16-le")
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = b"UNICODE\0" + names.kanji.encode("utf-16-be")
    return exif


def _xmp(names: Names) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:p="urn:p" p:Name="{names.latin} {names.kanji}"/></rdf:RDF></x:xmpmeta>'
    ).encode()


def _profile(names: Names) -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + names.latin.encode()


def _jpeg(picture: Image.Image, names: Names) -> bytes:
    out = BytesIO()
    comment = f"{names.latin} {names.kanji}".encode()
    picture.save(
        out, "JPEG", quality=92, exif=_exif(names), xmp=_xmp(names), icc_profile=_profile(names), comment=comment
    )
    return out.getvalue()


def _png(picture: Image.Image, names: Names) -> bytes:
    out, tags = BytesIO(), PngInfo()
    tags.add_text("Patient", names.latin)
    tags.add_text("Comment", names.latin, zip=True)
    tags.add_itxt("Title", names.kanji, zip=True)
    tags.add_itxt("XML:com.adobe.xmp", _xmp(names).decode())
    picture.save(out, "PNG", pnginfo=tags, exif=_exif(names), icc_profile=_profile(names))
    return out.getvalue()


def _tiff(picture: Image.Image, names: Names) -> bytes:
    out, tags = BytesIO(), ImageFileDirectory_v2()
    for tag in (270, 305, 315, 33432, 65000):
        tags[tag] = names.latin
    picture.save(out, "TIFF", tiffinfo=tags, compression="tiff_lzw")
    return out.getvalue()


def _dicom(picture: Image.Image, names: Names) -> bytes:
    """A photograph as cameras send it, with the name in known, private and nested tags."""
    from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, OphthalmicPhotography8BitImageStorage, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = OphthalmicPhotography8BitImageStorage
    meta.MediaStorageSOPInstanceUID, meta.TransferSyntaxUID = generate_uid(), ExplicitVRLittleEndian
    meta.SourceApplicationEntityTitle = names.latin
    data = FileDataset("", {}, file_meta=meta, preamble=names.latin.encode().ljust(128, b"\0"))
    data.SpecificCharacterSet = "ISO_IR 192"
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.PatientName, data.PatientID = f"{names.latin}={names.kanji}", names.latin
    data.PatientAddress = data.InstitutionName = data.OperatorsName = data.ImageComments = names.latin
    data.private_block(0x1101, names.latin, create=True).add_new(1, "LO", names.kanji)
    nested = Dataset()
    nested.PersonName = names.latin
    data.ReferencedPatientSequence = [nested]
    data.Modality, data.Rows, data.Columns = "OP", picture.height, picture.width
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PlanarConfiguration = 3, "RGB", 0
    data.BitsAllocated = data.BitsStored = 8
    data.HighBit, data.PixelRepresentation = 7, 0
    pixels = picture.tobytes()
    data.PixelData = pixels + b"\0" * (len(pixels) % 2)
    out = BytesIO()
    data.save_as(out, enforce_file_format=True)
    return out.getvalue()


_FORMATS: tuple[tuple[Callable[[Image.Image, Names], bytes], str], ...] = (
    (_jpeg, "jpg"),
    (_png, "png"),
    (_tiff, "tif"),
    (_dicom, "dcm"),
)
