"""The field of view: finding the circle of the retina, cutting it out, and the way back to the photograph."""

from fundus_core.retina.crop import RESAMPLING, CropRule, black_out, crop, crops, mask, shrunk
from fundus_core.retina.find import find
from fundus_core.retina.writing import Box, black_out_boxes, find_writing
