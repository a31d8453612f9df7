"""Curves of the mean level over time: sources and fused clips."""

from __future__ import annotations

import io
import itertools

from .chart import COLORS, load_plotting
from .flicker_level import LevelMeter

# The sources are grey and dashed, so that no clip is grey.
_CLIPS = COLORS[:-1]
_SOURCES = (("infrared", "#000000", "--"), ("visible", "#888888", "-."))
_DOTTED_BELOW = 60  # frames; with more of them the dots would hide the curve


def draw_levels(levels: LevelMeter) -> bytes:
    """The chart as the bytes of a PNG file.

    The upper panel shows the mean level of each frame, the lower one its change from frame to
    frame, where flicker is seen at once.

    Args:
        levels: after two frames or more.

    Raises:
        BackendUnavailable: matplotlib is not installed.
    """
    whole = load_plotting().Figure(figsize=(11, 7), layout="constrained")
    above, below = whole.subplots(2, 1, sharex=True)
    frames = range(len(levels.ir))
    dot = "." if len(frames) < _DOTTED_BELOW else ""
    curves = [
        (name, color, style, values, 1.2)
        for (name, color, style), values in zip(_SOURCES, (levels.ir, levels.vis), strict=True)
    ]
    for index, (name, values) in enumerate(levels.fused.items()):
        curves.append((name, _CLIPS[index % len(_CLIPS)], "-", values, 1.8))
    for name, color, style, values, width in curves:
        look = {"color": color, "linestyle": style, "linewidth": width, "marker": dot}
        above.plot(frames, values, label=name, **look)
        change = [now - before for before, now in itertools.pairwise(values)]
        below.plot(frames[1:], change, **look)
    above.set_ylabel("mean grey level")
    below.set_ylabel("change from the frame before")
    below.set_xlabel("frame")
    below.xaxis.get_major_locator().set_params(integer=True)
    for panel in (above, below):
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    whole.legend(loc="outside upper center", ncols=min(len(curves), 8), frameon=False)
    data = io.BytesIO()
    whole.savefig(data, format="png", dpi=120)  # a bare Figure draws with Agg: no display needed
    return data.getvalue()
