"""How much a file may hold before it is refused unread: the one place for these numbers."""

MAX_BYTES = 300_000_000
"""Of one file: more than an uncompressed 16-bit photograph of 48 megapixels, less than a laptop's memory."""

MAX_PIXELS = 80_000_000
"""Of one photograph: nearly twice what the largest fundus cameras write (about 45 megapixels)."""

MAX_RATIO = 200
"""Unpacked bytes per packed byte of an archive's member; photographs compress far less."""

RATIO_FREE_BYTES = 40_000_000
"""Members that unpack to less than this are harmless at any ratio (an empty bitmap of a camera's size)."""

MAX_MISSING_ROWS = 0.15
"""Share of rows that a cut-off JPEG may lack and still be read, with a note."""
