"""What can go wrong, in the words a researcher can act on.

Every message says what was found, what is allowed and what to do next. A message never holds a patient's name.
"""

from __future__ import annotations


class FundusError(Exception):
    """The parent of every error that this package raises on purpose."""


class UsageError(FundusError):
    """The call itself is at fault (a wrong option, a missing folder): nothing was written."""


class PhotographError(FundusError):
    """One file could not be read as a photograph; the batch goes on without it.

    Attributes:
        code: The stable word for the reason (``empty_file``, ``truncated``, ...), used in exports.
    """

    def __init__(self, code: str, message: str) -> None:
        """Keep the code beside the sentence."""
        super().__init__(message)
        self.code = code


class TruthError(FundusError):
    """A table of measured values could not be used as it stands."""


class CardError(FundusError):
    """A model card is incomplete or does not fit its weights."""


class NotEstimableError(FundusError):
    """A statistic has no value on these data; the message says why."""
