"""Who and which eye: the one answer that truth tables, lists, predictions and pseudonyms share."""

from fundus_core.identity.eyes import BOTH_EYES, EYES, eye_in_cell, eye_in_name, without_eye
from fundus_core.identity.file_names import agreeing, as_path, ids_in_names
from fundus_core.identity.id_spaces import spaces_of_ids
from fundus_core.identity.id_spellings import (
    OF_IDS,
    OF_NAMES,
    PHOTOGRAPH_ENDING,
    PHOTOGRAPH_ENDINGS,
    Joinable,
    folded,
    joinable,
)
from fundus_core.identity.placeholder_ids import is_nobody, standing_for_many
from fundus_core.identity.spreadsheet_damage import injuries
