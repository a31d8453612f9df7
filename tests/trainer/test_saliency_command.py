from __future__ import annotations

import inspect

import cv2
import numpy as np
import pytest
from training_data import write_pairs, write_picture
from typer.testing import CliRunner

from fusion_rt import cli
from fusion_rt.cli import app
from fusion_rt.commands.saliency import FULL_SCALE, SaliencyRequest, saliency
from fusion_rt.commands.saliency_panel import saliency_panel
from fusion_rt.errors import SourceError, UsageError
from trainer.distributed import World
from trainer.errors import DataError
from trainer.loading import Loader
from trainer.saliency_cache import SaliencyCache
from trainer.screen import Screen
from trainer.settings import TrainSettings


def scene(seed: int = 0, shape: tuple[int, int] = (24, 32)) -> np.ndarray:
    ir = np.random.default_rng(seed).integers(40, 60, shape, np.uint8)
    ir[8:16, 12:18] = 230
    return ir


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "ir"
    folder.mkdir()
    for name, seed in (("b2", 1), ("b10", 2)):
        cv2.imwrite(str(folder / f"{name}.png"), scene(seed))
    return folder


def run(ir, out, method="projection", panel=False, cache=None) -> int:
    return saliency(SaliencyRequest(str(ir), out, method, panel, cache))


def read(path) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert picture is not None, path
    return picture


@pytest.mark.parametrize("method", ["whole", "projection"])
def test_warm_object_is_light_in_the_written_picture(folder, tmp_path, method):
    assert run(folder, tmp_path / "out", method) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b10.png", "b2.png"]
    picture = read(tmp_path / "out" / "b2.png")
    assert picture.shape == (24, 32)
    assert picture.dtype == np.uint16
    assert picture[9:15, 13:17].min() > 2.5 * picture[:6].max()


def test_written_levels_are_those_of_the_map(folder, tmp_path):
    cache = tmp_path / "maps"
    run(folder, tmp_path / "out", "whole", cache=cache)
    assert len(list(cache.iterdir())) == 2
    expected = SaliencyCache(cache).get(scene(1))
    found = read(tmp_path / "out" / "b2.png") / 65535 * FULL_SCALE
    np.testing.assert_allclose(found, expected.clip(0, FULL_SCALE), atol=1e-5)


def test_maps_of_the_cache_are_used(folder, tmp_path, monkeypatch):
    cache = tmp_path / "maps"
    computed = []

    def note(plane):
        computed.append(plane)
        return plane / 2

    monkeypatch.setattr("trainer.saliency_cache.saliency", note)
    for out in ("once", "again"):
        assert run(folder, tmp_path / out, "whole", cache=cache) == 0
    assert len(computed) == 2
    first, second = (read(tmp_path / out / "b2.png") for out in ("once", "again"))
    np.testing.assert_array_equal(first, second)


def test_filter_is_that_of_a_training_on_these_pictures(tmp_path, monkeypatch):
    """Names of which the natural order is another than that of their letters."""
    folder, cache = write_pairs(tmp_path / "data", 1), tmp_path / "maps"
    for number in range(12):
        for kind in ("ir", "vis"):
            write_picture(folder / kind / f"p{number}.png", scene(number, (112, 120)))
    for kind in ("ir", "vis"):
        (folder / kind / "0.png").unlink()
    for module in ("trainer.loading", "trainer.salience"):
        monkeypatch.setattr(f"{module}.FILTER_PICTURES", 5)
    assert run(folder / "ir", tmp_path / "out", cache=cache) == 0
    (learned,) = cache.iterdir()
    settings = TrainSettings(data=[folder], cache=cache)
    Loader(settings, World(), Screen(shown=False), lambda: False).load()
    assert list(cache.iterdir()) == [learned]


def test_learning_shows_how_far_it_is(folder, tmp_path, capsys):
    run(folder, tmp_path / "out")
    assert "learning from" in capsys.readouterr().err


def test_default_is_the_way_of_training():
    default = inspect.signature(cli.saliency).parameters["method"].default
    assert default == TrainSettings().saliency


