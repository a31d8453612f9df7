"""A matcher given as an ONNX file: its tensors, and what is made of its points."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from drift_scenes import WH, scene, similarity
from onnx import TensorProto, helper, numpy_helper

from calibration.errors import RigError
from calibration.online import Evidence, misregistration_px
from calibration.online.matcher import Matcher, voted


def save_matcher(path, points, score, size=("h", "w"), names=("ir", "vis", "points", "score")):
    """A model that looks at both pictures and gives these points whatever it sees."""
    ir, vis, told, sure = names
    nodes = [
        helper.make_node("ReduceMean", [ir], ["a"], keepdims=0),
        helper.make_node("ReduceMean", [vis], ["b"], keepdims=0),
        helper.make_node("Add", ["a", "b"], ["mean"]),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["p", "nothing"], [told]),
        helper.make_node("Add", ["s", "nothing"], [sure]),
    ]
    shape = [1, 1, *size]
    graph = helper.make_graph(
        nodes,
        "matcher",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in (ir, vis)],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in (told, sure)],
        [
            numpy_helper.from_array(np.asarray(points, np.float32), "p"),
            numpy_helper.from_array(np.asarray(score, np.float32), "s"),
            numpy_helper.from_array(np.float32(0), "zero"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def grid_of(truth: np.ndarray, wh: tuple[int, int]) -> np.ndarray:
    """Points all over the infrared picture and where ``truth`` puts them, (N, 4)."""
    x, y = np.meshgrid(np.linspace(5, wh[0] - 6, 24), np.linspace(5, wh[1] - 6, 18))
    places = np.column_stack([x.ravel(), y.ravel()])
    return np.hstack([places, places @ truth[:2, :2].T + truth[:2, 2]])


def test_points_are_placed_in_each_pictures_own_px(tmp_path):
    path = save_matcher(tmp_path / "m.onnx", [[0, 0, 319, 239], [8, 8, 9, 9]], [1, 0.1], (240, 320))
    ir, vis = np.zeros((120, 160), np.uint8), np.zeros((480, 640, 3), np.uint8)
    matches = Matcher(path)(ir, vis)
    np.testing.assert_allclose(matches.ir, [[-0.25, -0.25]])  # outer edges meet
    np.testing.assert_allclose(matches.vis, [[638.5, 478.5]])
    np.testing.assert_allclose(matches.score, [1])  # the other one is below what counts


def test_a_matchers_points_are_evidence_like_edges(tmp_path):
    truth = similarity(6.4, -3.3, 0.5, 1.01)
    points = grid_of(truth, WH)
    points[::7, 2:] += 11  # one in seven is wrong
    path = save_matcher(tmp_path / "m.onnx", points, np.ones(len(points)), WH[::-1])
    evidence = Evidence(Matcher(path))
    evidence.add(*scene(1))
    found = evidence.together.estimate.similarity
    assert misregistration_px(found @ np.linalg.inv(truth), WH) < 0.3


def test_points_beyond_the_infrareds_view_have_no_vote(tmp_path):
    points = grid_of(similarity(3, 0), WH)
    path = save_matcher(tmp_path / "m.onnx", points, np.ones(len(points)), WH[::-1])
    seen = np.zeros(WH[::-1], np.uint8)
    votes = voted(Matcher(path)(*scene(1)), WH, seen)
    assert not votes.height.any()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param(
            {"names": ("left", "right", "points", "score")}, "takes left, right", id="other-tensors"
        ),
        pytest.param({"points": np.zeros((3, 2)), "score": np.zeros(3)}, r"\(3, 2\)", id="shape"),
    ],
)
def test_another_model_is_refused(tmp_path, changes, words):
    values = {"points": np.zeros((3, 4)), "score": np.zeros(3), **changes}
    path = save_matcher(tmp_path / "m.onnx", **values)
    with pytest.raises(RigError, match=words):
        Matcher(path)(*scene(1))


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(b"no model")
    with pytest.raises(RigError, match="cannot be opened") as caught:
        Matcher(path)
    assert caught.value.hint
