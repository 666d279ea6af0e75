"""The pixels of a DICOM file: what its header claims, the check of that claim, and the decoding."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array

from fundus_core.errors import say
from fundus_core.images.dicom_header import KIND, NATIVE
from fundus_core.images.faults import check_size, damaged, unsupported
from fundus_core.records import Pixels

_PLUGIN = {
    uid.JPEGBaseline8Bit: "pillow",
    uid.JPEGExtended12Bit: "gdcm",
    uid.JPEGLossless: "gdcm",
    uid.JPEGLosslessSV1: "gdcm",
    uid.JPEGLSLossless: "gdcm",
    uid.JPEGLSNearLossless: "gdcm",
    uid.JPEG2000Lossless: "pylibjpeg",
    uid.JPEG2000: "pylibjpeg",
    uid.HTJ2KLossless: "pylibjpeg",
    uid.HTJ2KLosslessRPCL: "pylibjpeg",
    uid.HTJ2K: "pylibjpeg",
    uid.RLELossless: "pydicom",
}
"""One decoder for each transfer syntax, so that a file gives the same picture on every machine."""
_CHANNELS = {
    "RGB": 3,
    "YBR_FULL": 3,
    "YBR_FULL_422": 3,
    "YBR_ICT": 3,
    "YBR_RCT": 3,
    "PALETTE COLOR": 1,
    "MONOCHROME1": 1,
    "MONOCHROME2": 1,
}


@dataclass(frozen=True, slots=True)
class Layout:
    """What the header says about the pixels."""

    rows: int
    """Height in pixels."""
    columns: int
    """Width in pixels."""
    frames: int
    """Pictures in the file."""
    bits: int
    """Bits a channel that are used."""
    signed: bool
    """Whether values are in two's complement."""
    photometric: str
    """How values mean colour (PS3.3 C.7.6.3.1.2)."""

    @property
    def grey(self) -> bool:
        """Whether there is one channel and no palette."""
        return self.photometric.startswith("MONOCHROME")


def layout_of(dataset: Dataset) -> Layout:
    """Read and check what the header claims, before any pixel is decoded.

    Raises:
        PhotographError: ``too_large``, ``unsupported`` or ``damaged``.
    """
    layout = Layout(
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        frames=int(dataset.get("NumberOfFrames") or 1),
        bits=int(dataset.BitsStored),
        signed=dataset.get("PixelRepresentation", 0) == 1,
        photometric=str(dataset.PhotometricInterpretation),
    )
    check_size(layout.columns, layout.rows, KIND)
    if layout.photometric not in _CHANNELS:
        raise unsupported(KIND, "colours of an unusual kind", "Export it in RGB or with JPEG.")
    if dataset.BitsAllocated not in {8, 16} or not 1 < layout.bits <= dataset.BitsAllocated:
        raise unsupported(KIND, say("{bits} bits a channel", bits=layout.bits), "Export it with 8 or 16.")
    if dataset.SamplesPerPixel != _CHANNELS[layout.photometric]:
        raise damaged(KIND)
    return layout


def decode_frame(dataset: Dataset, layout: Layout) -> Pixels:
    """Decode the first frame.

    Returns:
        Height x width x 3, RGB, or height x width where the file is grey; 0..255, dark to bright.

    Raises:
        PhotographError: ``unsupported`` or ``damaged``.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax in NATIVE:
        raw = pixel_array(dataset, index=0)
    elif syntax in _PLUGIN:
        raw = pixel_array(dataset, index=0, decoding_plugin=_PLUGIN[syntax])
    else:
        raise unsupported(KIND, "pixels in an unusual transfer syntax", "Export it uncompressed or with JPEG.")
    if layout.photometric == "PALETTE COLOR":
        return _through_palette(raw, dataset)
    grey_or_rgb = _to_8_bits(raw, layout)
    return 255 - grey_or_rgb if layout.photometric == "MONOCHROME1" else grey_or_rgb


def _through_palette(raw: NDArray[np.generic], dataset: Dataset) -> Pixels:
    coloured = apply_color_lut(raw, dataset)
    return (coloured >> 8).astype(np.uint8) if coloured.dtype == np.uint16 else coloured.astype(np.uint8)


def _to_8_bits(raw: NDArray[np.generic], layout: Layout) -> Pixels:
    """Scale the bits that are used to 0..255; signed values start at their most negative."""
    if layout.bits == 8 and raw.dtype == np.uint8:
        return np.asarray(raw, np.uint8)
    levels = 1 << layout.bits
    values = (raw.view(np.uint16) if raw.itemsize == 2 else raw.view(np.uint8)) & (levels - 1)
    lookup = (np.arange(levels) * 255 // (levels - 1)).astype(np.uint8)
    # Turning the sign bit over adds half the range: two's complement becomes a plain count.
    return np.asarray(lookup[values ^ (levels // 2) if layout.signed else values], np.uint8)