def test_panels_go_to_a_folder_of_their_own(folder, tmp_path):
    run(folder, tmp_path / "out", panel=True)
    panel = read(tmp_path / "out" / "panel" / "b10.png")
    assert panel.ndim == 3
    assert panel.shape[1] > 3 * 200
    assert not (panel[..., 0] == panel[..., 2]).all()  # the mask is in colour


def test_panel_shows_picture_saliency_and_mask():
    ir = scene(shape=(300, 240))
    mask = np.zeros(ir.shape, np.float32)
    mask[100:200, 80:160] = 1
    panel = saliency_panel(ir, ir / np.float32(510), mask)
    first, second, third = (panel[:300, left : left + 240] for left in (0, 244, 488))
    np.testing.assert_array_equal(first, np.repeat(ir[..., None], 3, axis=2))
    assert second[12, 15].astype(int).sum() > second[100, 100].astype(int).sum() + 200
    unmarked = mask == 0
    np.testing.assert_array_equal(third[unmarked], first[unmarked])
    marked = third[~unmarked].astype(int)
    assert (marked[:, 2] > marked[:, 0] + 60).all()  # BGR: orange


def test_black_picture_has_a_panel_too():
    black = np.zeros((20, 30), np.uint8)
    assert saliency_panel(black, black.astype(np.float32), black.astype(np.float32)).max() > 100


def test_16_bit_pictures_are_gained_first(tmp_path):
    path = tmp_path / "ir" / "raw.png"
    path.parent.mkdir()
    cv2.imwrite(str(path), 29000 + 10 * scene().astype(np.uint16))
    assert run(path, tmp_path / "out") == 0
    picture = read(tmp_path / "out" / "raw.png")
    assert picture[9:15, 13:17].min() > 2.5 * picture[:6].max()


def test_what_cannot_be_read_is_left_out_by_name(folder, tmp_path, capsys):
    (folder / "b3.png").write_bytes(b"no picture")
    cv2.imwrite(str(folder / "b4.png"), np.zeros((5, 30), np.uint8))
    assert run(folder, tmp_path / "out") == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["b10.png", "b2.png"]
    said = capsys.readouterr().err
    assert "b3.png cannot be read" in said
    assert "b4.png: a picture of 30x5 is too small for patches" in said


@pytest.mark.parametrize(
    ("prepare", "error", "what"),
    [
        pytest.param(lambda ir: ir.with_name("none"), SourceError, "does not exist", id="missing"),
        pytest.param(lambda ir: _only(ir, b""), SourceError, "the file is empty", id="empty-file"),
        pytest.param(lambda ir: _only(ir, _tiny()), DataError, "no pictures", id="too-small"),
    ],
)
def test_single_picture_that_will_not_do_ends_the_run(folder, tmp_path, prepare, error, what):
    with pytest.raises(error, match=what) as caught:
        run(prepare(folder), tmp_path / "out")
    assert caught.value.hint


def _only(folder, content: bytes):
    path = folder / "only.png"
    path.write_bytes(content)
    return path


def _tiny() -> bytes:
    return cv2.imencode(".png", np.zeros((4, 4), np.uint8))[1].tobytes()


def test_results_never_replace_the_input(folder):
    before = sorted(path.read_bytes() for path in folder.iterdir())
    for out in (folder, folder / ".." / "ir"):
        with pytest.raises(UsageError, match="holds the input"):
            run(folder, out)
    assert sorted(path.read_bytes() for path in folder.iterdir()) == before


def test_results_never_replace_each_other(folder, tmp_path):
    cv2.imwrite(str(folder / "b2.bmp"), scene(3))
    with pytest.raises(UsageError, match=r"would both become b2\.png"):
        run(folder, tmp_path / "out")


def test_out_is_a_folder(folder, tmp_path):
    with pytest.raises(UsageError, match="names a picture"):
        run(folder, tmp_path / "out.png")


def test_command_line(folder, tmp_path):
    arguments = ["saliency", "--ir", str(folder / "b2.png"), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*arguments, "--method", "projection", "--no-panel"])
    assert done.exit_code == 0, done.output
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b2.png"]
    refused = CliRunner().invoke(app, [*arguments, "--method", "guess"])
    assert refused.exit_code == 2
