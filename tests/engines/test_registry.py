"""Engines by name: what opens, what is refused in which words, and that all show one picture."""

from __future__ import annotations

import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest

from engines import back_ends, nvidia, parity_store, registry
from engines.classical import ClassicalEngine
from engines.errors import (
    BackendUnavailable,
    EngineError,
    PictureRefused,
    Stopped,
    UnknownNameError,
)
from engines.models import find_model, shipped_models
from engines.registry import open_engine, prepare_engine

NETWORKS = [
    pytest.param("openvino", "fp32", id="openvino-fp32"),
    pytest.param("onnxruntime", "fp32", id="onnxruntime-fp32"),
]


def scene(wh=(160, 120), seed=1):
    """Smooth textures with edges: a pair that looks more like pictures than noise does."""
    rng = np.random.default_rng(seed)
    vis = cv2.GaussianBlur(rng.integers(0, 256, (wh[1], wh[0], 3), np.uint8), (0, 0), 2)
    vis = cv2.normalize(vis, None, 0, 255, cv2.NORM_MINMAX)
    ir = np.full((wh[1], wh[0]), 60, np.uint8)
    cv2.circle(ir, (wh[0] // 2, wh[1] // 2), wh[1] // 4, 220, -1)
    return cv2.GaussianBlur(ir, (0, 0), 1), vis


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    """The same answers on machines that have one."""

    def refuse():
        raise BackendUnavailable("no NVIDIA driver is installed", hint="install it")

    monkeypatch.setattr(nvidia, "check_driver", refuse)


def reasons(engine):
    return {refusal.name: refusal.reason for refusal in engine.info.refused}


def require_backend(name):
    pytest.importorskip(name, reason=f"{name} is not installed")


@pytest.mark.parametrize("name", ["openvino", "onnxruntime", "classical"])
@pytest.mark.parametrize("wh", [(64, 64), (101, 77), (320, 240)])
def test_every_engine_takes_any_size(name, wh):
    if name != "classical":
        require_backend(name)
    ir, vis = scene(wh)
    with open_engine(name, "bts", wh) as engine:
        fused = engine.fuse(ir, vis)
        assert engine.info.size_wh == wh
    assert (fused.shape, fused.dtype) == ((wh[1], wh[0], 3), np.uint8)


@pytest.mark.parametrize(("name", "precision"), NETWORKS)
def test_networks_agree_to_one_grey_level(name, precision):
    require_backend(name)
    require_backend("onnxruntime")
    ir, vis = scene()
    with open_engine("onnxruntime", "bts", (160, 120), "fp32") as reference:
        expected = reference.fuse(ir, vis)
    with open_engine(name, "bts", (160, 120), precision) as engine:
        fused = engine.fuse(ir, vis)
    assert np.abs(fused.astype(int) - expected).max() <= 1
    assert np.abs(expected.astype(int) - vis).max() > 10  # it did fuse


def test_automatic_precision_shows_the_same_picture_to_45_db():
    require_backend("openvino")
    ir, vis = scene((320, 240))
    with open_engine("openvino", "bts", (320, 240), "fp32") as reference:
        expected = reference.fuse(ir, vis).astype(float)
    with open_engine("openvino", "bts", (320, 240)) as engine:
        fused = engine.fuse(ir, vis)
    error = np.mean((fused - expected) ** 2)
    assert error < 255**2 / 10**4.5


@pytest.mark.parametrize("name", ["openvino", "onnxruntime", "classical"])
def test_weight_zero_shows_the_visible_picture(name):
    if name != "classical":
        require_backend(name)
    ir, vis = scene()
    weight = np.zeros((120, 160), np.uint8)
    weight[:, 80:] = 255
    with open_engine(name, "bts", (160, 120), "fp32") as engine:
        whole = engine.fuse(ir, vis)
        engine.set_weight(weight)
        half = engine.fuse(ir, vis)
    np.testing.assert_array_equal(half[:, :80], vis[:, :80])
    np.testing.assert_array_equal(half[:, 80:], whole[:, 80:])


def test_results_are_the_callers_own():
    """A finished picture must not change when the next one is fused."""
    require_backend("openvino")
    ir, vis = scene()
    with open_engine("openvino", "bts", (160, 120)) as engine:
        first = engine.fuse(ir, vis)
        kept = first.copy()
        engine.fuse(255 - ir, 255 - vis)
    np.testing.assert_array_equal(first, kept)


def test_inputs_may_be_read_only_and_not_contiguous():
    require_backend("openvino")
    ir, vis = scene()
    with open_engine("openvino", "bts", (160, 120), "fp32") as engine:
        expected = engine.fuse(ir, vis)
        strided = np.asfortranarray(vis)
        frozen = ir.copy()
        frozen.setflags(write=False)
        np.testing.assert_array_equal(engine.fuse(frozen, strided), expected)


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        pytest.param({"name": "openvinno"}, "engine 'openvinno'", "'openvino'", id="engine"),
        pytest.param({"model": "bst"}, "model 'bst'", "'bts'", id="model"),
        pytest.param({"precision": "fp23"}, "precision 'fp23'", "'fp32'", id="precision"),
    ],
)
def test_unknown_names_list_the_known(arguments, message, hint):
    with pytest.raises(UnknownNameError, match=f"unknown {message}") as caught:
        open_engine(**arguments)
    assert f"did you mean {hint}" in caught.value.hint
    assert "known: " in caught.value.hint
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("wh", [(63, 64), (64, 63), (3841, 2160), (3840, 2161), (0, 0)])
def test_sizes_beyond_the_contract_are_refused(wh):
    with pytest.raises(EngineError, match=f"{wh[0]}x{wh[1]} cannot be fused"):
        open_engine("classical", size_wh=wh)


