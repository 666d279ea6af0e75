"""Which eye a photograph shows: from a table, its file, its name, or the picture."""

from fundus_core.eye.decide_eye import EyeDecision, decide
from fundus_core.eye.optic_disc import from_picture
from fundus_core.identity import eye_in_name as from_name
