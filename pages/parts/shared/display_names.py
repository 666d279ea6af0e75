"""What the cohorts that the program makes itself are called in the reader's language; others keep their names."""

from pages.parts.shell import sample
from pages.parts.shell.language import _
from pages.parts.shell.markdown import literal


def cohort(name: str) -> str:
    """Return a cohort's name for the reader; links, files and the store keep the name that it has."""
    return {sample.NAME: _("Sample (rendered eyes)"), sample.SINGLES: _("Single photographs")}.get(name, name)


def typed(name: str) -> str:
    """Return what a cohort is called within Markdown: every letter as it was typed."""
    return literal(cohort(name))
