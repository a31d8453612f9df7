"""Picture sizes of thermal cores, as (width, height) in px."""

from __future__ import annotations

from typing import Final

THERMAL_SIZES: Final = frozenset(
    {
        (80, 60),
        (160, 120),
        (206, 156),
        (256, 192),
        (320, 240),
        (320, 256),
        (336, 256),
        (384, 288),
        (640, 480),
        (640, 512),
        (1024, 768),
        (1280, 1024),
    }
)
# The same with rows of telemetry below or above the picture.
TELEMETRY_SIZES: Final = frozenset({(80, 63), (160, 122), (320, 258), (384, 292), (640, 514)})
# Two pictures in one, of InfiRay's and its sisters' cores: one to look at, one of raw counts;
# with two rows between them on some.
STACKED_SIZES: Final = frozenset({(256, 384), (256, 386), (160, 242)})
# Of all these, what webcams do not have.
ONLY_THERMAL_SIZES: Final = (THERMAL_SIZES | TELEMETRY_SIZES | STACKED_SIZES) - {
    (160, 120),
    (320, 240),
    (640, 480),
    (1024, 768),
    (1280, 1024),
}
