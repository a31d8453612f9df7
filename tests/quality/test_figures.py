"""The planes that figures are computed on, and all figures of one picture together."""

from __future__ import annotations

import math
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from fusion_rt.errors import UsageError
from fusion_rt.quality import contrast, correlation, edges, information, structure, vif
from fusion_rt.quality.figures import FIGURES, figures
from fusion_rt.quality.halo import halo
from fusion_rt.quality.planes import luma_levels

DATA = os.environ.get("FUSION_RT_DATA")
OF_FUSED = {
    "EN": information.entropy,
    "SD": contrast.standard_deviation,
    "SF": contrast.spatial_frequency,
    "AG": contrast.average_gradient,
}
OF_ALL = {
    "MI": information.mutual_information,
    "SCD": correlation.correlation_of_differences,
    "CC": correlation.correlation,
    "VIF": vif.visual_information_fidelity,
    "Qabf": edges.edge_preservation,
    "Nabf": edges.edge_artefacts,
    "SSIM": structure.ssim,
    "MS-SSIM": structure.ms_ssim,
    "halo": halo,
}


def rough(seed: int, shape=(180, 190)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def test_each_figure_is_what_its_name_says():
    planes = rough(1), rough(2), rough(3)
    ir, vis, fused = (plane.astype(np.float64) for plane in planes)
    found = figures(*planes)
    assert list(found) == [figure.name for figure in FIGURES] == [*OF_FUSED, *OF_ALL]
    for name, measure in OF_FUSED.items():
        assert found[name] == measure(fused), name
    for name, measure in OF_ALL.items():
        assert found[name] == measure(ir, vis, fused), name
    assert len(set(found.values())) == len(FIGURES)


def test_only_artefacts_and_halos_are_better_when_lower():
    assert {figure.name for figure in FIGURES if figure.better == "lower"} == {"Nabf", "halo"}


def test_figures_do_not_change_the_pictures_and_take_float_as_well():
    planes = [rough(seed) for seed in (1, 2, 3)]
    before = [plane.copy() for plane in planes]
    in_bytes = figures(*planes)
    for plane, old in zip(planes, before, strict=True):
        np.testing.assert_array_equal(plane, old)
    assert figures(*(plane.astype(np.float32) for plane in planes)) == in_bytes


def test_smallest_picture_has_all_figures_but_one():
    found = figures(*(rough(seed, (41, 41)) for seed in (1, 2, 3)))
    assert [name for name, value in found.items() if math.isnan(value)] == ["MS-SSIM"]


GOOD = rough(1, (48, 64))


@pytest.mark.parametrize(
    ("planes", "words"),
    [
        pytest.param((GOOD, GOOD, np.dstack([GOOD] * 3)), r"fused picture has shape", id="colour"),
        pytest.param(
            (GOOD, GOOD[:, :-1], GOOD),
            "infrared 64x48, visible 63x48, fused 64x48",
            id="other-size",
        ),
        pytest.param((GOOD[:40],) * 3, "64x40.*at least 41 px", id="too-small"),
        pytest.param((GOOD, GOOD * 2.0, GOOD), r"visible picture has values from", id="too-bright"),
        pytest.param((GOOD - 300.0, GOOD, GOOD), r"infrared picture has values", id="negative"),
        pytest.param((GOOD, GOOD, GOOD * np.nan), "fused picture has values from nan", id="nan"),
    ],
)
def test_unfit_planes_are_refused(planes, words):
    with pytest.raises(UsageError, match=words) as error:
        figures(*planes)
    assert error.value.hint


@pytest.mark.parametrize(
    ("bgr", "level"),
    [((255, 0, 0), 29), ((0, 255, 0), 150), ((0, 0, 255), 76), ((10, 20, 30), 22)],
    ids=["blue", "green", "red", "mixed"],
)
def test_luma_of_a_colour(bgr, level):
    # For instance green: 0.587 * 255 = 149.7.
    assert luma_levels(np.full((2, 3, 3), bgr, np.uint8)).tolist() == [[level] * 3] * 2


def test_luma_of_grey_is_itself():
    grey = np.arange(256, dtype=np.uint8)[None]
    np.testing.assert_array_equal(luma_levels(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)), grey)
    assert luma_levels(grey) is grey


@pytest.mark.skipif(DATA is None, reason="FUSION_RT_DATA is not set")
def test_pixel_wise_maximum_on_tno_measures_as_elsewhere():
    rows = []
    for path in sorted((Path(DATA) / "test" / "tno" / "ir").iterdir()):
        ir = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        vis = cv2.imread(str(path.parents[1] / "vis" / path.name), cv2.IMREAD_GRAYSCALE)
        rows.append(figures(ir, vis, np.maximum(ir, vis)))
    assert len(rows) == 25
    expected = {
        "EN": 6.81,
        "SD": 40.0,
        "MI": 4.71,
        "SCD": 1.54,
        "VIF": 0.92,
        "Qabf": 0.60,
        "Nabf": 0.00,
        "SSIM": 0.69,
        "halo": 0.00,
    }
    for name, value in expected.items():
        digits = 1 if name == "SD" else 2
        assert round(float(np.mean([row[name] for row in rows])), digits) == value, name
