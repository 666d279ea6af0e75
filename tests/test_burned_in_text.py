"""Writing over the retina is found wherever it stands, and an eye without writing has none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from matplotlib import font_manager
from PIL import Image, ImageDraw, ImageFont

from fundus_core import images, retina
from fundus_core.errors import UsageError
from fundus_core.records import Pixels, RetinaBounds
from fundus_core.synthetic import synthesise

LATIN = font_manager.findfont("DejaVu Sans")
MONO = font_manager.findfont("DejaVu Sans Mono")
INKS = {"white": (255, 255, 255), "grey": (190, 190, 190), "yellow": (255, 255, 0), "green": (0, 255, 0)}


def japanese() -> str:
    import matplotlib_fontja

    return str(next((Path(matplotlib_fontja.__file__).parent / "fonts").glob("*.ttf")))


WRITINGS: list[tuple[str, Callable[[], str]]] = [
    ("YAMADA TARO", lambda: LATIN),
    ("1953-04-12", lambda: MONO),
    ("ID 0034594", lambda: LATIN),
    ("山田太郎", japanese),
]


@pytest.fixture(scope="module")
def eyes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Pixels, RetinaBounds]]:
    out = tmp_path_factory.mktemp("eyes")
    synthesise(3, 5, out, size=512)
    found = [images.decode(path.read_bytes(), path.name).pixels for path in sorted((out / "photographs").iterdir())]
    return [(pixels, retina.find(pixels)) for pixels in found]


def written(
    pixels: Pixels, text: str, at: tuple[float, float], *, size: int = 22, ink: str = "white", font: str = LATIN
) -> tuple[Pixels, np.ndarray]:
    """Draw a text at shares of width and height; return its pixels, and where its strokes are."""
    stencil = Image.new("L", (pixels.shape[1], pixels.shape[0]))
    place = (at[0] * pixels.shape[1], at[1] * pixels.shape[0])
    ImageDraw.Draw(stencil).text(place, text, fill=255, font=ImageFont.truetype(font, size))
    picture = Image.fromarray(pixels)
    picture.paste(INKS[ink], mask=stencil)
    return np.asarray(picture), np.asarray(stencil) > 128


def covered(boxes: tuple[retina.Box, ...], strokes: np.ndarray) -> float:
    black = retina.black_out_boxes(np.full((*strokes.shape, 3), 255, np.uint8), boxes)
    return float((black[strokes] == 0).all(axis=-1).mean())


def test_an_eye_without_writing_has_none(eyes: list[tuple[Pixels, RetinaBounds]]) -> None:
    assert [retina.find_writing(pixels, bounds) for pixels, bounds in eyes] == [()] * len(eyes)


@pytest.mark.parametrize("ink", INKS)
@pytest.mark.parametrize(("text", "font"), WRITINGS, ids=[text for text, _ in WRITINGS])
@pytest.mark.parametrize("size", [14, 22, 40])
def test_writing_is_found_whole(
    eyes: list[tuple[Pixels, RetinaBounds]], ink: str, text: str, font: Callable[[], str], size: int
) -> None:
    pixels, bounds = eyes[size % len(eyes)]
    drawn, strokes = written(pixels, text, (0.25, 0.6), size=size, ink=ink, font=font())
    assert covered(retina.find_writing(drawn, bounds), strokes) > 0.99


def test_writing_along_a_column_and_in_a_lossy_file(eyes: list[tuple[Pixels, RetinaBounds]]) -> None:
    pixels, bounds = eyes[0]
    drawn, strokes = written(pixels, "YAMADA TARO", (0.25, 0.3))
    turned = np.ascontiguousarray(np.rot90(drawn))
    around = retina.find(np.ascontiguousarray(np.rot90(pixels)))
    assert covered(retina.find_writing(turned, around), np.rot90(strokes)) > 0.99
    out = BytesIO()
    Image.fromarray(drawn).save(out, "JPEG", quality=80)
    assert covered(retina.find_writing(np.asarray(Image.open(out)), bounds), strokes) > 0.99


def test_writing_across_a_flat_cut_is_found_and_that_beyond_it_is_left_to_the_surround(
    eyes: list[tuple[Pixels, RetinaBounds]],
) -> None:
    pixels, bounds = eyes[1]
    cut = int(0.8 * pixels.shape[0])
    flat = pixels.copy()
    flat[cut:] = 0
    within = replace(bounds, bottom=float(cut))
    drawn, strokes = written(flat, "YAMADA TARO", (0.35, 0.77))
    assert strokes[:cut].any()
    assert strokes[cut:].any()
    assert covered(retina.find_writing(drawn, within), strokes) > 0.99
    assert retina.find_writing(written(flat, "YAMADA TARO", (0.4, 0.86))[0], within) == ()


def test_bounds_of_another_photograph_are_refused(eyes: list[tuple[Pixels, RetinaBounds]]) -> None:
    pixels, bounds = eyes[0]
    with pytest.raises(UsageError, match="find them on this one"):
        retina.find_writing(pixels[:-1], bounds)
