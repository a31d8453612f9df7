"""The step response of fusions whose answer is known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from fusion_rt.errors import UsageError
from fusion_rt.quality.flicker_step import step_response

IR = np.full((120, 160), 40, np.uint8)
VIS = np.full((120, 160, 3), 100, np.uint8)


def grey(plane):
    return np.repeat(np.rint(plane)[..., None], 3, axis=2).astype(np.uint8)


def brighter(ir, vis):
    return np.maximum(grey(ir.astype(float)), vis)


def dimmed_by_the_hottest(ir, vis):
    """Every pixel loses a tenth of the hottest one: 4 before the patch, 25 after it."""
    return grey(vis[..., 0] - np.floor(0.1 * ir.max()))


class Remembering:
    """Each frame goes a share of the way to the new picture; starts at its first."""

    def __init__(self, share):
        self.share = share
        self.state = None

    def __call__(self, ir, vis):
        target = brighter(ir, vis).astype(float)
        if self.state is None:
            self.state = target
        self.state = self.state + self.share * (target - self.state)
        return np.rint(self.state).astype(np.uint8)


def test_a_fusion_that_looks_at_each_pixel_alone_moves_nothing_far_away():
    response = step_response(brighter, IR, VIS)
    assert (response.far_worst, response.far_rms, response.settled_frames) == (0, 0, 0)
    assert response.patch == pytest.approx(255)


def test_a_gain_of_the_whole_frame_is_found_with_its_size():
    response = step_response(dimmed_by_the_hottest, IR, VIS)
    assert response.far_worst == pytest.approx(21)
    assert response.far_rms == pytest.approx(21)


def test_far_begins_at_the_stated_distance():
    def glow(ir, vis):  # lights column 63 when something is hot; 44 px from the patch's last column
        fused = vis.copy()
        fused[:, 63] += 10 * np.uint8(ir.max() == 255)
        return fused

    assert step_response(glow, IR, VIS, far_px=43).far_worst == pytest.approx(10)
    assert step_response(glow, IR, VIS, far_px=110).far_worst == 0


@pytest.mark.parametrize(
    ("share", "frames", "expected"),
    [
        pytest.param(1.0, 6, 0, id="no-memory"),
        # 155 levels to go: 155 / 2**n is below 1.5, so rounds to 1 or less, from the 7th frame
        # on, which is 6 frames after the one in which the patch entered.
        pytest.param(0.5, 30, 6, id="half-way-each-frame"),
        pytest.param(0.02, 30, None, id="slower-than-the-run"),
    ],
)
def test_a_memory_settles(share, frames, expected):
    assert step_response(Remembering(share), IR, VIS, frames=frames).settled_frames == expected


def test_each_frame_is_reported():
    seen = []
    step_response(brighter, IR, VIS, frames=4, advance=lambda: seen.append(1))
    assert len(seen) == 8


def test_a_picture_without_far_pixels_is_refused():
    with pytest.raises(UsageError, match="no pixel of 60x50 is further than 64 px"):
        step_response(brighter, IR[:50, :60], VIS[:50, :60])


def test_too_short_a_run_is_refused():
    with pytest.raises(UsageError, match="3 frames or more, not 2"):
        step_response(brighter, IR, VIS, frames=2)
