from __future__ import annotations

import math

import numpy as np
import pytest

from fusion_rt.quality.information import entropy, mutual_information

LN2 = math.log(2)


def pixels(*levels: float) -> np.ndarray:
    """A picture in which each of ``levels`` fills an equal part."""
    return np.repeat(np.array([levels], np.float64), 4, axis=0)


@pytest.mark.parametrize(
    ("picture", "bits"),
    [
        pytest.param(pixels(255, 255), 0, id="one-level"),
        pytest.param(pixels(0, 255), 1, id="two-levels"),
        pytest.param(pixels(10, 20, 30, 40), 2, id="four-levels"),
        pytest.param(np.arange(256.0).reshape(16, 16), 8, id="all-levels"),
        # 2 bit for the quarter, log2(4/3) bit for the rest.
        pytest.param(pixels(0, 9, 9, 9), 0.5 + 0.75 * math.log2(4 / 3), id="quarter"),
        pytest.param(pixels(9.6, 10.4), 0, id="fractions-of-one-level"),
    ],
)
def test_entropy(picture, bits):
    assert entropy(picture) == pytest.approx(bits, abs=1e-12)
    assert math.copysign(1, entropy(picture)) == 1  # no minus before a zero


@pytest.mark.parametrize(
    ("ir", "vis", "fused", "nats"),
    [
        pytest.param(pixels(1, 2), pixels(7, 7), pixels(50, 60), LN2, id="infrared-told-apart"),
        pytest.param(pixels(7, 7), pixels(1, 2), pixels(50, 60), LN2, id="visible-told-apart"),
        pytest.param(pixels(1, 2), pixels(255, 0), pixels(0, 255), 2 * LN2, id="both"),
        pytest.param(
            pixels(0, 0, 255, 255), pixels(3, 3, 3, 3), pixels(0, 255, 0, 255), 0, id="independent"
        ),
        # Cells of the joint histogram: 1/2, 1/4, 1/4; shares 1/2, 1/2 against 3/4, 1/4.
        pytest.param(
            pixels(0, 0, 9, 9),
            pixels(3, 3, 3, 3),
            pixels(5, 5, 5, 6),
            0.5 * math.log(4 / 3) + 0.25 * math.log(2 / 3) + 0.25 * math.log(2),
            id="in-part",
        ),
        # Were a level of the one taken for a level of the other, these would be one cell.
        pytest.param(pixels(0, 1), pixels(3, 3), pixels(255, 0), LN2, id="neighbouring-cells"),
    ],
)
def test_mutual_information(ir, vis, fused, nats):
    assert mutual_information(ir, vis, fused) == pytest.approx(nats, abs=1e-12)
