"""From tables to Plotly figures; the numbers are computed elsewhere."""

from plotly.graph_objects import Figure

from fundus_core.figures.agreement import bland_altman, error_boxes, residuals
from fundus_core.figures.calibration import Steps, calibration
from fundus_core.figures.classes import precision_recall, probabilities, roc
from fundus_core.figures.cloud import WEBGL_POINTS, Points
from fundus_core.figures.decisions import Shares, decision_curve, prevalences
from fundus_core.figures.distribution import among
from fundus_core.figures.errors import error_histogram
from fundus_core.figures.forest import Row, forest, literature
from fundus_core.figures.look import Look, alt_text, error, heading, number, with_unit
from fundus_core.figures.numbers import numbers
from fundus_core.figures.palette import DARK, LIGHT, Palette
from fundus_core.figures.scatter import predicted_against_true
from fundus_core.figures.small import small_scatter

__all__ = [
    "DARK",
    "LIGHT",
    "WEBGL_POINTS",
    "Figure",
    "Look",
    "Palette",
    "Points",
    "Row",
    "Shares",
    "Steps",
    "alt_text",
    "among",
    "bland_altman",
    "calibration",
    "decision_curve",
    "error",
    "error_boxes",
    "error_histogram",
    "forest",
    "heading",
    "literature",
    "number",
    "numbers",
    "precision_recall",
    "predicted_against_true",
    "prevalences",
    "probabilities",
    "residuals",
    "roc",
    "small_scatter",
    "with_unit",
]
