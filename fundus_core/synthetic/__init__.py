"""The rendered cohort whose best possible error is known."""

from fundus_core.synthetic.cohort import synthesise
from fundus_core.synthetic.render import eye_seed, find, what_if
