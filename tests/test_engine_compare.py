"""Comparing two engines: figures, verdict, sheet, and the words of the command line."""

from __future__ import annotations

import json
import subprocess
import sys

import cv2
import numpy as np
import pytest

from engines.errors import EngineError, UnknownNameError
from fusion_rt.commands import engine_compare
from fusion_rt.commands.engine_compare import CompareRequest, compare, enlarged_difference
from fusion_rt.commands.engine_spec import EngineSpec, parse_spec
from fusion_rt.errors import SourceError, UsageError

WH = (96, 80)
LITE = "onnxruntime:bts-lite:fp32"


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("openvino", EngineSpec("openvino", "bts", "auto")),
        ("openvino:bts-lite", EngineSpec("openvino", "bts-lite", "auto")),
        ("openvino:bts-lite:bf16", EngineSpec("openvino", "bts-lite", "bf16")),
        ("openvino::bf16", EngineSpec("openvino", "bts", "bf16")),
        ("tensorrt::int8", EngineSpec("tensorrt", "bts", "int8")),
        ("classical::", EngineSpec("classical", "bts", "auto")),
    ],
)
def test_engine_in_one_word(text, spec):
    assert parse_spec(text) == spec


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        pytest.param("", UsageError, "cannot read the engine ''", id="empty"),
        pytest.param(":bts", UsageError, "cannot read the engine ':bts'", id="no-engine"),
        pytest.param("a:b:c:d", UsageError, "cannot read the engine", id="four-parts"),
        pytest.param("openvinno", UnknownNameError, "unknown engine", id="engine"),
        pytest.param("openvino:bst", UnknownNameError, "unknown model", id="model"),
        pytest.param("openvino::fp23", UnknownNameError, "unknown precision", id="precision"),
        pytest.param("openvino::fp16", EngineError, "does not compute in fp16", id="not-its"),
    ],
)
def test_unclear_words_are_refused_with_a_remedy(text, error, message):
    with pytest.raises(error, match=message) as caught:
        parse_spec(text)
    assert caught.value.hint


def shown(capsys):
    return " ".join(capsys.readouterr().err.split())


def test_engine_against_itself(tmp_path, capsys):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    out = tmp_path / "new" / "figures.json"
    request = CompareRequest(LITE, LITE, WH, sheet=tmp_path / "sheet.png", json=out)
    assert compare(request) == 0
    text = shown(capsys)
    assert "PSNR equal on the worst of 4 pairs" in text
    assert "verdict the same picture; fp32 must reach at least 60 dB" in text
    data = json.loads(out.read_text())
    assert data["parity"]["psnr_db"] is None
    assert data["parity"]["worst"] == 0
    assert data["refused"] is None
    assert data["a"]["model"] == data["b"]["model"] == "bts-lite"
    ratio = data["speed"]["times_faster"]
    assert data["speed"]["rounds"] == engine_compare.ROUNDS
    assert ratio["min"] <= ratio["median"] <= ratio["max"]
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape[1] > 4 * WH[0]
    assert not sheet[80:110, -400:-80].any()  # the difference is black


def test_other_picture_fails_with_the_figures(capsys):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    assert compare(CompareRequest("classical", LITE, WH)) == 1
    text = shown(capsys)
    assert "verdict the picture is a wholly different one (" in text
    assert "A is " in text
    assert f"in {engine_compare.ROUNDS} rounds that took turns" in text


@pytest.fixture
def folders(tmp_path):
    """Three pairs of 96x80, their infrared and visible pictures."""
    rng = np.random.default_rng(3)
    for sensor in ("ir", "vis"):
        (tmp_path / sensor).mkdir()
        for index in range(3):
            shape = (80, 96) if sensor == "ir" else (80, 96, 3)
            picture = cv2.blur(rng.integers(0, 256, shape, np.uint8), (5, 5))
            assert cv2.imwrite(str(tmp_path / sensor / f"{index}.png"), picture)
    return tmp_path / "ir", tmp_path / "vis"


def test_own_pictures(folders, tmp_path):
    ir, vis = folders
    out = tmp_path / "figures.json"
    assert compare(CompareRequest("classical", "classical", None, ir, vis, json=out)) == 0
    data = json.loads(out.read_text())
    assert data["size"] == [96, 80]
    assert data["pictures"] == ["0", "1", "2"]


def test_one_picture_of_each_scaled(folders, tmp_path):
    ir, vis = folders
    out = tmp_path / "figures.json"
    request = CompareRequest("classical", "classical", (64, 70), ir / "1.png", vis / "2.png")
    assert compare(CompareRequest(**{**vars(request), "json": out})) == 0
    assert json.loads(out.read_text())["size"] == [64, 70]


def test_pictures_of_several_sizes_need_one(folders):
    ir, vis = folders
    cv2.imwrite(str(vis / "1.png"), np.zeros((64, 64, 3), np.uint8))
    with pytest.raises(SourceError, match=r"1\.png is 64x64, but .*0\.png is 96x80") as caught:
        compare(CompareRequest("classical", "classical", None, ir, vis))
    assert "--size" in caught.value.hint
    assert compare(CompareRequest("classical", "classical", WH, ir, vis)) == 0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        pytest.param({"vis": None}, UsageError, "only one of --ir and --vis", id="one-side"),
        pytest.param({"sheet": "s.jpg"}, UsageError, "does not end in .png", id="no-png"),
        pytest.param({"sheet": "vis/1.png"}, UsageError, "is an input", id="would-overwrite"),
        pytest.param({"size_wh": (63, 64)}, EngineError, "63x64 cannot be fused", id="size"),
        pytest.param({"vis": "gone"}, SourceError, "gone", id="missing-folder"),
    ],
)
def test_wrong_requests_are_refused_before_any_work(
    folders, tmp_path, monkeypatch, change, error, message
):
    monkeypatch.setattr(engine_compare, "open_engine", None)
    monkeypatch.chdir(tmp_path)
    ir, vis = folders
    paths = {
        key: tmp_path / value if isinstance(value, str) else value for key, value in change.items()
    }
    arguments = {"a": "classical", "b": "classical", "ir": ir, "vis": vis, **paths}
    with pytest.raises(error, match=message):
        compare(CompareRequest(**arguments))


def test_infrared_of_16_bit_is_refused(folders):
    ir, vis = folders
    cv2.imwrite(str(ir / "0.png"), np.full((80, 96), 9000, np.uint16))
    with pytest.raises(SourceError, match="has 16 bit"):
        compare(CompareRequest("classical", "classical", None, ir, vis))


def test_single_pixel_of_difference_survives_the_sheet():
    one = np.full((900, 1200, 3), 100, np.uint8)
    other = one.copy()
    other[500, 700] = (101, 100, 130)
    small = cv2.resize(enlarged_difference(one, other), (480, 360), interpolation=cv2.INTER_AREA)
    blue, green, red = small[200, 280].tolist()
    assert blue > 16 / 2
    assert green == 0
    assert red > 255 / 2
    assert not small[:195].any()


def test_command_prints_the_verdict_and_exits_with_it(tmp_path):
    command = [sys.executable, "-m", "fusion_rt", "engine", "compare"]
    done = subprocess.run(
        [*command, "classical", "classical", "--size", "64x64", "--json", tmp_path / "f.json"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "verdict" in done.stderr
    assert json.loads((tmp_path / "f.json").read_text())["size"] == [64, 64]
    done = subprocess.run([*command, "a:b:c:d", "classical"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "hint: write ENGINE[:MODEL[:PRECISION]]" in done.stderr
