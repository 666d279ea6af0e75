"""The rendered cohort whose best possible error is known."""

from fundus_core.synthetic.cohort import synthesise
from fundus_core.synthetic.drawing import eye_seed, what_if
from fundus_core.synthetic.rendered import RenderedEye, find
