"""De-identification at the door: keyed pseudonyms, pixels without a surround, an audit line, an export.

What identifies a person never enters a result: names and ids become keyed pseudonyms, metadata is left behind
(only decoded pixels travel), and the caller blacks out what lies outside the retina. Writing burned in *over*
the retina stays: no mask can tell it from the eye.
"""

from fundus_core.deidentify.export import Exported, write_cohort
from fundus_core.deidentify.keys import fresh_key, key_from_file, key_from_passphrase, own_key, own_key_file, write_key
from fundus_core.deidentify.photograph import AuditLine, Deidentified, deidentify, encode
from fundus_core.deidentify.pseudonyms import Pseudonyms

__all__ = [
    "AuditLine",
    "Deidentified",
    "Exported",
    "Pseudonyms",
    "deidentify",
    "encode",
    "fresh_key",
    "key_from_file",
    "key_from_passphrase",
    "own_key",
    "own_key_file",
    "write_cohort",
    "write_key",
]
