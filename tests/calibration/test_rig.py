"""Rig files: what is read, and what is refused in which words."""

from __future__ import annotations

import numpy as np
import pytest

from calibration.errors import RigError
from calibration.rig import Rig, load_rig, parse_rig, rig_text, stretch

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
        pytest.param({"rig": 2}, "rig format 2 is unknown", "reads 1", id="future-format"),
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
