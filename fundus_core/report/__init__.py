"""What leaves the house: one self-contained HTML file, and slides."""

from fundus_core.report.content import Flow, Subject
from fundus_core.report.html import render

__all__ = ["Flow", "Subject", "render"]
