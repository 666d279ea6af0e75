"""The field of view: finding the circle of the retina, cutting it out, and the way back to the photograph."""

from fundus_core.retina.burned_in_text import Box, black_out_boxes, find_writing
from fundus_core.retina.crop import RESAMPLING, CropRule, crop, crops, mask, mask_background, shrunk
from fundus_core.retina.find import find
