"""Which eye a photograph shows: from a table, its file, its name, or the picture."""

from fundus_core.eye.decision import EyeDecision, decide
from fundus_core.eye.picture import from_picture
from fundus_core.identity import eye_in_name as from_name
