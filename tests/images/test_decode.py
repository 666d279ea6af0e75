"""Every kind is read; what is stored comes out upright, in sRGB and at eight bits."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from fundus_core.errors import PhotographError
from fundus_core.images import decode, encode
from fundus_core.images.formats import NAMES
from fundus_core.records import Photograph, Pixels
from tests.images.making import (
    as_16_bit_png,
    as_16_bit_tiff,
    every_kind,
    eye,
    jpeg,
    oriented,
    oriented_16_bit_tiff,
    png,
    saved,
)

KINDS = every_kind()
GREY = {"jpeg grey", "dicom grey"}
LOSSY = 4.0
"""Mean difference of a good JPEG or WebP from what it was made of, in grey levels."""


def difference(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.abs(found.astype(int) - wanted).mean())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_shows_the_same_eye(kind: str) -> None:
    found = decode(KINDS[kind], "a name that says nothing.txt")
    wanted = np.rot90(eye(), -1) if kind == "jpeg rotated" else eye()
    if kind in GREY:
        wanted = np.repeat(eye()[:, :, :1], 3, axis=2)
    assert found.pixels.shape == wanted.shape
    assert found.pixels.dtype == np.uint8
    assert found.pixels.flags.c_contiguous
    assert difference(found.pixels, wanted) < LOSSY
    assert found.colour == (kind not in GREY)
    assert (found.width, found.height) == wanted.shape[1::-1]
    assert found.sha256 == hashlib.sha256(KINDS[kind]).hexdigest()


LOSSLESS = [
    "png",
    "png alpha",
    "png 16",
    "tiff",
    "tiff lzw",
    "tiff 16",
    "bmp",
    "webp lossless",
    "ppm",
    "jpeg 2000",
    "jpeg 2000 bare",
    "tiff thumbnail first",
    "dicom rgb",
    "dicom tiff preamble",
    "dicom 16",
]


@pytest.mark.parametrize("kind", [*LOSSLESS, "dicom jpeg 2000", "dicom rle", "dicom lossless", "dicom jpeg-ls"])
def test_lossless_kinds_keep_every_value(kind: str) -> None:
    assert np.array_equal(decode(KINDS[kind], kind).pixels, eye())


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_agrees_with_pillow(subsampling: int, progressive: bool) -> None:
    data = jpeg(subsampling=subsampling, progressive=progressive)
    assert np.abs(decode(data, "x").pixels.astype(int) - np.asarray(Image.open(io.BytesIO(data)))).max() <= 2


REDUCED = {
    "jpeg": lambda big: jpeg(big, subsampling=2),
    "png": png,
    "png alpha": lambda big: saved(Image.fromarray(big).convert("RGBA"), "PNG"),
    "png 16": lambda big: as_16_bit_png(big.astype(np.uint16) * 257),
    "tiff": lambda big: saved(Image.fromarray(big), "TIFF", compression="tiff_lzw"),
    "ppm": lambda big: saved(Image.fromarray(big), "PPM"),
    "turned": lambda big: png(np.rot90(big), exif=oriented(6)),
}


@cache
def big_one(kind: str) -> tuple[Pixels, bytes]:
    big = eye(960, 1280)
    return big, REDUCED[kind](big)


@pytest.mark.parametrize("at_least", [64, 300, 480, 481, 2000])
@pytest.mark.parametrize("kind", REDUCED)
def test_a_reduced_picture_is_the_same_with_enough_pixels(kind: str, at_least: int) -> None:
    big, data = big_one(kind)
    found = decode(data, "x", at_least=at_least)
    height, width = found.pixels.shape[:2]
    assert min(height, width) >= min(at_least, 960)
    assert (found.width, found.height) == (1280, 960)
    assert width / height == pytest.approx(1280 / 960, rel=0.02)
    full = Image.fromarray(big).resize((width, height), Image.Resampling.BOX)
    assert difference(found.pixels, np.asarray(full)) < 1.5


def test_reduced_scale_really_reduces() -> None:
    assert decode(jpeg(eye(960, 1280)), "x", at_least=200).pixels.shape[0] <= 480


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "png 16", "JPEG reduced"])
def test_every_orientation_agrees_with_pillow_in_every_kind(kind: str, orientation: int) -> None:
    size = (384, 512) if kind == "JPEG reduced" else (96, 128)
    image = Image.fromarray(eye(*size))
    if kind == "png 16":
        data = exif_into_png(as_16_bit_png(eye().astype(np.uint16) * 257), orientation)
    elif kind == "TIFF":
        data = saved(image, "TIFF", tiffinfo={274: orientation})
    else:
        data = saved(image, kind.split()[0], exif=oriented(orientation))
    found = decode(data, "x", at_least=100 if kind == "JPEG reduced" else 0)
    image.getexif()[0x0112] = orientation
    wanted = ImageOps.exif_transpose(image)
    assert (found.width, found.height) == wanted.size
    assert difference(found.pixels, np.asarray(wanted.resize(found.pixels.shape[1::-1], Image.Resampling.BOX))) < LOSSY


def exif_into_png(data: bytes, orientation: int) -> bytes:
    """Put an eXIf chunk behind the header of a PNG."""
    import zlib

    body = b"eXIf" + oriented(orientation).removeprefix(b"Exif\0\0")
    chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    return data[:33] + chunk + data[33:]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_16_bit_tiff_is_upright_too(orientation: int) -> None:
    data = oriented_16_bit_tiff(eye().astype(np.uint16) * 257, orientation)
    image = Image.fromarray(eye())
    image.getexif()[0x0112] = orientation
    wanted = ImageOps.exif_transpose(image)
    assert np.array_equal(decode(data, "x").pixels, np.asarray(wanted))


def test_the_inks_of_a_cmyk_jpeg_are_not_turned_over() -> None:
    data = saved(Image.fromarray(eye()).convert("CMYK"), "JPEG", quality=95)
    assert difference(decode(data, "x").pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))) < 1


def test_transparent_parts_are_black_and_said_so() -> None:
    image = Image.fromarray(np.dstack([np.full((8, 8, 3), 200, np.uint8), np.zeros((8, 8), np.uint8)]))
    found = decode(saved(image, "PNG"), "x")
    assert not found.pixels.any()
    assert "Transparent" in found.notes[0]


def test_a_transparent_palette_colour_is_black() -> None:
    image = Image.fromarray(eye()).quantize(16)
    brightest = int(np.argmax(np.asarray(image.getpalette()[:48]).reshape(-1, 3).sum(1)))
    found = decode(saved(image, "PNG", transparency=brightest), "x")
    assert found.pixels.max() < 255
    assert (found.pixels[np.asarray(image) == brightest] == 0).all()


@pytest.mark.parametrize(("bits", "depth"), [(16, 16), (14, 14), (12, 12), (10, 10)])
@pytest.mark.parametrize("write", [as_16_bit_png, as_16_bit_tiff])
def test_the_bits_that_are_used_decide_how_16_become_8(write, bits: int, depth: int) -> None:
    deep = (eye().astype(np.uint32) * ((1 << bits) - 1) // 255).astype(np.uint16)
    deep[0, 0] = (1 << bits) - 1
    found = decode(write(deep), "x")
    assert difference(found.pixels[1:], eye()[1:]) < 1
    assert str(depth) in found.notes[0]


def test_16_bit_grey_is_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)
    for kind in ("PNG", "TIFF"):
        found = decode(saved(Image.fromarray(np.tile(ramp, (8, 1))), kind), "x")
        assert not found.colour
        assert np.abs(found.pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_several_pages_are_said() -> None:
    assert any("first" in note for note in decode(KINDS["tiff pages"], "x").notes)
    assert any("2 frames" in note for note in decode(KINDS["dicom frames"], "x").notes)
    assert decode(KINDS["tiff thumbnail first"], "x").notes == ("The file holds 3 pictures; number 2 was read.",)
    assert decode(KINDS["tiff"], "x").notes == ()


@pytest.mark.parametrize(
    "other", [lambda grey: grey, lambda grey: grey.point(lambda value: 255 * (value > 9)).resize((256, 192))]
)
def test_a_grey_copy_or_a_mask_before_a_photograph_is_passed_over(other: Callable[[Image.Image], Image.Image]) -> None:
    image = Image.fromarray(eye())
    found = decode(saved(other(image.convert("L")), "TIFF", save_all=True, append_images=[image]), "x")
    assert np.array_equal(found.pixels, eye())


def test_the_largest_of_several_deep_pages_is_read() -> None:
    deep = [Image.fromarray(eye(*size)[:, :, 0].astype(np.uint16) * 257) for size in ((24, 32), (96, 128))]
    found = decode(saved(deep[0], "TIFF", save_all=True, append_images=deep[1:]), "x")
    assert np.array_equal(found.pixels[:, :, 0], eye()[:, :, 0])


def test_an_ordinary_photograph_needs_no_note() -> None:
    assert decode(KINDS["jpeg"], "x").notes == ()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_an_srgb_profile_changes_nothing(kind: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.fromarray(eye())
    with_profile, without = (decode(saved(image, kind, **options), "x") for options in ({"icc_profile": profile}, {}))
    assert np.array_equal(with_profile.pixels, without.pixels)
    assert with_profile.notes == ()
    assert "colour profile" in with_profile.dropped


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_profile_that_is_none_is_noted_and_left_aside(kind: str) -> None:
    found = decode(saved(Image.fromarray(eye()), kind, icc_profile=b"no profile at all" * 20), "x")
    assert difference(found.pixels, eye()) < LOSSY
    assert any("profile" in note for note in found.notes)


def swapped_profile() -> bytes:
    """sRGB with the primaries of red and green exchanged: the conversion must exchange the channels."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * profile[131], 12)}
    red, green = tags[b"rXYZ"], tags[b"gXYZ"]
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    at = profile.find("sRGB".encode("utf-16-be"))
    while at >= 0:
        profile[at : at + 8] = "test".encode("utf-16-be")
        at = profile.find("sRGB".encode("utf-16-be"))
    return bytes(profile)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_colour_profile_is_followed(kind: str) -> None:
    found = decode(saved(Image.fromarray(eye()), kind, icc_profile=swapped_profile()), "x")
    assert difference(found.pixels, eye()[:, :, [1, 0, 2]]) < LOSSY
    assert any("sRGB" in note for note in found.notes)


