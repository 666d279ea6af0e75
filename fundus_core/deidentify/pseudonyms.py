"""Keyed pseudonyms: HMAC-SHA-256 (RFC 2104) in a short form that people can read to each other."""

import hmac
from dataclasses import dataclass, field

from fundus_core.deidentify.keys import MIN_KEY_BYTES
from fundus_core.errors import UsageError

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O, U
_BITS = 5
LENGTH = 12
"""Characters, 60 bits: the chance that two of a million patients share one is 4 in 10 million."""


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Turns names and ids into pseudonyms; the same key and word always give the same pseudonym.

    >>> Pseudonyms(bytes(16)).patient("Tanaka")
    'P-RZC1XG3BQKD5'
    """

    key: bytes = field(repr=False)
    """At least 16 bytes, kept by the user."""

    def __post_init__(self) -> None:
        if len(self.key) < MIN_KEY_BYTES:
            raise UsageError(
                (
                    "The key holds {key} {key:byte|bytes}; at least {min_key_bytes} are needed. Use a key file "
                    "or a passphrase."
                ),
                key=len(self.key),
                min_key_bytes=MIN_KEY_BYTES,
            )

    def patient(self, patient_id: str) -> str:
        """Return ``P-`` and twelve characters; nothing for an empty id, for nobody is not a person.

        Blanks around an id do not count; any other difference is another person.
        """
        said = patient_id.strip()
        return f"P-{self._word('patient', said)}" if said else ""

    def photograph(self, name: str) -> str:
        """Return ``F-`` and twelve characters for the name of a photograph."""
        return f"F-{self._word('photograph', name)}"

    def _word(self, domain: str, text: str) -> str:
        """The domain keeps a photograph and a patient of one name apart."""
        digest = hmac.digest(self.key, f"{domain}\0{text}".encode(errors="surrogatepass"), "sha256")
        number = int.from_bytes(digest, "big")
        return "".join(_ALPHABET[(number >> (_BITS * place)) & 31] for place in range(LENGTH))
