"""What a DICOM header leaves out or gets wrong, where the picture inside says it better.

A whole JPEG or JPEG 2000 tells its own size, bits and channels; archives and converters lose or change the header's
elements more often than the picture. What nothing tells is not guessed: the header is blamed by name.
"""

from collections.abc import Sequence

import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, get_frame

from fundus_core.errors import PhotographError, say
from fundus_core.images.faults import Code, check_size, damaged
from fundus_core.images.metadata import claimed_samples, claimed_size

KIND = "DICOM"
NATIVE = frozenset({uid.ImplicitVRLittleEndian, uid.ExplicitVRLittleEndian, uid.ExplicitVRBigEndian})
_NEEDED = ("Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation", "BitsAllocated")
_ONE = frozenset({"MONOCHROME1", "MONOCHROME2"})
_LEAST = 4096
"""Pixels from which on values tell how they are ordered."""
_SOME = 65536
"""Pixels in the middle that are enough to tell it."""
_DARK = 24
"""Values below it are the black around the retina."""
_BLACK = 0.005
"""Share of a photograph that is so dark at least, where its border or a vessel's shadow tells how colours are kept."""


def mended(dataset: Dataset) -> tuple[str, ...]:
    """Put right what the header says about the pixels, and say so in notes.

    Raises:
        PhotographError: ``damaged`` where an element is missing that nothing else tells; ``too_large``.
    """
    notes = _unwrapped(dataset)
    native = dataset.file_meta.TransferSyntaxUID in NATIVE
    notes += _from_length(dataset) if native else _from_picture(dataset)
    notes += _unsigned(dataset)
    missing = [name for name in _NEEDED if dataset.get(name) is None]
    if dataset.get("BitsStored") is None and dataset.get("BitsAllocated") is not None:
        dataset.BitsStored = dataset.BitsAllocated
    if missing:
        raise _blamed(missing)
    return notes


def _contradicted(*names: str) -> tuple[str, ...]:
    """The note for elements that say something else than the picture; none without any."""
    if not names:
        return ()
    return (say("The header contradicts the picture inside ({names}); the picture counts.", names=list(names)),)


def _unwrapped(dataset: Dataset) -> tuple[str, ...]:
    """Take a bare JPEG, which converters put where plain values are said to be, for what it is."""
    plain = dataset.file_meta.TransferSyntaxUID in NATIVE
    if not plain or not isinstance(dataset.PixelData, bytes) or not dataset.PixelData.startswith(b"\xff\xd8\xff"):
        return ()
    size = claimed_size(dataset.PixelData)
    if size is None or size[0] * size[1] < len(dataset.PixelData) // 4:
        return ()
    dataset.PixelData = encapsulate([dataset.PixelData])
    dataset.file_meta.TransferSyntaxUID = uid.JPEGBaseline8Bit
    return _contradicted("TransferSyntaxUID")


def _unsigned(dataset: Dataset) -> tuple[str, ...]:
    """Values of colour are never signed (PS3.3 C.8.17.1)."""
    signed = dataset.get("PixelRepresentation")
    if signed is None or (signed and dataset.get("SamplesPerPixel") == 3):
        dataset.PixelRepresentation = 0
    return _contradicted("PixelRepresentation") if signed and not dataset.PixelRepresentation else ()


def _blamed(missing: Sequence[str]) -> PhotographError:
    return PhotographError(
        Code.DAMAGED,
        "The DICOM header does not say {names:and}, without which its pixels have no meaning. Export it again from "
        "where it came.",
        names=missing,
    )


def _from_picture(dataset: Dataset) -> tuple[str, ...]:
    """Take size, bits and channels from the compressed picture, where it is of a kind that tells them."""
    frame = get_frame(dataset.PixelData, 0, number_of_frames=int(dataset.get("NumberOfFrames") or 1))
    size, samples = claimed_size(frame), claimed_samples(frame)
    if size is None or samples is None:
        if dataset.file_meta.TransferSyntaxUID != uid.RLELossless:
            raise damaged(KIND)
        return ()
    check_size(*size, KIND)
    columns, rows = size
    told = {"Rows": rows, "Columns": columns, "SamplesPerPixel": samples.channels, "BitsStored": samples.bits}
    told["BitsAllocated"] = 8 if samples.bits <= 8 else 16
    if 8 < int(dataset.get("BitsStored") or 0) < samples.bits:
        told["BitsStored"] = int(
            dataset.BitsStored
        )  # codecs store 12 bits in a picture of 16, which is no contradiction
    wrong = [name for name, value in told.items() if dataset.get(name) not in {None, "", value}]
    for name, value in told.items():
        setattr(dataset, name, value)
    dataset.HighBit = told["BitsStored"] - 1
    dataset.PlanarConfiguration = 0
    if dataset.get("PhotometricInterpretation") is None or _is_grey(dataset) != (samples.channels == 1):
        jpeg_2000 = not frame.startswith(b"\xff\xd8")
        colour = "YBR_ICT" if jpeg_2000 else "YBR_FULL_422"
        dataset.PhotometricInterpretation = "MONOCHROME2" if samples.channels == 1 else colour
    return _contradicted(*wrong)


