"""Rig files: what is read, and what is refused in which words."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from calibration.errors import RigError
from calibration.rig import Rig, stretch
from calibration.rig_file import load_rig, parse_rig, rig_text

GOOD = {
    "rig": 1,
    "ir": {"size": [640, 512]},
    "vis": {"size": [1280, 720]},
    "H_vis_ir": [[4.2, 0.2, 66.0], [0.0, 4.0, -280.0], [0.0, 0.0, 2.0]],
}


def test_homography_is_normalised():
    rig = parse_rig(GOOD, "here")
    assert (rig.ir_wh, rig.vis_wh) == ((640, 512), (1280, 720))
    np.testing.assert_allclose(rig.H_vis_ir, [[2.1, 0.1, 33], [0, 2, -140], [0, 0, 1]])


def test_homography_may_have_any_scale():
    data = {**GOOD, "H_vis_ir": (np.array(GOOD["H_vis_ir"]) * -1e-6).tolist()}
    np.testing.assert_allclose(
        parse_rig(data, "here").H_vis_ir, parse_rig(GOOD, "here").H_vis_ir, rtol=1e-9
    )


def test_file_round_trip(tmp_path):
    rig = parse_rig(GOOD, "here")
    path = tmp_path / "rig.yaml"
    path.write_text(rig_text(rig))
    again = load_rig(path)
    assert (again.ir_wh, again.vis_wh) == (rig.ir_wh, rig.vis_wh)
    np.testing.assert_allclose(again.H_vis_ir, rig.H_vis_ir, rtol=1e-9)


def test_identity_is_known_as_such():
    data = {**GOOD, "ir": {"size": [640, 480]}, "vis": {"size": [640, 480]}, "H_vis_ir": "identity"}
    assert parse_rig(data, "here").is_identity
    assert not parse_rig(GOOD, "here").is_identity


def test_stretch_lays_outer_edges_on_each_other():
    H = np.array(stretch((640, 512), (1280, 1024)))
    np.testing.assert_allclose(H @ [-0.5, -0.5, 1], [-0.5, -0.5, 1])
    np.testing.assert_allclose(H @ [639.5, 511.5, 1], [1279.5, 1023.5, 1])


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        pytest.param({"vsi": 1}, "unknown key 'vsi'", "did you mean 'vis'", id="misspelt-key"),
        pytest.param({"H_vis_ir": None}, "'H_vis_ir' is missing", "H_vis_ir", id="missing-key"),
        pytest.param({"rig": 3}, "rig format 3 is unknown", "reads 1 and 2", id="future-format"),
        pytest.param({"ir": {"size": [640]}}, "'ir' must be", "size", id="one-number-as-size"),
        pytest.param({"ir": {"size": [0, 5]}}, "'ir' must be", "size", id="size-zero"),
        pytest.param({"ir": 7}, "'ir' must be", "size", id="size-without-key"),
        pytest.param({"H_vis_ir": [[1, 2], [3, 4]]}, "3 rows of 3", "3 rows", id="2x2"),
        pytest.param({"H_vis_ir": "eye"}, "3 rows of 3", "3 rows", id="unknown-word"),
        pytest.param(
            {"H_vis_ir": [[1, 0, float("nan")], [0, 1, 0], [0, 0, 1]]},
            "NaN",
            "finite",
            id="nan",
        ),
        pytest.param(
            {"H_vis_ir": [[1, 0, 0], [1, 0, 0], [0, 0, 1]]}, "singular", "identity", id="singular"
        ),
        pytest.param(
            {"H_vis_ir": [[1, 0, 0], [0, 1, 0], [-0.01, 0, 1]]},
            "singular",
            "identity",
            id="horizon-crosses-the-picture",
        ),
        pytest.param({"H_vis_ir": "identity"}, "the sizes differ", "H_vis_ir", id="identity-sizes"),
    ],
)
def test_refusals(change, message, hint):
    with pytest.raises(RigError, match=message) as caught:
        parse_rig({**GOOD, **change}, "my.yaml")
    assert str(caught.value).startswith("my.yaml")
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "is empty", id="empty"),
        pytest.param("a: [1", "is not YAML", id="broken-yaml"),
        pytest.param("- 1\n- 2\n", "holds no keys, but list", id="a-list"),
        pytest.param(None, "cannot read rig file", id="no-such-file"),
        pytest.param(b"\xff\xfe\x00", "is not a text file", id="binary"),
    ],
)
def test_unusable_files(tmp_path, content, message):
    path = tmp_path / "rig.yaml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RigError, match=message) as caught:
        load_rig(path)
    assert caught.value.hint


def test_identity_rig_has_no_warp():
    assert Rig.identity((64, 48)).is_identity


FULL = {
    "rig": 2,
    "ir": {
        "size": [640, 512],
        "K": [[770, 0, 319.5], [0, 771, 255.5], [0, 0, 1]],
        "dist": [-0.3, 0.1, 0, 0],
    },
    "vis": {
        "size": [1280, 720],
        "K": [[1250, 0, 640], [0, 1251, 360], [0, 0, 1]],
        "dist": [0.05, -0.1, 0.001, 0, 0.02],
    },
    "T_vis_ir": [[1, 0, 0, -0.05], [0, 0.8, -0.6, 0.01], [0, 0.6, 0.8, 0.002]],
    "distance_m": 5.0,
    "ir_offset_ms": -12.5,
    "quality": {"registration_px": [{"distance_m": 2.0, "rms": 0.08}]},
    "made": {"by": "fusion-rt 0.1.0"},
}


def test_calibrated_rig_round_trip(tmp_path):
    path = tmp_path / "rig.yaml"
    path.write_text(rig_text(parse_rig(FULL, "here")))
    rig = load_rig(path)
    assert rig.H_vis_ir is None
    assert (rig.ir_wh, rig.vis_wh) == ((640, 512), (1280, 720))
    assert (rig.distance_m, rig.ir_offset_ms) == (5.0, -12.5)
    assert rig.facts == {"quality": FULL["quality"], "made": FULL["made"]}
    assert rig.pair is not None
    for camera, name in ((rig.pair.ir, "ir"), (rig.pair.vis, "vis")):
        np.testing.assert_allclose(camera.K, FULL[name]["K"])
        np.testing.assert_allclose(camera.dist, FULL[name]["dist"])
    np.testing.assert_allclose(rig.pair.T_vis_ir[:3], FULL["T_vis_ir"])
    assert rig.pair.baseline_m == pytest.approx(np.sqrt(0.05**2 + 0.01**2 + 0.002**2))


def test_far_away_survives_a_round_trip():
    rig = parse_rig({**FULL, "distance_m": float("inf")}, "here")
    again = parse_rig(yaml.safe_load(rig_text(rig)), "here")
    assert again.distance_m == float("inf")


@pytest.mark.parametrize(
    ("change", "message", "hint"),
    [
        pytest.param({"H_vis_ir": "identity"}, "both H_vis_ir and T_vis_ir", "keep", id="both"),
        pytest.param({"ir": {"size": [9, 9]}}, "ir.K must be 3 rows", "need size, K", id="no-K"),
        pytest.param(
            {"ir": {**FULL["ir"], "K": [[770, 0, 1], [0, -770, 1], [0, 0, 1]]}},
            "not a camera matrix",
            "fx",
            id="negative-focal-length",
        ),
        pytest.param(
            {"vis": {**FULL["vis"], "dist": [0, 0, 0]}}, "4, 5 or 8", "k1 k2", id="three-numbers"
        ),
        pytest.param(
            {"vis": {**FULL["vis"], "focal": 3}}, "unknown key 'focal'", "did you", id="camera-key"
        ),
        pytest.param(
            {"T_vis_ir": [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, -1, 0]]},
            "T_vis_ir must be",
            "calibrate",
            id="mirror-instead-of-rotation",
        ),
        pytest.param(
            {"T_vis_ir": [[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0]]},
            "T_vis_ir must be",
            "calibrate",
            id="scaled-rotation",
        ),
        pytest.param({"T_vis_ir": 7}, "T_vis_ir must be", "calibrate", id="a-number"),
        pytest.param({"distance_m": 0}, "distance_m must be", ".inf", id="distance-zero"),
        pytest.param({"distance_m": "far"}, "distance_m must be", ".inf", id="distance-word"),
        pytest.param({"ir_offset_ms": float("nan")}, "ir_offset_ms", "leave", id="offset-nan"),
    ],
)
def test_refusals_of_calibrated_rigs(change, message, hint):
    with pytest.raises(RigError, match=message) as caught:
        parse_rig({**FULL, **change}, "my.yaml")
    assert str(caught.value).startswith("my.yaml")
    assert hint in caught.value.hint


@pytest.mark.parametrize("inverse_distance", [0.0, 0.2, 1.0])
@pytest.mark.parametrize(
    "data",
    [GOOD, {**FULL, "T_vis_ir": [[1, 0, 0, -0.05], [0, 1, 0, 0.01], [0, 0, 1, 0]]}],
    ids=["H", "full"],
)
def test_there_and_back(data, inverse_distance):
    """Without a step along the axis both cameras measure the same distance."""
    rig = parse_rig(data, "here")
    px = np.random.default_rng(0).uniform((100, 100), (500, 400), (50, 2))
    there = rig.to_vis(px, inverse_distance)
    np.testing.assert_allclose(rig.to_ir(there, inverse_distance), px, atol=1e-3)


def test_parallax_is_focal_length_times_baseline_over_distance():
    straight = {**FULL, "T_vis_ir": [[1, 0, 0, -0.05], [0, 1, 0, 0], [0, 0, 1, 0]]}
    for name in ("ir", "vis"):
        straight[name] = {**FULL[name], "dist": [0, 0, 0, 0]}
    rig = parse_rig(straight, "here")
    place = np.array([[700.0, 300.0]])
    near, far = rig.to_ir(place, 1 / 2.0), rig.to_ir(place, 0.0)
    np.testing.assert_allclose(near - far, [[770 * 0.05 / 2, 0]], atol=1e-6)


def test_a_rig_is_one_of_both():
    with pytest.raises(ValueError, match="either"):
        Rig((64, 48), (64, 48), None)
