from __future__ import annotations

import numpy as np
import pytest

from fusion_rt.quality.halo import halo

SHAPE = (9, 12)
COUNT = SHAPE[0] * SHAPE[1]


def flat(level: float, **pixels: float) -> np.ndarray:
    """One level, and other levels at places such as ``r3c4``."""
    picture = np.full(SHAPE, float(level))
    for place, value in pixels.items():
        row, column = place[1:].split("c")
        picture[int(row), int(column)] = value
    return picture


@pytest.mark.parametrize(
    ("ir", "vis", "fused", "total"),
    [
        pytest.param(flat(100), flat(100), flat(100), 0, id="equal"),
        pytest.param(flat(50), flat(200), flat(120), 0, id="between-the-sources"),
        pytest.param(flat(50), flat(200), flat(200, r4c5=50), 0, id="at-either-end"),
        pytest.param(flat(100), flat(100), flat(100, r4c5=130), 30, id="overshoot"),
        pytest.param(flat(100), flat(100), flat(100, r4c5=80), 20, id="undershoot"),
        pytest.param(flat(100), flat(100), flat(100, r4c5=130, r0c0=80), 50, id="both-add-up"),
        pytest.param(flat(100, r4c5=150), flat(90), flat(100, r6c7=150), 0, id="2-px-off"),
        pytest.param(flat(100, r4c5=150), flat(90), flat(100, r4c8=150), 50, id="3-px-off"),
        pytest.param(flat(100), flat(110, r4c5=20), flat(100, r2c3=20), 0, id="dark-2-px-off"),
        pytest.param(flat(100), flat(110, r4c5=20), flat(100, r1c5=20), 80, id="dark-3-px-off"),
        pytest.param(flat(100), flat(100), flat(100, r0c0=255), 155, id="bright-corner"),
        pytest.param(flat(100), flat(100), flat(100, r8c11=0), 100, id="dark-corner"),
    ],
)
def test_halo(ir, vis, fused, total):
    assert halo(ir, vis, fused) == pytest.approx(total / COUNT)
    assert halo(vis, ir, fused) == pytest.approx(total / COUNT)
