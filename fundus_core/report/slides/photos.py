"""Photographs as slides want them: square, and small enough to be sent around."""

import io

from PIL import Image

_PHOTO_SIDE = 900
"""Pixels of a photograph in a file: 1.9 times those of the largest place."""


def squared(data: bytes) -> bytes:
    """Return a photograph on a black square, small enough for a file that is sent around."""
    with Image.open(io.BytesIO(data)) as opened:
        picture = opened.convert("RGB")
    side = max(picture.size)
    ground = Image.new("RGB", (side, side))
    ground.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    if side > _PHOTO_SIDE:
        ground = ground.resize((_PHOTO_SIDE, _PHOTO_SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    ground.save(stream, "JPEG", quality=90)
    return stream.getvalue()
