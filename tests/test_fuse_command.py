"""`fusion_rt.commands.fuse` in this process, with stand-ins for the engine."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from fakes import FakeEngine, press_ctrl_c

from engines.errors import EngineError, Stopped
from fusion_rt import engine_choice
from fusion_rt.commands.fuse import FuseRequest, fuse
from fusion_rt.config import load_settings


@pytest.fixture
def request_for(tmp_path):
    """A request for pairs of the sizes given."""

    def made(*sizes_wh):
        for name, channels in (("ir", ()), ("vis", (3,))):
            (tmp_path / name).mkdir()
            for index, (width, height) in enumerate(sizes_wh):
                picture = np.full((height, width, *channels), 40 + index, np.uint8)
                assert cv2.imwrite(str(tmp_path / name / f"{index}.png"), picture)
        return FuseRequest(
            tmp_path / "ir", tmp_path / "vis", tmp_path / "out", None, load_settings(None, [])
        )

    return made


@pytest.fixture
def opened(monkeypatch):
    """The engines that were opened."""
    engines = []

    def open_engine(name, model, size_wh, precision, **kwargs):
        engines.append(FakeEngine(size_wh))
        return engines[-1]

    monkeypatch.setattr(engine_choice, "open_engine", open_engine)
    return engines


@pytest.mark.parametrize(
    ("sizes_wh", "words"),
    [
        pytest.param([(64, 64)] * 2, "fp32, 64x64, none", id="one-size"),
        pytest.param([(64, 64), (80, 64)], "fp32, 64x64 and 80x64, none", id="two-sizes-are-named"),
        pytest.param(
            [(64 + 8 * i, 64) for i in range(6)], "fp32, 6 sizes, none", id="many-are-counted"
        ),
    ],
)
def test_summary_names_every_size(sizes_wh, words, request_for, opened, capsys):
    assert fuse(request_for(*sizes_wh)) == 0
    err = capsys.readouterr().err
    assert words in err
    assert err.count("fake 1") == 1
    assert all(engine.closed for engine in opened)


def test_engines_that_differ_are_both_named(request_for, monkeypatch, capsys):
    def open_engine(name, model, size_wh, precision, **kwargs):
        engine = FakeEngine(size_wh)
        if size_wh == (80, 64):
            object.__setattr__(engine.info, "precision", "bf16")
        return engine

    monkeypatch.setattr(engine_choice, "open_engine", open_engine)
    assert fuse(request_for((64, 64), (80, 64))) == 0
    err = capsys.readouterr().err
    assert "none in fp32, 64x64, none" in err
    assert "none in bf16, 80x64, none" in err


def test_engine_that_fails_to_close_leaves_no_other_open(request_for, opened, monkeypatch):
    def close(engine):
        engine.closed += 1
        if engine.size_wh == (64, 64):
            raise EngineError("the GPU was lost")

    monkeypatch.setattr(FakeEngine, "close", close)
    with pytest.raises(EngineError, match="the GPU was lost"):
        fuse(request_for((64, 64), (80, 64), (96, 64)))
    assert [engine.closed for engine in opened] == [1, 1, 1]


def test_ctrl_c_while_an_engine_is_built_keeps_what_was_fused(
    request_for, monkeypatch, tmp_path, capsys
):
    def open_engine(name, model, size_wh, precision, *, stop, **kwargs):
        if size_wh == (64, 64):
            return FakeEngine(size_wh)
        press_ctrl_c()
        assert stop()
        raise Stopped("stopped while building")

    monkeypatch.setattr(engine_choice, "open_engine", open_engine)
    assert fuse(request_for((64, 64), (80, 64), (64, 64))) == 130
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0.png"]
    err = capsys.readouterr().err
    assert "1 of 3 fused" in err
    assert "stopped before the end" in err


def test_ctrl_c_ends_after_the_picture_under_way(request_for, monkeypatch, tmp_path):
    def open_engine(name, model, size_wh, precision, **kwargs):
        return FakeEngine(size_wh, lambda index: press_ctrl_c())

    monkeypatch.setattr(engine_choice, "open_engine", open_engine)
    assert fuse(request_for((64, 64), (64, 64))) == 130
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["0.png"]
