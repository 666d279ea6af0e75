"""Photographs as slides want them: square, and small enough to be sent around."""

import io

from PIL import Image

_PHOTO_SIDE = 900
"""Pixels of a photograph in a file: 1.9 times those of the largest place."""


def squared(data: bytes) -> bytes:
    """Return a photograph on a black square, small enough for a file that is sent around."""
    with Image.open(io.BytesIO(data)) as opened:
        picture = opened.convert("RGB")
    return _written(picture)


def filled(data: bytes) -> bytes:
    """Return the middle of a photograph's field: the largest square of which the circle inside holds no black bar."""
    with Image.open(io.BytesIO(data)) as opened:
        picture = opened.convert("RGB")
    seen = picture.convert("L").point(lambda value: 255 if value > _BLACK else 0).getbbox()
    left, top, right, bottom = seen or (0, 0, *picture.size)
    half = min(right - left, bottom - top) / 2 * _INSIDE
    x, y = (left + right) / 2, (top + bottom) / 2
    return _written(picture.crop((round(x - half), round(y - half), round(x + half), round(y + half))))


_BLACK = 24
"""Grey value up to which a pixel belongs to the ground."""
_INSIDE = 0.97
"""Of the field: its soft rim stays out."""


def _written(picture: Image.Image) -> bytes:
    side = max(picture.size)
    ground = Image.new("RGB", (side, side))
    ground.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    if side > _PHOTO_SIDE:
        ground = ground.resize((_PHOTO_SIDE, _PHOTO_SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    ground.save(stream, "JPEG", quality=90)
    return stream.getvalue()