def test_picture_of_another_size_is_refused():
    with (
        open_engine("classical", size_wh=(64, 64)) as engine,
        pytest.raises(EngineError, match=r"'ir' is uint8 \(32, 64\)"),
    ):
        engine.fuse(np.zeros((32, 64), np.uint8), np.zeros((64, 64, 3), np.uint8))


def test_precision_that_an_engine_does_not_have():
    with pytest.raises(EngineError, match="onnxruntime does not compute in bf16") as caught:
        open_engine("onnxruntime", precision="bf16")
    assert "fp32" in caught.value.hint


def test_auto_takes_openvino_and_says_why_not_the_other():
    require_backend("openvino")
    with open_engine(size_wh=(64, 64)) as engine:
        assert engine.info.name == "openvino"
        assert reasons(engine)["onnxruntime"] == "slower than openvino"


def test_gpu_engines_are_refused_in_words_without_a_driver():
    with open_engine("auto", size_wh=(64, 64)) as engine:
        for name in ("tensorrt", "tensorrt-rtx"):
            assert reasons(engine)[name] == "no NVIDIA driver is installed"
            with pytest.raises(BackendUnavailable, match="no NVIDIA driver") as caught:
                open_engine(name, size_wh=(64, 64))
            assert caught.value.hint == "install it"


def test_precision_that_nothing_here_computes_in():
    with pytest.raises(
        BackendUnavailable, match=r"tensorrt: no NVIDIA .*openvino: does not compute in fp16"
    ) as caught:
        open_engine("auto", size_wh=(64, 64), precision="fp16")
    assert caught.value.hint == "choose another precision than fp16, or auto"


def test_infrared_size_is_for_engines_that_warp():
    """Others are opened for infrared that lies on the visible picture."""
    require_backend("onnxruntime")
    with open_engine("onnxruntime", size_wh=(64, 64), ir_size_wh=(80, 64)) as engine:
        assert not engine.warps
        assert engine.ir_size_wh == (64, 64)


def test_auto_goes_on_without_openvino_and_says_so(monkeypatch):
    require_backend("onnxruntime")
    monkeypatch.setitem(sys.modules, "openvino", None)
    with open_engine(size_wh=(64, 64)) as engine:
        assert engine.info.name == "onnxruntime"
        assert "does not load" in reasons(engine)["openvino"]


