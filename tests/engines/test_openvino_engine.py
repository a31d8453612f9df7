"""OpenVINO's second start from the cache: the same picture, and never a crash."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from engines.errors import EngineError
from engines.models import find_model
from engines.openvino import OpenVinoEngine
from engines.parity_pairs import parity_pairs

ov = pytest.importorskip("openvino", reason="openvino is not installed")

WH = (96, 80)
MODEL = find_model("bts-lite")


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("FUSION_RT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def picture(precision="fp32", wh=WH, report=print):
    with OpenVinoEngine(MODEL, wh, precision, report) as engine:
        assert engine.info.precision == precision
        return engine.fuse(*parity_pairs(wh)[0])


@pytest.fixture
def compiled(monkeypatch):
    """Counts what is compiled."""
    done = []
    compile_model = ov.Core.compile_model

    def counted(self, *arguments, **named):
        done.append(arguments)
        return compile_model(self, *arguments, **named)

    monkeypatch.setattr(ov.Core, "compile_model", counted)
    return done


def blobs(cache):
    return sorted((cache / "openvino").glob("*.blob"))


def precisions():
    has_bf16 = "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return ["fp32", "bf16"] if has_bf16 else ["fp32"]


@pytest.mark.parametrize("precision", precisions())
def test_second_start_does_not_compile_and_shows_the_same(compiled, precision):
    first = picture(precision)
    assert len(compiled) == 1
    np.testing.assert_array_equal(picture(precision), first)
    assert len(compiled) == 1


def test_size_and_precision_are_told_apart(compiled, cache):
    picture("fp32")
    picture("fp32", (97, 80))
    assert len(compiled) == len(blobs(cache)) == 2
    for precision in precisions()[1:]:
        picture(precision)
        assert len(compiled) == len(blobs(cache)) == 3


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda patch: patch.setattr(ov, "__version__", "2019.1-1"), id="package"),
        pytest.param(
            lambda patch: patch.setattr(
                "engines.openvino.file_sha256", lambda path: "another file"
            ),
            id="model",
        ),
    ],
)
def test_other_package_or_model_is_compiled_anew(compiled, monkeypatch, change):
    picture()
    change(monkeypatch)
    picture()
    assert len(compiled) == 2


def cut(data):
    return data[: len(data) // 2]


def scrambled(data):
    return data[:40] + bytes(byte ^ 0x55 for byte in data[40:])


@pytest.mark.parametrize("damage", [cut, scrambled, lambda data: b""], ids=["cut", "bytes", "none"])
def test_damaged_cache_is_compiled_anew_and_mended(compiled, cache, damage):
    first = picture()
    (path,) = blobs(cache)
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    np.testing.assert_array_equal(picture(), first)
    assert len(compiled) == 2
    picture()
    assert len(compiled) == 2  # the damaged file was replaced


def test_file_that_openvino_does_not_take_is_compiled_anew(compiled, cache, monkeypatch):
    """Whole, but for instance of a build with the same number and another format."""
    first = picture()

    def refuse(*_, **__):
        raise RuntimeError("the model was exported by another build")

    with monkeypatch.context() as patch:
        patch.setattr(ov.Core, "import_model", refuse)
        np.testing.assert_array_equal(picture(), first)
    assert len(compiled) == 2


def test_cache_that_cannot_be_written_is_said(cache):
    cache.mkdir()
    (cache / "openvino").write_text("in the way")
    lines = []
    picture(report=lines.append)
    (line,) = lines
    assert line.startswith("the compiled model is not kept for the next start: cannot write")


def test_bf16_needs_a_processor_that_has_it(monkeypatch):
    get_property = ov.Core.get_property

    def without(self, device, name):
        return ["FP32"] if name == "OPTIMIZATION_CAPABILITIES" else get_property(self, device, name)

    monkeypatch.setattr(ov.Core, "get_property", without)
    with pytest.raises(EngineError, match="does not compute in bf16") as caught:
        picture("bf16")
    assert "fp32" in caught.value.hint


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc")
def test_engines_of_changing_sizes_leave_no_open_file():
    def open_files():
        import os

        return len(os.listdir("/proc/self/fd"))

    picture()
    before = open_files()
    for index in range(6):
        picture(wh=(64 + index, 64))
    assert open_files() <= before + 1
