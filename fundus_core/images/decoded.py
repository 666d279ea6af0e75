"""What a reader of one format hands on."""

from dataclasses import dataclass

from fundus_core.records import Eye, Pixels


@dataclass(frozen=True, slots=True)
class Found:
    """The content of one file, before it gets its name."""

    pixels: Pixels
    """Height x width x 3, RGB, 0..255, upright."""
    width: int
    """Of the upright photograph in the file."""
    height: int
    """Of the upright photograph in the file."""
    single_channel: bool = False
    """Whether the file held one channel of grey."""
    notes: tuple[str, ...] = ()
    """What the reader had to do, as sentences."""
    dropped: tuple[str, ...] = ()
    """Kinds of metadata that went no further."""
    eye: Eye = Eye.UNKNOWN
    """As the file says."""
    patient_id: str = ""
    """Pseudonym of the id in the file."""
    age: float = float("nan")
    """Whole years, as the file says."""
    visit: str = ""
    """Day of the examination as year-month-day, as the file says."""
