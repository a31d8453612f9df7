"""Thermal pictures: how cameras pack them, gain control, shutter events, temperatures.

`layout` and `split` take apart what a camera sends, `agc` makes 8-bit pictures of the counts,
`shutter` recognises the moments in which the camera calibrates itself and its picture stands
still, `spot` reads temperatures.
"""

from __future__ import annotations

from .agc import Agc, LinearAgc
from .histogram import LEVELS, percentile_range
from .tables import linear_table

__all__ = ["LEVELS", "Agc", "LinearAgc", "linear_table", "percentile_range"]
