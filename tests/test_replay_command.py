"""`fusion_rt.commands.replay` in this process, with stand-ins for the engine."""

from __future__ import annotations

import json
import threading

import cv2
import numpy as np
import pytest
from fakes import FakeEngine, press_ctrl_c

from engines.errors import EngineError, Stopped
from fusion_rt import engine_choice, fuse
from fusion_rt.commands.replay import Film, ReplayRequest, replay
from fusion_rt.config import load_settings

WH = (64, 64)


@pytest.fixture
def request_for(tmp_path):
    """A request for a recording of so many pairs, with a film and a report."""

    def made(count, *overrides):
        uris = []
        for name, shape in (("ir", WH), ("vis", (*WH, 3))):
            (tmp_path / name).mkdir()
            for index in range(count):
                path = tmp_path / name / f"{index:04}.png"
                assert cv2.imwrite(str(path), np.full(shape, index % 256, np.uint8))
            uris.append(f"{tmp_path / name}?fps=30")
        return ReplayRequest(
            *uris,
            rig=None,
            settings=load_settings(None, list(overrides)),
            films=(Film(tmp_path / "out" / "f.mp4", "fused"),),
            report=tmp_path / "out" / "r.json",
        )

    return made


def wait_until(stop):
    """What a library does that asks now and then whether to give up."""
    pause = threading.Event()
    for _ in range(3000):
        if stop():
            raise Stopped("stopped while building")
        pause.wait(0.01)
    raise EngineError("nobody stopped it")


def test_ctrl_c_while_the_engine_is_built_ends_in_order(request_for, monkeypatch, tmp_path, capsys):
    def build(*args, stop, **kwargs):
        press_ctrl_c()
        wait_until(stop)

    monkeypatch.setattr(engine_choice, "open_engine", build)
    done = replay(request_for(3))
    assert done.exit_code == 130
    report = json.loads((tmp_path / "out" / "r.json").read_text())
    assert report["stopped_by_user"]
    assert report["engine"] is None
    assert report["frames"]["fused"] == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["r.json"]
    assert "stopped before the end" in capsys.readouterr().err


def test_ctrl_c_during_the_preview_keeps_what_it_fused(request_for, monkeypatch, tmp_path, capsys):
    def prepare(*args, stop, **kwargs):
        wait_until(stop)

    def opened(name, *args, **kwargs):
        def on_fuse(index):
            if index == 2:
                press_ctrl_c()
            if index > 2:
                threading.Event().wait(0.01)

        return FakeEngine(WH, on_fuse)

    monkeypatch.setattr(fuse, "_PREVIEW_AFTER_S", 0.0)
    monkeypatch.setattr(engine_choice, "open_engine", opened)
    monkeypatch.setattr(engine_choice, "prepare_engine", prepare)
    done = replay(request_for(200, "engine.preview=classical"))
    assert done.exit_code == 130
    report = json.loads((tmp_path / "out" / "r.json").read_text())
    assert 0 < report["frames"]["fused"] <= report["previewed"]["pairs"] < 200
    assert report["previewed"]["engine"] == "fake"
    assert (tmp_path / "out" / "f.mp4").exists()
    err = capsys.readouterr().err
    assert "showing classical until the engine is ready" in err
    assert f"{report['previewed']['pairs']} pairs by fake, while the engine was prepared" in err


def test_notes_of_the_engine_reach_the_report_and_the_table(
    request_for, monkeypatch, tmp_path, capsys
):
    def opened(*args, **kwargs):
        engine = FakeEngine(WH)
        object.__setattr__(engine.info, "notes", ("pairs are launched one by one",))
        return engine

    monkeypatch.setattr(engine_choice, "open_engine", opened)
    done = replay(request_for(3))
    report = json.loads((tmp_path / "out" / "r.json").read_text())
    assert done.exit_code == 0
    assert report["engine"]["notes"] == ["pairs are launched one by one"]
    assert report["previewed"] is None
    assert "note: pairs are launched one by one" in capsys.readouterr().err
