"""Small files of every kind that tests read, made here and never committed."""

from __future__ import annotations

import io
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pydicom import dcmread, uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

OP8 = "1.2.840.10008.5.1.4.1.1.77.1.5.1"


def eye(height: int = 96, width: int = 128) -> np.ndarray:
    """An orange disc with a bright spot on the right and above the middle, black around; smooth for JPEG."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    r = np.hypot(y - height / 2, x - width / 2) / (0.46 * min(height, width))
    spot = np.exp(-((y - 0.4 * height) ** 2 + (x - 0.68 * width) ** 2) / (0.006 * width**2))
    inside = (r <= 1)[:, :, None]
    colour = np.stack([190 - 40 * r, 90 - 30 * r, 40 - 15 * r], -1) + spot[:, :, None] * [50, 90, 60]
    return np.where(inside, colour.clip(0, 255), 0).astype(np.uint8)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def jpeg(pixels: np.ndarray | None = None, **options: Any) -> bytes:
    image = Image.fromarray(eye() if pixels is None else pixels)
    return saved(image, "JPEG", **{"quality": 95, "subsampling": 0, **options})


def png(pixels: np.ndarray | None = None, **options: Any) -> bytes:
    return saved(Image.fromarray(eye() if pixels is None else pixels), "PNG", **options)


def oriented(orientation: int) -> bytes:
    """An EXIF block that holds nothing but the orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()


def dataset(pixels: np.ndarray, photometric: str = "RGB", bits: int = 8, **elements: Any) -> Dataset:
    """An ophthalmic photograph, uncompressed; ``elements`` by keyword."""
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = OP8
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = "1.2.3.4"
    colour = photometric not in {"MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"}
    frame = pixels[0] if pixels.ndim == (4 if colour else 3) else pixels
    made.Rows, made.Columns = frame.shape[:2]
    made.SamplesPerPixel = 3 if colour else 1
    if colour:
        made.PlanarConfiguration = 0
    made.PhotometricInterpretation = photometric
    made.BitsAllocated = 8 * pixels.dtype.itemsize
    made.BitsStored, made.HighBit = bits, bits - 1
    made.PixelRepresentation = int(pixels.dtype.kind == "i")
    made.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def written(made: Dataset) -> bytes:
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def dicom(pixels: np.ndarray | None = None, **options: Any) -> bytes:
    return written(dataset(eye() if pixels is None else pixels, **options))


def wrapped(stream: bytes, syntax: str, photometric: str, pixels: np.ndarray, **elements: Any) -> bytes:
    """A DICOM around a compressed picture."""
    made = dataset(pixels, photometric, **elements)
    made.file_meta.TransferSyntaxUID = uid.UID(syntax)
    made.PixelData = encapsulate([stream])
    made["PixelData"].VR = "OB"
    made["PixelData"].is_undefined_length = True
    return written(made)


def transcoded(data: bytes, syntax: str) -> bytes:
    """The same DICOM in a transfer syntax that GDCM writes."""
    import gdcm

    kinds = {uid.JPEGLosslessSV1: "JPEGLosslessProcess14_1", uid.JPEGLSLossless: "JPEGLSLossless"}
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "a.dcm", Path(folder) / "b.dcm"
        before.write_bytes(data)
        reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
        reader.SetFileName(str(before))
        assert reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, kinds[uid.UID(syntax)])))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer.SetFileName(str(after))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        return after.read_bytes()


def run_length(data: bytes) -> bytes:
    made = dcmread(io.BytesIO(data))
    made.compress(uid.RLELossless)
    return written(made)


def as_16_bit_tiff(pixels: np.ndarray, **options: Any) -> bytes:
    """A 16-bit RGB TIFF, which Pillow cannot write."""
    import cv2

    done, data = cv2.imencode(".tiff", pixels[:, :, ::-1], **options)
    assert done
    return data.tobytes()


