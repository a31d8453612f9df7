"""Files of a model: one for each precision, with and without the warp."""

from __future__ import annotations

import pytest

from engines import models
from engines.contract import FILE_PRECISIONS, model_file
from engines.errors import EngineError, UnknownNameError
from engines.models import ModelFile, find_model, find_variant, shipped_models

NAMES = [
    ("fp32", False, ""),
    ("fp32", True, "-grid"),
    ("fp16", False, "-fp16"),
    ("fp16", True, "-grid-fp16"),
    ("int8", False, "-int8"),
    ("int8", True, "-grid-int8"),
]


@pytest.mark.parametrize(("precision", "grid", "end"), NAMES)
def test_names_of_files(precision, grid, end):
    assert model_file("bts-lite", precision=precision, grid=grid) == f"bts-lite{end}.onnx"


@pytest.mark.parametrize(("precision", "grid", "end"), NAMES)
@pytest.mark.parametrize("name", shipped_models())
def test_shipped_models_are_there_in_all(name, precision, grid, end):
    found = find_variant(find_model(name), precision=precision, grid=grid)
    assert found.name == name
    assert found.path == models.MODELS_DIR / f"{name}{end}.onnx"


def test_shipped_names_are_those_of_models_not_of_files(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "MODELS_DIR", tmp_path)
    for stem in ("mine", "other-lite"):
        for precision in FILE_PRECISIONS:
            for grid in (False, True):
                (tmp_path / model_file(stem, precision=precision, grid=grid)).touch()
    assert shipped_models() == ["mine", "other-lite"]


@pytest.mark.parametrize(("precision", "grid", "end"), NAMES[1:])
def test_file_that_is_missing(tmp_path, precision, grid, end):
    path = tmp_path / "mine.onnx"
    path.touch()
    mine = find_model(str(path))
    assert find_variant(mine) == mine
    wanted = tmp_path / f"mine{end}.onnx"
    with pytest.raises(EngineError, match=rf"mine has no file .*mine{end}\.onnx") as caught:
        find_variant(mine, precision=precision, grid=grid)
    command = caught.value.hint.partition("fusion-rt export CHECKPOINT ")[2].split()
    assert command[0] == str(wanted)
    assert command[1:3] == ["--precision", precision]
    assert ("--variant grid" in caught.value.hint) == grid
    assert ("--calibration PAIRS" in caught.value.hint) == (precision == "int8")
    wanted.touch()
    assert find_variant(mine, precision=precision, grid=grid) == ModelFile("mine", wanted)


def test_checkpoint_is_told_from_a_model(tmp_path):
    path = tmp_path / "model.pt"
    path.touch()
    with pytest.raises(EngineError, match=r"model\.pt is a checkpoint of the trainer") as caught:
        find_model(str(path))
    assert caught.value.hint.endswith(f"fusion-rt export {path} mine.onnx")


def test_precision_that_no_file_has():
    with pytest.raises(UnknownNameError, match="'bf16'") as caught:
        find_variant(find_model("bts"), precision="bf16")
    assert "fp32, fp16, int8" in caught.value.hint


def test_own_file_is_not_called_like_a_shipped_model(tmp_path):
    shipped = find_model("bts")
    assert find_model(str(shipped.path)) == shipped
    for name, expected in (("bts.onnx", "bts.onnx"), ("mine.onnx", "mine")):
        (tmp_path / name).write_bytes(b"")
        assert find_model(str(tmp_path / name)).name == expected