def test_auto_with_nothing_to_run_names_every_reason(monkeypatch):
    for module in ("openvino", "onnxruntime"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(BackendUnavailable, match=r"openvino: .*onnxruntime: ") as caught:
        open_engine(size_wh=(64, 64))
    assert "--engine classical" in caught.value.hint


def test_missing_package_names_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(BackendUnavailable) as caught:
        open_engine("openvino", size_wh=(64, 64))
    assert "pip install openvino" in caught.value.hint


def test_auto_goes_on_when_openvino_is_broken(monkeypatch):
    ov = pytest.importorskip("openvino", reason="openvino is not installed")

    def broken(*_):
        raise RuntimeError("CPU plugin is missing")

    monkeypatch.setattr(ov.Core, "get_property", broken)
    with open_engine(size_wh=(64, 64)) as engine:
        assert engine.info.name == "onnxruntime"
        assert "CPU plugin is missing" in reasons(engine)["openvino"]


@pytest.mark.parametrize("name", ["openvino", "onnxruntime", "auto"])
def test_grid_variant_is_refused_at_opening(name):
    with pytest.raises(EngineError, match="takes ir, vis, weight, grid instead of"):
        open_engine(name, str(find_model("bts").path.with_name("bts-grid.onnx")), (64, 64))


@pytest.mark.parametrize("name", ["openvino", "onnxruntime", "auto"])
def test_file_that_is_no_model(tmp_path, name):
    path = tmp_path / "broken.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(EngineError, match=r"cannot load .*broken\.onnx"):
        open_engine(name, str(path), (64, 64))


def test_model_file_that_is_not_there():
    with pytest.raises(EngineError, match=r"model file nowhere\.onnx: does not exist"):
        find_model("nowhere.onnx")


def test_shipped_models_can_be_found():
    assert "bts" in shipped_models()
    for name in shipped_models():
        assert find_model(name).path.is_file()


def test_every_engine_lists_its_precisions():
    assert registry.precision_names() == ["auto", "fp16", "int8", "bf16", "fp32"]
    assert registry.engine_names() == [
        *("auto", "tensorrt", "tensorrt-rtx", "openvino", "onnxruntime", "classical")
    ]


@pytest.mark.parametrize("model", shipped_models())
def test_int8_of_every_shipped_model_passes_the_gate(model):
    require_backend("openvino")
    require_backend("onnxruntime")
    with open_engine("openvino", model, (96, 80), "int8") as engine:
        assert engine.info.precision == "int8"
        assert engine.info.parity.psnr_db >= 38


def test_int8_without_its_file_names_the_remedy(tmp_path):
    require_backend("openvino")
    path = tmp_path / "mine.onnx"
    path.write_bytes(find_model("bts-lite").path.read_bytes())
    with pytest.raises(EngineError, match=r"mine-int8\.onnx is not there") as caught:
        open_engine("auto", str(path), (64, 64), "int8")
    assert "--precision int8" in caught.value.hint


def test_automatic_precision_is_never_int8():
    for back_end in back_ends.BACK_ENDS.values():
        assert "int8" not in back_end.auto
        assert set(back_end.auto) <= set(back_end.precisions)


@pytest.fixture
def gpu(monkeypatch):
    """A GPU back end that can fail; what it was asked for and what it opened."""
    asked, failing = [], {}

    def opened(request, precision):
        asked.append((request.size_wh, request.ir_size_wh, request.device, precision))
        if precision in failing:
            raise failing[precision]
        engine = ClassicalEngine(request.size_wh)
        monkeypatch.setattr(engine, "close", lambda: asked.append("closed"))
        return engine

    back_end = replace(back_ends.BACK_ENDS["tensorrt"], open=opened)
    monkeypatch.setitem(back_ends.BACK_ENDS, "tensorrt", back_end)
    return asked, failing


def test_preparing_opens_what_would_be_opened_and_closes_it(gpu):
    asked, failing = gpu
    failing["fp16"] = PictureRefused("black")
    prepare_engine("auto", "bts", (64, 64), ir_size_wh=(80, 64), device=1)
    where = ((64, 64), (80, 64), 1)
    assert asked == [(*where, "fp16"), (*where, "fp32"), "closed"]


def test_all_that_was_tried_is_told_with_the_last_remedy(gpu):
    _, failing = gpu
    failing["fp16"] = PictureRefused("black", hint="choose --precision auto")
    failing["fp32"] = EngineError("too little GPU memory", hint="close other programs")
    for opening in (open_engine, prepare_engine):
        with pytest.raises(EngineError, match=r"fp16: black; .*fp32: too little GPU") as caught:
            opening("tensorrt", "bts", (64, 64))
        assert caught.value.hint == "close other programs"
        assert not isinstance(caught.value, PictureRefused)
    failing["fp32"] = PictureRefused("grey")
    with pytest.raises(PictureRefused, match=r"fp16: black; .*fp32: grey"):
        open_engine("tensorrt", "bts", (64, 64))


def test_package_that_is_missing_is_told_at_once(gpu):
    asked, failing = gpu
    failing["fp16"] = BackendUnavailable("no GPU", hint="buy one")
    with pytest.raises(BackendUnavailable, match=r"^no GPU$"):
        prepare_engine("tensorrt", "bts", (64, 64))
    assert len(asked) == 1


def test_stopped_opening_tries_nothing_more(gpu):
    asked, failing = gpu
    failing["fp16"] = Stopped("stopped while building")
    with pytest.raises(Stopped, match="while building"):
        open_engine("auto", "bts", (64, 64))
    assert len(asked) == 1
    with pytest.raises(Stopped, match="before tensorrt was opened"):
        open_engine("auto", "bts", (64, 64), stop=lambda: True)
    assert len(asked) == 1


def test_without_a_place_for_a_cache_the_fast_engine_opens_all_the_same(monkeypatch, tmp_path):
    require_backend("openvino")
    monkeypatch.setattr(parity_store, "_unkept", {})
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FUSION_RT_CACHE", str(tmp_path / "file"))
    lines = []
    for checks in (True, False):  # the second one knows the first one's verdict
        lines.clear()
        with open_engine(model="bts-lite", size_wh=(64, 64), report=lines.append) as engine:
            assert engine.info.name == "openvino"
        assert any("is not a folder; nothing is kept" in line for line in lines) == checks
        assert any(line.startswith("checking") for line in lines) == checks
