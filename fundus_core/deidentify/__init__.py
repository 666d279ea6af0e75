"""De-identification at the door: keyed pseudonyms, pixels without a surround, an audit line, an export.

What identifies a person never enters a result: names and ids become keyed pseudonyms, metadata is left behind
(only decoded pixels travel), and the caller blacks out what lies outside the retina, and the writing within it.
"""

from fundus_core.deidentify.export import audit_csv, write_cohort
from fundus_core.deidentify.keys import (
    MIN_PASSPHRASE,
    Pseudonyms,
    fresh_key,
    key_from_bytes,
    key_from_file,
    key_from_passphrase,
    own_key,
    own_key_file,
    write_key,
)
from fundus_core.deidentify.photograph import OLDEST_AGE, AuditLine, Deidentified, audit_line, deidentify, encode
from fundus_core.deidentify.planted_names import Names, planted
from fundus_core.deidentify.search_names import Trace, search
