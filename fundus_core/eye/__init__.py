"""Which eye a photograph shows: from a table, its file, its name, or the position of the optic disc."""

from fundus_core.eye.decision import EyeDecision, decide
from fundus_core.eye.disc import from_disc
from fundus_core.identity import eye_in_name as from_name
