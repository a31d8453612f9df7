"""Figures of agreement, limits, and what a refusal says."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from engines.parity import LIMITS, Parity, judge
from engines.parity_measure import measure
from engines.parity_pairs import parity_pairs

PAIRS = parity_pairs((96, 80))
REFERENCE = [np.maximum(vis, ir[..., None]) for ir, vis in PAIRS]
GOOD = Parity(55.0, 57.0, 1, 3, 4, "onnxruntime 1 fp32")


def test_equal_pictures_are_endlessly_near():
    found = measure(REFERENCE, REFERENCE, PAIRS, "the file")
    assert found == Parity(math.inf, math.inf, 0, 0, 4, "the file")
    assert str(found) == "equal to the file"
    for precision in LIMITS:
        assert judge(found, precision) is None


def test_figures_of_a_known_difference():
    """One pair off by 2 levels everywhere: 20 log10(255 / 2) dB, over four pairs 6.02 dB more."""
    pictures = [REFERENCE[0], REFERENCE[1], REFERENCE[2].copy(), REFERENCE[3]]
    pictures[2] = np.where(pictures[2] > 200, pictures[2] - 2, pictures[2] + 2).astype(np.uint8)
    found = measure(pictures, REFERENCE, PAIRS)
    assert found.psnr_db == pytest.approx(20 * math.log10(255 / 2))
    assert found.mean_db == pytest.approx(20 * math.log10(255 / 2) + 10 * math.log10(4))
    assert (found.p9999, found.worst) == (2, 2)
    assert judge(found, "int8") is None
    assert "42.1 dB, 2 grey levels at 99.99 %" in judge(found, "fp16")


@pytest.mark.parametrize(("wrong", "p9999"), [(2, 0), (3, 9)])
def test_percentile_is_of_all_values(wrong, p9999):
    """Of 96 * 80 * 3 = 23040 values, 2 are less than 1 in 10,000, 3 are more."""
    pictures = [picture.copy() for picture in REFERENCE]
    for index in range(wrong):
        value = pictures[0][index, 7, 1]
        pictures[0][index, 7, 1] = value + 9 if value < 200 else value - 9
    found = measure(pictures, REFERENCE, PAIRS)
    assert (found.p9999, found.worst) == (p9999, 9)


def test_difference_does_not_wrap_around():
    black, white = np.zeros_like(REFERENCE[0]), np.full_like(REFERENCE[0], 255)
    found = measure([white], [black], PAIRS[:1])
    assert (found.psnr_db, found.worst) == (0, 255)


def flat(level):
    return [np.full_like(picture, level) for picture in REFERENCE]


def with_hole():
    pictures = [picture.copy() for picture in REFERENCE]
    pictures[1][20:60, 20:60] = 0
    return pictures


@pytest.mark.parametrize(
    ("pictures", "words"),
    [
        pytest.param(flat(0), "the picture is black", id="black"),
        pytest.param(flat(1), "the picture is black", id="as-good-as-black"),
        pytest.param(flat(90), "one flat colour, BGR [90, 90, 90]", id="flat"),
        pytest.param([vis for _, vis in PAIRS], "is the visible one", id="visible-handed-through"),
        pytest.param(with_hole(), "21% of the picture is black", id="hole"),
        pytest.param([255 - p for p in REFERENCE], "a wholly different one", id="negative"),
    ],
)
def test_plain_faults_are_named(pictures, words):
    found = measure(pictures, REFERENCE, PAIRS, "the file")
    for precision in LIMITS:
        reason = judge(found, precision)
        assert words in reason
        assert f"{found.psnr_db:.1f} dB" in reason
        assert "against the file" in reason


def test_dark_scene_is_no_fault():
    pairs = [(np.zeros((80, 96), np.uint8), np.zeros((80, 96, 3), np.uint8))]
    black = [np.zeros((80, 96, 3), np.uint8)]
    assert judge(measure(black, black, pairs), "fp32") is None
    assert measure([black[0] + np.uint8(2)], black, pairs).fault == ""


@pytest.mark.parametrize(
    ("precision", "change", "passes"),
    [
        pytest.param("fp16", {"psnr_db": 50.0, "p9999": 2}, True, id="fp16-at-its-limits"),
        pytest.param("fp16", {"psnr_db": 49.9}, False, id="fp16-too-few-db"),
        pytest.param("fp16", {"p9999": 3}, False, id="fp16-too-many-levels"),
        pytest.param("bf16", {"psnr_db": 45.0, "p9999": 9}, True, id="bf16-has-db-only"),
        pytest.param("bf16", {"psnr_db": 44.9}, False, id="bf16-too-few-db"),
        pytest.param("int8", {"psnr_db": 38.0, "p9999": 30}, True, id="int8-has-db-only"),
        pytest.param("int8", {"psnr_db": 37.9}, False, id="int8-too-few-db"),
        pytest.param("fp32", {}, False, id="fp32-must-be-nearer"),
        pytest.param("fp32", {"psnr_db": 70.0}, True, id="fp32-near"),
    ],
)
def test_limits(precision, change, passes):
    reason = judge(replace(GOOD, **change), precision)
    assert (reason is None) == passes
    if reason is not None:
        assert f"{precision} must reach at least {LIMITS[precision].psnr_db:g} dB" in reason


def test_plain_data_goes_there_and_back():
    for parity in (GOOD, replace(GOOD, psnr_db=math.inf, mean_db=math.inf, fault="black")):
        text = json.dumps(parity.as_data(), allow_nan=False)
        assert Parity.from_data(json.loads(text)) == parity


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="list"),
        pytest.param({}, id="no-keys"),
        pytest.param({**GOOD.as_data(), "more": 1}, id="unknown-key"),
        pytest.param({**GOOD.as_data(), "psnr_db": "55"}, id="text-for-number"),
        pytest.param({**GOOD.as_data(), "worst": True}, id="truth-for-number"),
    ],
)
def test_other_data_is_refused(data):
    with pytest.raises(ValueError, match=r"keys|is "):
        Parity.from_data(data)


def test_pictures_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match="3 and 4 pictures for 4 pairs"):
        measure(REFERENCE[:3], REFERENCE, PAIRS)
    with pytest.raises(ValueError, match="cannot be compared"):
        measure([REFERENCE[0][1:]], [REFERENCE[0]], PAIRS[:1])
    with pytest.raises(ValueError, match="0 pairs"):
        measure([], [], [])
