"""Faults that weights of this kind are known for, looked for in the models that are shipped."""

from __future__ import annotations

import os
from functools import cache, partial
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from model_files import fused_by, fused_by_openvino, pair_inputs, tensorrt_rtx_plan
from onnx import numpy_helper

from engines import models
from engines.contract import FILE_PRECISIONS, FUSED, GRID, GRID_INPUTS, INPUTS, IR, VIS, WEIGHT
from engines.models import find_model, find_variant, shipped_models
from engines.parity import judge
from engines.parity_measure import measure
from engines.parity_pairs import parity_pairs
from trainer.checkpoint import load_model
from trainer.deploy import DeployGraph
from trainer.shipped import CHECKPOINTS, VERSIONS

NAMES = shipped_models()
LEVELS = [0, 60, 128, 200, 255]
every_model = pytest.mark.parametrize("name", NAMES)


@cache
def session(name: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    path = models.MODELS_DIR / f"{name}.onnx"
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def fuse_colours(name: str, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
    """Fused (H, W, 3) as integers, from infrared (H, W) and visible (H, W, 3), both uint8."""
    weight = np.full((1, 1, *ir.shape), 255, np.uint8)
    inputs = {IR: ir[None, None], VIS: vis[None], WEIGHT: weight}
    return session(name).run([FUSED], inputs)[0][0].astype(int)


def fuse(name: str, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
    """The same for a visible picture without colour, (H, W) to (H, W)."""
    return fuse_colours(name, ir, np.repeat(vis[..., None], 3, 2))[..., 0]


def flat(level: int, height: int = 96, width: int = 128) -> np.ndarray:
    return np.full((height, width), level, np.uint8)


def noise(low: int, high: int, height: int, width: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, (height, width)).astype(np.uint8)


def real_pairs() -> list[tuple[np.ndarray, np.ndarray]]:
    """The middle, 320x240, of a frame of each video."""
    if not os.environ.get("FUSION_RT_DATA"):
        pytest.skip("FUSION_RT_DATA does not name the folder of real data")
    pairs = []
    for clip in sorted(Path(os.environ["FUSION_RT_DATA"], "video").iterdir()):
        ir, vis = (sorted((clip / kind).iterdir())[9] for kind in ("ir", "vis"))
        planes = (cv2.imread(str(ir), cv2.IMREAD_GRAYSCALE), cv2.imread(str(vis)))
        ir, vis = (np.ascontiguousarray(plane[120:360, 160:480]) for plane in planes)
        pairs.append((ir, vis))
    return pairs


def test_both_models_are_shipped_with_their_cards():
    assert sorted(VERSIONS) == NAMES
    for name in NAMES:
        assert (models.MODELS_DIR / f"{name}.md").is_file()


@every_model
@pytest.mark.parametrize("precision", FILE_PRECISIONS)
@pytest.mark.parametrize("variant", ["plain", "grid"])
def test_file_is_small_and_says_what_it_is(name, variant, precision):
    file = find_variant(find_model(name), precision=precision, grid=variant == "grid")
    assert file.path.stat().st_size < {"fp32": 240_000, "fp16": 130_000, "int8": 90_000}[precision]
    notes = {entry.key: entry.value for entry in onnx.load(file.path).metadata_props}
    assert notes["name"] == name
    assert notes["variant"] == variant
    assert notes["precision"] == precision
    assert notes["version"] == VERSIONS[name]
    assert f"{name}.md" in notes["licence"]


@every_model
@pytest.mark.parametrize("precision", FILE_PRECISIONS)
def test_both_files_hold_the_same_weights(name, precision):
    plain, grid = (
        {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        for graph in (
            onnx.load(find_variant(find_model(name), precision=precision, grid=grid).path).graph
            for grid in (False, True)
        )
    )
    assert plain.keys() == grid.keys()
    for tensor, values in plain.items():
        np.testing.assert_array_equal(values, grid[tensor], err_msg=tensor)


@every_model
@pytest.mark.parametrize(
    "find", [partial(parity_pairs, (320, 240)), real_pairs], ids=["drawn", "real"]
)
@torch.inference_mode()
def test_file_shows_what_the_checkpoint_shows(name, find):
    """To one grey level, though it has not all of its channels."""
    pairs = find()
    whole = DeployGraph(load_model(CHECKPOINTS / f"{name}.pt"))
    expected = []
    for ir, vis in pairs:
        weight = torch.full((1, 1, *ir.shape), 255, dtype=torch.uint8)
        pair = torch.from_numpy(ir)[None, None], torch.from_numpy(vis)[None]
        expected.append(whole(*pair, weight)[0].numpy())
    found = measure(fused_by(find_model(name).path, pairs), expected, pairs, "the checkpoint")
    assert found.worst <= 1, found


@every_model
@pytest.mark.parametrize(("end", "inputs"), [("", INPUTS), ("-grid", GRID_INPUTS)])
def test_inputs_are_those_of_the_contract(name, end, inputs):
    assert {entry.name for entry in session(f"{name}{end}").get_inputs()} == set(inputs)


@every_model
@pytest.mark.parametrize(
    ("precision", "run"),
    [
        pytest.param("fp16", fused_by, id="fp16-onnxruntime"),
        pytest.param("int8", fused_by, id="int8-onnxruntime"),
        pytest.param("int8", fused_by_openvino, id="int8-openvino"),
    ],
)
@pytest.mark.parametrize(
    "find", [partial(parity_pairs, (320, 240)), real_pairs], ids=["drawn", "real"]
)
def test_less_precise_files_show_the_same_picture(name, precision, run, find):
    pairs = find()
    exact = fused_by(find_model(name).path, pairs)
    ours = run(find_variant(find_model(name), precision=precision).path, pairs)
    assert judge(measure(ours, exact, pairs), precision) is None


@every_model
@pytest.mark.parametrize("precision", FILE_PRECISIONS)
@pytest.mark.parametrize("grid", [False, True], ids=["plain", "grid"])
def test_tensorrt_rtx_builds_it(name, precision, grid):
    path = find_variant(find_model(name), precision=precision, grid=grid).path
    inputs = pair_inputs(*parity_pairs((640, 480))[0], grid)
    assert tensorrt_rtx_plan(path, inputs, inputs).nbytes > path.stat().st_size / 2


@every_model
def test_grid_that_moves_nothing_gives_the_plain_picture(name):
    ir = noise(0, 256, 64, 80, 0)
    vis = np.random.default_rng(1).integers(0, 256, (64, 80, 3), np.uint8)
    x, y = (np.arange(80) + 0.5) / 40 - 1, (np.arange(64) + 0.5) / 32 - 1
    grid = np.stack(np.meshgrid(x, y), -1).astype(np.float32)
    inputs = {IR: ir[None, None], VIS: vis[None], GRID: grid[None]}
    inputs[WEIGHT] = np.full((1, 1, 64, 80), 255, np.uint8)
    found = session(f"{name}-grid").run([FUSED], inputs)[0][0].astype(int)
    assert np.abs(found - fuse_colours(name, ir, vis)).max() <= 1


@every_model
@pytest.mark.parametrize("ir", LEVELS)
@pytest.mark.parametrize("vis", LEVELS)
def test_flat_pair_has_no_frame(name, ir, vis):
    fused = fuse(name, flat(ir), flat(vis))
    assert np.abs(fused - fused[48, 64]).max() <= 2


@every_model
@pytest.mark.parametrize("grey", [30, 120, 220])
def test_flat_pair_of_equal_greys_keeps_its_grey(name, grey):
    assert abs(int(fuse(name, flat(grey), flat(grey))[48, 64]) - grey) <= 10


@every_model
@pytest.mark.parametrize(
    ("ir", "vis", "least", "most"),
    [
        pytest.param(255, 0, 200, 255, id="hot-on-black-is-bright"),
        pytest.param(0, 0, 0, 6, id="nothing-on-nothing-is-black"),
        pytest.param(255, 255, 250, 255, id="white-is-white"),
    ],
)
def test_levels_at_the_ends(name, ir, vis, least, most):
    fused = fuse(name, flat(ir), flat(vis))
    assert least <= fused.min()
    assert fused.max() <= most


@every_model
def test_warm_target_stands_out_and_the_rest_stays_visible(name):
    ir = flat(40)
    ir[30:66, 50:74] = 230
    vis = np.full((96, 128, 3), (90, 100, 110), np.uint8)
    fused = fuse_colours(name, ir, vis)
    target, rest = fused[36:60, 56:68], fused[:, 90:]
    assert target.mean() > 190
    # Cold infrared takes part of the light; the card gives figures.
    assert np.abs(rest - vis[:, 90:]).max() <= 25


def glare_and_person() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Night: a lamp blinds the camera, and a person of 20x48 px stands in its light.

    Returns:
        ir, vis: (160, 200) uint8.
        person: (160, 200) bool.
    """
    person = np.zeros((160, 200), bool)
    person[56:104, 90:110] = True
    ir = noise(57, 64, 160, 200, 2)
    ir[person] = noise(177, 184, 160, 200, 3)[person]
    y, x = np.mgrid[:160, :200]
    glow = 255 * np.exp(-((np.maximum(np.hypot(y - 80, x - 100) - 45, 0) / 15) ** 2))
    return ir, np.maximum(glow.astype(np.uint8), noise(15, 26, 160, 200, 4)), person


def outline_contrast(name: str) -> float:
    """Grey levels between 4 px within and 4 px without the person's outline; the maximum has 0."""
    ir, vis, person = glare_and_person()
    assert vis[50:110, 84:116].min() == 255, "all of the person and what is around it is glare"
    fused = fuse(name, ir, vis)
    within, around = person.copy(), np.zeros_like(person)
    within[60:100, 94:106] = False
    around[52:108, 86:114] = True
    return abs(fused[within].mean() - fused[around & ~person].mean())


@every_model
def test_person_in_front_of_glare_stays_visible(name):
    assert outline_contrast(name) >= 10


def lettering(vis: np.ndarray, ink: int) -> None:
    for y in (50, 90, 130):
        cv2.putText(vis, "WALL 37", (20, y), cv2.FONT_HERSHEY_SIMPLEX, 0.9, ink, 2, cv2.LINE_8)


def bricks(vis: np.ndarray, ink: int) -> None:
    for row, y in enumerate(range(8, len(vis), 12)):
        vis[y : y + 2] = ink
        for x in range(row % 2 * 12, vis.shape[1], 24):
            vis[y : y + 12, x : x + 2] = ink


@every_model
@pytest.mark.parametrize(
    ("ground", "ink"),
    [pytest.param(150, 120, id="dark"), pytest.param(60, 90, id="bright-at-night")],
)
@pytest.mark.parametrize(
    ("draw", "least"),
    [pytest.param(lettering, 4, id="lettering"), pytest.param(bricks, 10, id="bricks")],
)
def test_what_is_drawn_on_a_warm_smooth_wall_stays_visible(name, draw, least, ground, ink):
    """The choice between the sources alone, without what is carried over, leaves less than 2."""
    vis = flat(ground, 160, 200)
    draw(vis, ink)
    fused = fuse(name, flat(180, 160, 200), vis)
    drawn = vis == ink
    assert (fused[drawn].mean() - fused[~drawn].mean()) * np.sign(ink - ground) >= least


@every_model
def test_bright_sky_over_cold_infrared_stays_bright(name):
    ir, vis = flat(30, 128, 160), flat(220, 128, 160)
    ir[80:], vis[80:] = 140, 90
    sky = fuse(name, ir, vis)[:70]
    assert sky.min() >= 200
    assert np.ptp(fuse(name, flat(30), flat(220))) <= 2


@every_model
def test_hot_patch_in_a_corner_moves_nothing_further_than_100_px(name):
    ir, vis = noise(20, 120, 180, 240, 5), noise(20, 200, 180, 240, 6)
    hot = ir.copy()
    hot[:20, :20] = 255
    change = np.abs(fuse(name, hot, vis) - fuse(name, ir, vis))
    assert change[:20, :20].max() > 50
    assert change[120:].max() == 0
    assert change[:, 120:].max() == 0


@every_model
def test_black_beside_something_hot_stays_black(name):
    ir, vis = flat(0, 128, 160), flat(0, 128, 160)
    ir[:, 80:] = 255
    fused = fuse(name, ir, vis)
    assert fused[:, :70].max() <= 6
    assert fused[:, 90:].min() >= 200
