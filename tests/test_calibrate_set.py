"""``fusion-rt calibrate set``: what is kept, what stays, and what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
from typer.testing import CliRunner

from calibration.camera import Camera
from calibration.rig import CameraPair, Rig
from calibration.rig_file import load_rig, rig_text
from fusion_rt.cli import app

K = np.array([[700.0, 0, 319.5], [0, 700.0, 255.5], [0, 0, 1]])
CAMERA = Camera((640, 512), K, np.zeros(4))
T = np.eye(4)
T[0, 3] = -0.05


def set_in(path, *options):
    return CliRunner().invoke(app, ["calibrate", "set", str(path), *options])


@pytest.fixture
def rig(tmp_path):
    path = tmp_path / "rig.yaml"
    pair = CameraPair(CAMERA, CAMERA, T)
    facts = {"quality": {"verdict": "good"}, "made": {"date": "2026-11-22"}}
    path.write_text(rig_text(Rig((640, 512), (640, 512), None, pair, 5.0, facts=facts)))
    return path


def test_offset_and_distance_are_kept_and_the_rest_stays(rig):
    before = load_rig(rig)
    done = set_in(rig, "--ir-offset", "-12.5")
    assert done.exit_code == 0
    assert "infrared clock is -12.5 ms ahead" in done.output
    done = set_in(rig, "--distance", "inf")
    assert done.exit_code == 0
    assert "matched at inf m" in done.output
    after = load_rig(rig)
    assert (after.ir_offset_ms, after.distance_m) == (-12.5, float("inf"))
    assert after.facts == before.facts
    np.testing.assert_array_equal(after.pair.T_vis_ir, before.pair.T_vis_ir)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param([], "nothing to set", id="nothing"),
        pytest.param(["--ir-offset", "nan"], "offset of nan ms cannot be", id="offset-nan"),
        pytest.param(["--ir-offset", "1e6"], "offset of 1e\\+06 ms cannot be", id="offset-huge"),
        pytest.param(["--distance", "0"], "distance of 0 m cannot be", id="distance-zero"),
        pytest.param(["--distance", "nan"], "distance of nan m cannot be", id="distance-nan"),
    ],
)
def test_refusals_leave_the_file_as_it_is(rig, options, message):
    before = rig.read_bytes()
    done = set_in(rig, *options)
    assert done.exit_code == 2
    assert re.search(message, done.output)
    assert rig.read_bytes() == before


def test_homography_keeps_its_distance(tmp_path):
    path = tmp_path / "plane.yaml"
    path.write_text(rig_text(Rig.identity((64, 48))))
    assert set_in(path, "--ir-offset", "3").exit_code == 0
    assert load_rig(path).ir_offset_ms == 3
    done = set_in(path, "--distance", "5")
    assert done.exit_code == 2
    assert "is a homography" in done.output