def oriented_16_bit_tiff(pixels: np.ndarray, orientation: int) -> bytes:
    """An uncompressed 16-bit RGB TIFF with an orientation tag: header, pixels, directory (TIFF 6.0, section 2)."""
    height, width = pixels.shape[:2]
    body = pixels.astype("<u2").tobytes()
    bits_at = 8 + len(body)
    tags = [(256, width), (257, height), (258, bits_at), (259, 1), (262, 2), (273, 8), (274, orientation)]
    tags += [(277, 3), (278, height), (279, len(body)), (284, 1)]
    entries = b"".join(struct.pack("<HHII", tag, *((3, 3) if tag == 258 else (4, 1)), value) for tag, value in tags)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    return struct.pack("<2sHI", b"II", 42, bits_at + 6) + body + struct.pack("<3H", 16, 16, 16) + directory


def as_16_bit_png(pixels: np.ndarray) -> bytes:
    import cv2

    order = [2, 1, 0, 3][: pixels.shape[2]]
    done, data = cv2.imencode(".png", np.ascontiguousarray(pixels[:, :, order]))
    assert done
    return data.tobytes()


def every_kind() -> dict[str, bytes]:
    """One sound file of every kind that is read."""
    pixels = eye()
    image = Image.fromarray(pixels)
    deep = pixels.astype(np.uint16) * 257
    j2k = saved(image, "JPEG2000", no_jp2=True, irreversible=False, mct=0)
    return {
        "jpeg": jpeg(),
        "jpeg 4:2:0": jpeg(subsampling=2),
        "jpeg progressive": jpeg(progressive=True),
        "jpeg grey": jpeg(pixels[:, :, 0]),
        "jpeg cmyk": saved(image.convert("CMYK"), "JPEG", quality=95),
        "jpeg rotated": jpeg(exif=oriented(6)),
        "png": png(),
        "png palette": saved(image.quantize(64), "PNG"),
        "png alpha": saved(image.convert("RGBA"), "PNG"),
        "png 16": as_16_bit_png(deep),
        "tiff": saved(image, "TIFF"),
        "tiff lzw": saved(image, "TIFF", compression="tiff_lzw"),
        "tiff deflate": saved(image, "TIFF", compression="tiff_adobe_deflate"),
        "tiff jpeg": saved(image, "TIFF", compression="jpeg"),
        "tiff pages": saved(image, "TIFF", save_all=True, append_images=[image.rotate(90)]),
        "tiff 16": as_16_bit_tiff(deep),
        "bmp": saved(image, "BMP"),
        "webp": saved(image, "WEBP", quality=95),
        "webp lossless": saved(image, "WEBP", lossless=True),
        "gif": saved(image, "GIF"),
        "ppm": saved(image, "PPM"),
        "jpeg 2000": saved(image, "JPEG2000"),
        "jpeg 2000 bare": saved(image, "JPEG2000", no_jp2=True),
        "avif": saved(image, "AVIF", quality=95),
        "heic": (Path(__file__).parent / "data" / "eye.heic").read_bytes(),  # heif-enc -q 60, libheif 1.15.1
        "tiff thumbnail first": saved(image.reduce(4), "TIFF", save_all=True, append_images=[image, image.reduce(2)]),
        "dicom rgb": dicom(),
        "dicom 16": dicom(deep, bits=16),
        "dicom grey": dicom(pixels[:, :, 0], photometric="MONOCHROME2"),
        "dicom tiff preamble": b"II*\0" + bytes(124) + dicom()[128:],
        "dicom jpeg": wrapped(jpeg(subsampling=1), uid.JPEGBaseline8Bit, "YBR_FULL_422", pixels),
        "dicom jpeg 2000": wrapped(j2k, uid.JPEG2000Lossless, "RGB", pixels),
        "dicom rle": run_length(dicom()),
        "dicom lossless": transcoded(dicom(), uid.JPEGLosslessSV1),
        "dicom jpeg-ls": transcoded(dicom(), uid.JPEGLSLossless),
        "dicom frames": dicom(np.stack([pixels, pixels[::-1]]), NumberOfFrames=2),
    }
