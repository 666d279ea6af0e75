"""Training: photographs and a table in; weights, card, split, log and metrics out.

``fit.train`` trains; this page itself needs no torch, so that options can be declared and checked at once.
"""

from fundus_core.training.plan import Label, Plan
from fundus_core.training.table import Material
