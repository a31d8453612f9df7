"""`fusion-rt offset`: what it tells of a recorded pair, as JSON too, and what it refuses."""

from __future__ import annotations

import json
import re
import shlex

import cv2
import numpy as np
import pytest
from shaken import Camera, Path, seen, shake, still, textured
from typer.testing import CliRunner

from fusion_rt.cli import app
from fusion_rt.clock_offset.estimate import OffsetState
from fusion_rt.commands import offset
from fusion_rt.commands.offset import OffsetRequest, tell_offset
from fusion_rt.config import load_settings
from fusion_rt.errors import PipelineError, SourceError, UsageError

FPS = 15
SCENE = textured(np.random.default_rng(0), (320, 260))
PATH = shake(np.random.default_rng(8))
# A folder's first picture stands at time 0: taken 0.6 frames later, the infrared clock is behind.
OFFSET_MS = -0.6 / FPS * 1000


def record(folder, path: Path, phase: float = 0.0, picture: np.ndarray = SCENE, seconds: float = 9):
    """A folder of pictures of a camera that moves along the path; its URI."""
    folder.mkdir()
    camera = Camera(FPS, phase=phase)
    rng = np.random.default_rng(len(folder.name))  # each camera has its own noise
    for frame in seen(picture, path, camera, rng, seconds, wh=(192, 144)):
        assert cv2.imwrite(str(folder / f"{frame.seq:04}.png"), frame.image)
    return f"{folder}?fps={FPS}"


@pytest.fixture(scope="module")
def shaken_pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("a shaken pair")
    return (
        record(folder / "ir", PATH, phase=0.6, picture=255 - SCENE),
        record(folder / "vis", PATH, picture=cv2.merge([SCENE] * 3)),
    )


def test_the_offset_in_words_and_how_to_use_it(shaken_pair, capsys):
    state = tell_offset(OffsetRequest(*shaken_pair))
    assert state.offset_ms == pytest.approx(OFFSET_MS, abs=2)
    out, words = capsys.readouterr()
    assert out == ""
    assert "the infrared clock is behind the visible one" in words
    assert "following the motion" in words
    use = shlex.split(re.search(r"use it: (.*)", words)[1])
    assert use[:6] == ["fusion-rt", "replay", "--ir", shaken_pair[0], "--vis", shaken_pair[1]]
    option, value = use[6].split("=")
    assert option == "--ir-offset-ms"
    settings = load_settings(None, [f"pairing.ir_offset_ms={value}"])
    assert settings.pairing.ir_offset_ms == pytest.approx(state.offset_ms, abs=0.05)


def test_as_json(shaken_pair):
    done = CliRunner().invoke(
        app, ["offset", "--ir", shaken_pair[0], "--vis", shaken_pair[1], "--json"]
    )
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert told["sure"]
    assert told["ir_offset_ms"] == pytest.approx(OFFSET_MS, abs=2)
    assert 0 < told["plus_minus_ms"] < 5
    assert told["correlation"] > 0.9
    assert told["at_s"] == pytest.approx(4.5, abs=0.3)
    assert (told["ir"], told["vis"]) == shaken_pair


@pytest.mark.parametrize(
    ("ir_path", "vis_path", "seconds", "why"),
    [
        pytest.param(still, still, 9, "both pictures stand still", id="nothing-moves"),
        pytest.param(still, PATH, 9, "the infrared picture stands still", id="one-moves"),
        pytest.param(PATH, PATH, 3, "less than 4 s", id="too-short"),
    ],
)
def test_refused_where_nothing_can_be_told(tmp_path, capsys, ir_path, vis_path, seconds, why):
    request = OffsetRequest(
        record(tmp_path / "ir", ir_path, seconds=seconds),
        record(tmp_path / "vis", vis_path, seconds=seconds),
        as_json=True,
    )
    with pytest.raises(PipelineError, match=f"the clock offset is unknown: .*{why}") as refused:
        tell_offset(request)
    assert "shake both cameras" in refused.value.hint
    told = json.loads(capsys.readouterr().out)
    assert not told["sure"]
    assert told["ir_offset_ms"] is None
    assert why in told["why"]


def test_a_recording_that_breaks_off_counts_as_far_as_it_goes(tmp_path, capsys):
    ir = record(tmp_path / "ir", PATH, phase=0.6)
    vis = record(tmp_path / "vis", PATH)
    last = sorted((tmp_path / "ir").iterdir())[-1]
    last.write_bytes(last.read_bytes()[:200])
    assert tell_offset(OffsetRequest(ir, vis)).offset_ms == pytest.approx(OFFSET_MS, abs=2)
    assert "what comes before it counts" in capsys.readouterr().err


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"nowhere\.mp4"):
        tell_offset(OffsetRequest(str(tmp_path / "nowhere.mp4"), "synthetic:"))
    with pytest.raises(UsageError, match="is a live camera"):
        tell_offset(OffsetRequest("rtsp://host/ir", "synthetic:"))


@pytest.mark.parametrize(("ppm", "warned"), [(-1000.0, True), (40.0, False)])
def test_a_rate_is_told_with_what_it_does_to_a_fixed_offset(
    shaken_pair, capsys, monkeypatch, ppm, warned
):
    """Nine seconds tell no rate, and minutes of pictures would take long."""
    known = OffsetState(120.0, 1.5, ppm=ppm, ppm_plus_minus=4.0, sure=True, why="much motion")
    monkeypatch.setattr(offset, "offset_of_motion", lambda ir, vis: known)
    tell_offset(OffsetRequest(*shaken_pair))
    words = capsys.readouterr().err
    assert "+120.0 ms (±1.5): the infrared clock is ahead of the visible one" in words
    assert f"{ppm:+.1f} ppm (±4.0)" in words
    assert ("4 ms less or more at the ends" in words) == warned


def test_replay_takes_the_offset(shaken_pair, tmp_path):
    """With 1 s too much the pairs are those of pictures 1 s apart, and as many fewer."""
    report = tmp_path / "r.json"
    done = CliRunner().invoke(
        app,
        [
            *("replay", "--ir", shaken_pair[0], "--vis", shaken_pair[1], "--engine", "classical"),
            *("--ir-offset-ms", "1000", "--report", str(report), "--no-window"),
        ],
    )
    assert done.exit_code == 0, done.stderr
    assert json.loads(report.read_text())["frames"]["fused"] == 8 * FPS
