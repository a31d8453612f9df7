"""The marker of test pictures comes back as it was drawn, or not at all."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from live import marker


@pytest.mark.parametrize("number", [0, 1, 65535, 65536 + 7])
@pytest.mark.parametrize("time_ns", [0, 123_456_789_012_345, (1 << 40) * marker.UNIT_NS - 1])
def test_marker_comes_back(number, time_ns):
    image = np.full((60, 200), 90, np.uint8)
    marker.draw(image, number, time_ns)
    found = marker.read(image)
    assert found == (number & 0xFFFF, time_ns - time_ns % marker.UNIT_NS)


@pytest.mark.parametrize(
    ("change", "scale"),
    [
        pytest.param(lambda p: p, 1, id="as-it-is"),
        pytest.param(lambda p: p.astype(np.uint16) * 257, 1, id="16-bit"),
        pytest.param(lambda p: cv2.cvtColor(p, cv2.COLOR_GRAY2BGR), 1, id="colour"),
        pytest.param(lambda p: p // 4 + 100, 1, id="little-contrast"),
        pytest.param(
            lambda p: cv2.imdecode(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, 60])[1], 0),
            1,
            id="jpeg",
        ),
        pytest.param(
            lambda p: cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
            0.5,
            id="half-size",
        ),
        pytest.param(lambda p: cv2.resize(p, None, fx=1.6, fy=1.6), 1.6, id="larger"),
    ],
)
def test_marker_survives(change, scale):
    image = np.random.default_rng(1).integers(60, 180, (240, 320), np.uint8)
    marker.draw(image, 4242, 987_654_321_000_000)
    assert marker.read(change(image), scale) == (4242, 987_654_321_000_000)


@pytest.mark.parametrize(
    "image",
    [
        pytest.param(np.full((240, 320), 90, np.uint8), id="even-grey"),
        pytest.param(np.zeros((240, 320, 3), np.uint8), id="black"),
        pytest.param(np.zeros((20, 20), np.uint8), id="too-small"),
        pytest.param(np.random.default_rng(2).integers(0, 256, (240, 320), np.uint8), id="noise"),
    ],
)
def test_no_marker_is_no_marker(image):
    assert marker.read(image) is None


def test_one_wrong_square_is_noticed():
    for place in range(64):
        image = np.full((60, 200), 90, np.uint8)
        marker.draw(image, 77, 123_456_700_000)
        y, x = place // 16 * marker.BLOCK, place % 16 * marker.BLOCK
        square = image[y : y + marker.BLOCK, x : x + marker.BLOCK]
        square[:] = 251 - square
        assert marker.read(image) is None
