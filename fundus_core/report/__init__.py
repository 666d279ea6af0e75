"""What leaves the house: one self-contained HTML file per cohort, and one per comparison."""

from fundus_core.report.content import Flow, Pair, Subject
from fundus_core.report.html import render, render_comparison
