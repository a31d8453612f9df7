"""An engine fuses only after it was seen to show the reference's picture."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from engines import back_ends, gate, nvidia, reference
from engines.base import stretched_grid
from engines.errors import BackendUnavailable, EngineError, PictureRefused, Stopped
from engines.gate import CHECK_WH, compare_with_reference
from engines.models import find_model, shipped_models
from engines.onnxruntime import OnnxRuntimeEngine
from engines.registry import open_engine, prepare_engine

pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

WH = (80, 64)
MODEL = "bts-lite"


class Pretender(OnnxRuntimeEngine):
    """The reference under another name, its picture changed on the way out."""

    def __init__(self, model, size_wh, precision, *, change, version="1"):
        super().__init__(model, size_wh, "fp32")
        self.info = replace(self.info, name="openvino", version=version, precision=precision)
        self.closed = False
        self._change = change

    def _run(self, ir, vis):
        return self._change(super()._run(ir, vis))

    def close(self):
        super().close()
        self.closed = True


@pytest.fixture
def pretend(monkeypatch, tmp_path):
    """Sets what the engine "openvino" shows in each precision; returns the engines it opened."""
    monkeypatch.setenv("FUSION_RT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(nvidia, "check_driver", no_driver)

    def set_up(version="1", **changes):
        opened = []

        def build(model, size_wh, precision, report):
            change = changes.get(precision, same)
            opened.append(Pretender(model, size_wh, precision, change=change, version=version))
            return opened[-1]

        back_end = replace(back_ends.BACK_ENDS["openvino"], open=back_ends._on_processor(build))
        monkeypatch.setitem(back_ends.BACK_ENDS, "openvino", back_end)
        return opened

    return set_up


def no_driver():
    raise BackendUnavailable("no NVIDIA driver is installed")


def same(picture):
    return picture


def black(picture):
    return np.zeros_like(picture)


def coarse(picture):
    """5 levels off: 34 dB."""
    return np.where(picture < 128, picture + 5, picture - 5).astype(np.uint8)


def test_engine_that_shows_the_picture_passes_with_its_figures(pretend):
    pretend()
    lines = []
    with open_engine("openvino", MODEL, WH, "bf16", report=lines.append) as engine:
        assert engine.info.parity.psnr_db == float("inf")
        assert engine.info.parity.pairs == 4
        assert engine.info.parity.reference.startswith("onnxruntime ")
    assert lines == [
        f"checking {MODEL} bf16 of openvino against fp32 of onnxruntime at 320x240, pair {n} of 4"
        for n in range(1, 5)
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(black, "the picture is black", id="black"),
        pytest.param(coarse, "the picture is off: 34.2 dB, 5 grey levels", id="coarse"),
    ],
)
def test_engine_asked_for_by_name_is_refused_with_figures(pretend, change, words):
    opened = pretend(bf16=change)
    with pytest.raises(PictureRefused, match=words) as caught:
        open_engine("openvino", MODEL, WH, "bf16")
    assert f"{MODEL} in bf16 by openvino 1 is refused" in str(caught.value)
    assert caught.value.hint == "choose --precision fp32, or another --engine"
    assert all(engine.closed for engine in opened)


def test_automatic_precision_goes_on_to_the_next(pretend):
    pretend(bf16=black)
    with open_engine("openvino", MODEL, WH) as engine:
        assert engine.info.precision == "fp32"
        assert engine.info.parity is not None
        (refusal,) = engine.info.refused
    assert refusal.name == "openvino bf16"
    assert "the picture is black" in refusal.reason


def test_automatic_engine_goes_on_to_the_next(pretend):
    pretend(bf16=black, fp32=coarse)
    with open_engine("auto", MODEL, WH) as engine:
        assert (engine.info.name, engine.info.precision) == ("onnxruntime", "fp32")
        assert engine.info.parity is None  # the reference itself
        names = [refusal.name for refusal in engine.info.refused]
    assert names == ["tensorrt", "tensorrt-rtx", "openvino bf16", "openvino fp32"]


def test_verdict_is_remembered(pretend):
    for change, count in ((same, 2), (same, 1)):
        opened = pretend(bf16=change)
        with open_engine("openvino", MODEL, WH, "bf16") as engine:
            assert engine.info.parity is not None
        assert [one.size_wh for one in opened] == [WH, CHECK_WH][:count]


def test_refusal_is_remembered_too(pretend):
    for count in (2, 1):
        opened = pretend(bf16=black)
        with pytest.raises(PictureRefused, match="black"):
            open_engine("openvino", MODEL, WH, "bf16")
        assert len(opened) == count


def test_another_version_is_compared_again(pretend):
    pretend()
    open_engine("openvino", MODEL, WH, "bf16").close()
    pretend(version="2", bf16=black)
    with pytest.raises(PictureRefused, match="openvino 2 is refused"):
        open_engine("openvino", MODEL, WH, "bf16")


def test_damaged_verdict_is_compared_again(pretend, tmp_path):
    pretend()
    open_engine("openvino", MODEL, WH, "bf16").close()
    (path,) = (tmp_path / "cache" / "parity").iterdir()
    path.write_text(path.read_text()[:100])
    opened = pretend()
    open_engine("openvino", MODEL, WH, "bf16").close()
    assert len(opened) == 2


def test_verdict_that_cannot_be_kept_is_said(pretend, tmp_path):
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "parity").write_text("in the way")
    pretend()
    lines = []
    open_engine("openvino", MODEL, WH, "bf16", report=lines.append).close()
    assert lines[-1].startswith("the next start checks again: cannot write")


def test_unchecked_opening_is_for_who_compares_himself(pretend):
    pretend(bf16=black)
    with open_engine("openvino", MODEL, WH, "bf16", check=False) as engine:
        assert engine.info.parity is None


def test_without_a_reference_nothing_passes(pretend, monkeypatch):
    pretend()
    engine = open_engine("openvino", MODEL, WH, "bf16", check=False)
    for module in ("onnxruntime", "openvino"):
        monkeypatch.setitem(sys.modules, module, None)
    with engine, pytest.raises(BackendUnavailable, match="nothing to compare") as caught:
        compare_with_reference(engine, find_model(MODEL))
    assert caught.value.hint == "pip install onnxruntime"


def test_openvino_stands_in_for_a_missing_onnxruntime(monkeypatch, tmp_path):
    pytest.importorskip("openvino", reason="openvino is not installed")
    monkeypatch.setenv("FUSION_RT_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with open_engine("openvino", MODEL, WH, "fp32") as engine:
        assert engine.info.parity is None  # it is the reference now


@pytest.mark.parametrize(
    ("wh", "first"),
    [
        pytest.param((1280, 1024), "onnxruntime", id="ordinary"),
        pytest.param((1281, 1024), "openvino", id="larger-needs-less-memory"),
    ],
)
def test_which_reference_comes_first(monkeypatch, wh, first):
    for name, kind in (("onnxruntime", "OnnxRuntimeEngine"), ("openvino", "OpenVinoEngine")):
        monkeypatch.setattr(getattr(reference, name), kind, lambda *_, name=name: name)
    assert reference.open_reference(find_model(MODEL), wh) == first


@pytest.mark.parametrize("model", shipped_models())
def test_engine_that_warps_is_compared_with_infrared_warped_on_the_host(model):
    """A picture that ignores the grid is refused."""
    model = find_model(model)
    with OnnxRuntimeEngine(model, WH, "fp32", ir_size_wh=(96, 72)) as engine:
        engine.info = replace(engine.info, name="other")
        parity = compare_with_reference(engine, model)
        assert parity.worst <= 1
        assert parity.psnr_db > 70
        np.testing.assert_array_equal(engine._grid["grid"][0], stretched_grid(WH))
        engine._place_grid = lambda grid: None
        engine._grid = {"grid": np.zeros((1, 64, 80, 2), np.float32)}
        parity = compare_with_reference(engine, model)
    with pytest.raises(PictureRefused, match="is refused"):
        gate.refuse(engine.info, parity)


def test_stopping_between_pairs(pretend):
    opened, lines = pretend(), []
    with pytest.raises(Stopped, match="stopped while checking") as caught:
        open_engine("openvino", MODEL, WH, report=lines.append, stop=lambda: len(lines) == 2)
    assert caught.value.exit_code == 130
    assert [line[-11:] for line in lines] == ["pair 1 of 4", "pair 2 of 4"]
    assert all(engine.closed for engine in opened)
    with open_engine("openvino", MODEL, WH) as engine:  # no verdict was kept
        assert engine.info.parity.pairs == 4


def test_prepared_ahead_the_picture_was_checked_already(pretend):
    pretend(bf16=black)
    prepare_engine("openvino", MODEL, WH)
    opened, lines = pretend(bf16=black), []
    with open_engine("openvino", MODEL, WH, report=lines.append) as engine:
        assert engine.info.precision == "fp32"
    assert [one.size_wh for one in opened] == [WH, WH]
    assert lines == []


def test_reference_needs_no_comparison(pretend):
    pretend()
    with open_engine("onnxruntime", MODEL, WH, "fp32") as engine:
        assert engine.info.parity is None


def test_failing_comparison_closes_the_engine(pretend):
    def fail(_):
        raise EngineError("it fell over")

    opened = pretend(bf16=fail)
    with pytest.raises(EngineError, match="it fell over"):
        open_engine("openvino", MODEL, WH, "bf16")
    assert all(engine.closed for engine in opened)
