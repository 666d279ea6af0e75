"""Where a model looks: a map per target within the retina, and a test whether the map means anything.

A map that looks good is not evidence (Adebayo et al. 2018, arXiv:1810.03292): each comes with a deletion test.
torch is imported only when a network is differentiated.
"""

from fundus_core.explain.deletion import Predict
from fundus_core.explain.files import Explanation, overlay, write
from fundus_core.explain.saliency import METHODS, Saliency, saliency, usual_method
