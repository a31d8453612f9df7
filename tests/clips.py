"""Clips whose flicker is measured."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fusion_rt.quality.temporal import TemporalMeter


def temporal_figures(
    ir_frames: Iterable[np.ndarray],
    vis_frames: Iterable[np.ndarray],
    fused_frames: Iterable[np.ndarray],
) -> dict[str, float]:
    """Figures of one fused clip, as `TemporalMeter.figures` names them."""
    meter = TemporalMeter(["fused"])
    for ir, vis, fused in zip(ir_frames, vis_frames, fused_frames, strict=True):
        meter.add(ir, vis, {"fused": fused})
    return meter.figures()["fused"]