def _is_grey(dataset: Dataset) -> bool:
    said = str(dataset.PhotometricInterpretation)
    return said.startswith("MONOCHROME") or said == "PALETTE COLOR"


def _from_length(dataset: Dataset) -> tuple[str, ...]:
    """Take from the count of values what an uncompressed picture's header leaves out or contradicts."""
    if any(dataset.get(name) is None for name in ("Rows", "Columns", "BitsAllocated")):
        return ()
    wrong = _counted(dataset)
    values = len(dataset.PixelData) * 8 // int(dataset.BitsAllocated) // int(dataset.get("NumberOfFrames") or 1)
    pixels = int(dataset.Rows) * int(dataset.Columns)
    channels = next((each for each in (1, 3) if 0 <= values - each * pixels <= 1), None)
    if dataset.get("SamplesPerPixel") is None and channels is not None:
        dataset.SamplesPerPixel = channels
    if dataset.get("PhotometricInterpretation") == "YBR_FULL_422" and channels == 3:
        return _not_thinned(dataset, pixels)
    if dataset.get("SamplesPerPixel") == 3 and dataset.get("PlanarConfiguration") is None:
        raise _blamed(["PlanarConfiguration"])
    if dataset.get("SamplesPerPixel") == 1 and channels == 3 and dataset.get("PhotometricInterpretation") in _ONE:
        raise PhotographError(
            Code.DAMAGED,
            "The DICOM header says {said}, but holds three values a pixel. Export it again from where it came.",
            said=str(dataset.PhotometricInterpretation),
        )
    return _contradicted(*wrong, *_in_planes(dataset, pixels, channels))


def _counted(dataset: Dataset) -> list[str]:
    """Put right how many bits and frames there are where the count of bytes fits one reading alone; say which."""
    wrong = []
    said, frames = int(dataset.BitsAllocated), int(dataset.get("NumberOfFrames") or 1)
    one = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("SamplesPerPixel") or 1)
    if said == 16 and 0 <= len(dataset.PixelData) - one * frames <= 1:
        dataset.BitsAllocated = 8
        wrong.append("BitsAllocated")
    elif frames > 1 and 0 <= len(dataset.PixelData) - one * said // 8 <= 1:
        dataset.NumberOfFrames = 1
        wrong.append("NumberOfFrames")
    if int(dataset.get("BitsStored") or 0) > int(dataset.BitsAllocated):
        dataset.BitsStored = dataset.BitsAllocated
        wrong += [] if "BitsAllocated" in wrong else ["BitsStored"]
    return wrong


def _in_planes(dataset: Dataset, pixels: int, channels: int | None) -> list[str]:
    """Put right whether colours stand beside each other or in planes, where the values leave no doubt.

    Neighbouring values are alike in planes; where colours stand beside each other, those three apart are.
    """
    plain = dataset.get("PhotometricInterpretation") == "RGB" and dataset.BitsAllocated == 8
    if not plain or channels != 3 or pixels < _LEAST:
        return []
    some = min(pixels, _SOME)
    flat = np.frombuffer(dataset.PixelData, np.uint8, 3 * some, 3 * ((pixels - some) // 2)).astype(np.int16)
    beside, apart = (float(np.abs(flat[step:] - flat[:-step]).mean()) for step in (1, 3))
    grey = float(np.mean(flat[::3] == flat[1::3])) > 0.9
    planes = 1 if beside < 0.8 * apart and not grey else 0 if apart < 0.5 * beside else dataset.PlanarConfiguration
    if planes == dataset.PlanarConfiguration:
        return []
    dataset.PlanarConfiguration = planes
    return ["PlanarConfiguration"]


def _not_thinned(dataset: Dataset, pixels: int) -> tuple[str, ...]:
    """Tell whether values that are said to be thinned out, and are not, mean red, green and blue or light and colour.

    Black is (0, 0, 0) in the one and (0, 128, 128) in the other.
    """
    if dataset.BitsAllocated != 8:
        raise damaged(KIND)
    flat = np.frombuffer(dataset.PixelData, np.uint8, 3 * pixels)
    planes = flat.reshape(3, -1) if dataset.get("PlanarConfiguration") == 1 else flat.reshape(-1, 3).T
    dark = planes[0] < _DARK
    rgb = np.count_nonzero(dark & (planes[1] < _DARK) & (planes[2] < _DARK))
    neutral = (np.abs(planes[1:].astype(np.int16) - 128) < _DARK // 2).all(axis=0)
    ybr = np.count_nonzero(dark & neutral)
    if max(rgb, ybr) < _BLACK * pixels or min(rgb, ybr) > 0.1 * max(rgb, ybr):
        raise PhotographError(
            Code.DAMAGED,
            "The DICOM header says {said}, but holds as many values as without it, and its colours do not tell which "
            "is meant. Export it again from where it came.",
            said="YBR_FULL_422",
        )
    dataset.PhotometricInterpretation = "RGB" if rgb > ybr else "YBR_FULL"
    dataset.PlanarConfiguration = dataset.get("PlanarConfiguration") or 0
    return _contradicted("PhotometricInterpretation")
