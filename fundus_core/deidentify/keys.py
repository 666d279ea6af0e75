"""Keyed pseudonyms and the key behind them: it belongs to the user and is never stored beside results.

The same key gives the same pseudonyms, at any site and in any year; without it nobody can test a guess.
"""

import hashlib
import hmac
import os
import secrets
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from fundus_core.errors import UsageError

KEY_BYTES = 32
"""Of a fresh key; as many as SHA-256 returns (RFC 2104, section 3)."""
MIN_KEY_BYTES = 16
"""A shorter key could be found by trying."""
MAX_KEY_BYTES = 4096
"""A longer file was probably given by mistake."""
MIN_PASSPHRASE = 12
"""Characters; scrypt makes each guess slow, not impossible."""

OWN_KEY_VARIABLE = "FUNDUS_LAB_KEY"
"""Names the file with the user's own key; ``fundus-lab/pseudonym.key`` in the user's configuration where not set."""

_SALT = b"fundus-lab pseudonyms 1"  # fixed, so that one passphrase gives one key at every site
_MEMORY_BYTES = 64 * 1024 * 1024


def fresh_key() -> bytes:
    """Return a random key, for pseudonyms that hold for one run only."""
    return secrets.token_bytes(KEY_BYTES)


def key_from_passphrase(passphrase: str) -> bytes:
    """Derive a key from a passphrase (scrypt, RFC 7914); a ``UsageError`` where it is too short."""
    text = unicodedata.normalize("NFKC", passphrase).strip()
    if len(text) < MIN_PASSPHRASE:
        raise UsageError(
            (
                "The passphrase has {text} {text:character|characters}; at least {min_passphrase} are "
                "needed, else names could be found by trying. Use a longer one."
            ),
            text=len(text),
            min_passphrase=MIN_PASSPHRASE,
        )
    return hashlib.scrypt(text.encode(), salt=_SALT, n=2**15, r=8, p=1, maxmem=_MEMORY_BYTES, dklen=KEY_BYTES)


def key_from_file(path: Path) -> bytes:
    """Read a key as ``write_key`` wrote it, or any file of 16 to 4,096 bytes that the user keeps as a key.

    Raises:
        UsageError: The file cannot be read, or is too short or too long for a key.
    """
    try:
        size = path.stat().st_size
        key = path.read_bytes() if size <= MAX_KEY_BYTES else b""
    except OSError as error:
        raise UsageError("The key file could not be opened ({strerror}); check its path.", strerror=error) from None
    return key_from_bytes(key, size=size)


def key_from_bytes(data: bytes, *, size: int | None = None) -> bytes:
    """Read a key out of a file's bytes; blanks around it do not count.

    The size is of the whole file, for the message.

    Raises:
        UsageError: They are too few or too many for a key.
    """
    size = len(data) if size is None else size
    key = data.strip() if size <= MAX_KEY_BYTES else b""
    if len(key) < MIN_KEY_BYTES:
        raise UsageError(
            (
                "The key file holds {size:,} {size:byte|bytes}; {min_key_bytes} to {max_key_bytes:,} are "
                "allowed. Make one with 'write_key', or use a passphrase."
            ),
            size=size,
            min_key_bytes=MIN_KEY_BYTES,
            max_key_bytes=MAX_KEY_BYTES,
        )
    return key


def write_key(path: Path) -> bytes:
    """Write a fresh key, readable by its owner only, and return it.

    Raises:
        UsageError: There is a file of that name already (a key that is lost cannot be made again), or it
            cannot be written.
    """
    key = secrets.token_hex(KEY_BYTES).encode()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key + b"\n")
    except FileExistsError:
        raise UsageError("A file of that name exists; a key is never overwritten. Choose another name.") from None
    except OSError as error:
        raise UsageError("The key file could not be written ({strerror}); check its folder.", strerror=error) from None
    return key


def own_key_file() -> Path:
    """Return where the user's own key is kept: with the user, never in a store or beside results."""
    configuration = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(os.environ.get(OWN_KEY_VARIABLE) or Path(configuration) / "fundus-lab" / "pseudonym.key")


def own_key() -> bytes:
    """Return the user's own key, made when first needed.

    It turns the patient ids inside DICOM files into pseudonyms, so that two eyes of one person stay together
    although the id itself is dropped.
    """
    path = own_key_file()
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return write_key(path)
        except UsageError:
            if not path.exists():
                raise
    return key_from_file(path)


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
