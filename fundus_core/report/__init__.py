"""What leaves the house: one self-contained HTML file per cohort, and one per comparison."""

from fundus_core.report.content import Pair, Subject
from fundus_core.report.html import Single, render, render_comparison, render_photograph
from fundus_core.report.paper import Paper, Titled, paper_of, paper_of_pair
