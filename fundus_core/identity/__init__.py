"""Who and which eye: the one answer that truth tables, lists, predictions and pseudonyms share."""

from fundus_core.identity.eyes import BOTH_EYES, EYES, eye_in_cell, eye_in_name, eyes_in_names, without_eye
from fundus_core.identity.file_names import agreeing, as_path, as_paths, ids_in_names
from fundus_core.identity.id_spellings import (
    OF_IDS,
    OF_NAMES,
    PHOTOGRAPH_ENDING,
    PHOTOGRAPH_ENDINGS,
    Joinable,
    folded,
    injuries,
    is_nobody,
    joinable,
    spaces_of_ids,
    standing_for_many,
)