def test_three_equal_channels_and_filtered_light_are_no_colour() -> None:
    grey = np.repeat(eye()[:, :, 1:2], 3, axis=2)
    green = eye() * np.array([0, 1, 0], np.uint8)
    blue = grey * np.array([0, 0, 1], np.uint8)
    for pixels in (grey, green, blue, grey // 2 + 60):
        assert not decode(png(pixels), "x").colour
        assert not decode(jpeg(pixels, quality=60, subsampling=2), "x").colour


def test_dim_and_hazy_colour_is_still_colour() -> None:
    assert decode(jpeg(eye() // 3, subsampling=2), "x").colour
    assert decode(jpeg((eye() * 0.3 + 100).astype(np.uint8), subsampling=2), "x").colour
    assert decode(png(np.zeros((20, 20, 3), np.uint8)), "x").colour, "too dark to tell is not another modality"


def test_metadata_is_named_and_left_behind() -> None:
    exif = Image.Exif()
    exif[0x010E] = "TANAKA TARO"
    found = decode(jpeg(exif=exif.tobytes(), comment="TANAKA TARO"), "x")
    assert found.dropped == ("EXIF", "comment")
    assert "TANAKA" not in json.dumps([found.notes, found.dropped])


def test_text_in_a_png_is_named_without_its_key() -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("TANAKA", "TARO")
    assert decode(png(pnginfo=info), "x").dropped == ("text",)


def test_rows_of_a_batch_do_not_depend_on_each_other() -> None:
    forward = [decode(data, kind).pixels.tobytes() for kind, data in KINDS.items()]
    backward = [decode(data, kind).pixels.tobytes() for kind, data in reversed(KINDS.items())]
    assert forward == backward[::-1]


def test_threads_decode_alike_and_leave_warnings_as_they_were() -> None:
    import warnings
    from concurrent.futures import ThreadPoolExecutor

    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        found: list[Photograph] = list(pool.map(lambda item: decode(item[1], item[0]), list(KINDS.items()) * 4))
    assert [f.sha256 for f in found[: len(KINDS)]] == [f.sha256 for f in found[len(KINDS) : 2 * len(KINDS)]]
    assert warnings.filters == before


def test_kinds_that_are_not_read_say_what_they_are() -> None:
    with pytest.raises(PhotographError, match=r"JPEG XL picture.*Convert it") as caught:
        decode(b"\xff\x0a" + bytes(40), "x.jpg")
    assert caught.value.code == "unsupported"


@pytest.mark.parametrize("quality", [60, 88, 100])
def test_what_was_encoded_is_decoded_again(quality: int) -> None:
    pixels = eye()
    again = decode(encode(pixels, quality), "again.jpg").pixels
    assert again.shape == pixels.shape
    assert difference(again, pixels) < LOSSY


def test_more_quality_takes_more_bytes_and_loses_less() -> None:
    pixels = eye()
    files = [encode(pixels, quality) for quality in (30, 60, 90)]
    assert sorted(files, key=len) == files
    lost = [difference(decode(file, "again.jpg").pixels, pixels) for file in files]
    assert sorted(lost, reverse=True) == lost


def test_the_readme_names_every_format() -> None:
    text = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    listed = text.split("Photographs are ", 1)[1].split(", by their content", 1)[0]
    assert set(listed.replace(" or ", ", ").split(", ")) == set(NAMES)
