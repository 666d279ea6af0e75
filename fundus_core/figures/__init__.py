"""From tables to figures in plain records, and two drawers; the numbers are computed elsewhere."""

from fundus_core.figures.agreement import bland_altman, error_boxes, residuals
from fundus_core.figures.binary_target import criterion_calibration, precision_recall, probabilities, roc
from fundus_core.figures.calibration import calibration
from fundus_core.figures.change import course, predicted_against_measured_change
from fundus_core.figures.decision_curve import decision_curve, prevalences
from fundus_core.figures.distribution import among, bars, error_histogram
from fundus_core.figures.figure import COLUMNS, Figure
from fundus_core.figures.forest import ForestRow, forest, literature
from fundus_core.figures.learning_curve import learning_curve
from fundus_core.figures.scatter import (
    WEBGL_POINTS,
    Crowd,
    Observations,
    beside_the_median,
    headline,
    limits,
    predicted_against_true,
    thinned,
)
from fundus_core.figures.theme import DARK, LIGHT, Look, Palette, error, heading, number
from fundus_core.figures.thumbnail_scatter import small_scatter
