"""Which pictures are measured, and how they are read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fusion_rt.errors import FusionError, SourceError, UsageError
from fusion_rt.quality.collection import Method, Scene, collect, parse_methods
from fusion_rt.quality.load import load_scene

WH = (48, 44)


def write(folder: Path, *names: str, picture: np.ndarray | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        pixels = np.zeros(WH[::-1], np.uint8) if picture is None else picture
        assert cv2.imwrite(str(folder / name), pixels)
    return folder


@pytest.fixture
def sources(tmp_path):
    return (
        write(tmp_path / "ir", "10.png", "2.png", "3.png", "heat.png"),
        write(tmp_path / "vis", "10.jpg", "2.png", "3.png"),
    )


def test_methods_are_named_by_the_user_or_by_their_folder(tmp_path, monkeypatch):
    write(tmp_path / "ours", "1.png")
    write(tmp_path / "a=b", "1.png")
    monkeypatch.chdir(tmp_path / "ours")
    texts = (f"mine={tmp_path}/x=1", str(tmp_path / "ours"), f"{tmp_path}/a=b", "../a=b/1.png")
    assert parse_methods(texts[:3]) == (
        Method("mine", tmp_path / "x=1"),
        Method("ours", tmp_path / "ours"),
        Method("a=b", tmp_path / "a=b"),
    )
    assert parse_methods((texts[3],)) == (Method("a=b", Path(texts[3])),)
    assert parse_methods((".",)) == (Method("ours", Path(".")),)


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (("=out",), "cannot read --fused '=out'"),
        (("ours=",), "cannot read --fused 'ours='"),
        (("",), "cannot read --fused ''"),
        (("one/fused", "two/fused"), "two methods are called 'one'|called 'fused'"),
        (("a=x", "a=y"), "two methods are called 'a'"),
    ],
)
def test_unclear_methods_are_refused(texts, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("one", "two"):
        (tmp_path / folder / "fused").mkdir(parents=True)
    with pytest.raises(UsageError, match=words) as error:
        parse_methods(texts)
    assert error.value.hint


def test_scenes_in_natural_order_and_what_is_left_aside(sources, tmp_path):
    ir, vis = sources
    fused = write(tmp_path / "fused", "10.png", "2.png")
    collection = collect(ir, vis, (Method("ours", fused),))
    assert collection.scenes == (
        Scene("2", ir / "2.png", vis / "2.png", (fused / "2.png",)),
        Scene("10", ir / "10.png", vis / "10.jpg", (fused / "10.png",)),
    )
    assert collection.notes == ("not fused: 3.png", "infrared only: heat.png")
    assert len(collection.files) == 6


def test_results_of_several_methods_come_in_their_order(sources, tmp_path):
    a, b = write(tmp_path / "a", "2.png"), write(tmp_path / "b", "2.bmp")
    collection = collect(*sources, (Method("b", b), Method("a", a)))
    assert collection.scenes[0].fused == (b / "2.bmp", a / "2.png")


def test_single_files_belong_together_whatever_their_names(tmp_path):
    ir, vis, one = (write(tmp_path, f"{name}.png") / f"{name}.png" for name in "abc")
    collection = collect(ir, vis, (Method("one", one), Method("two", one)))
    assert collection.scenes == (Scene("b", ir, vis, (one, one)),)
    assert collection.notes == ()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        pytest.param(["2.png", "77.png"], r"fused holds 77\.png, of which .* no pair", id="alien"),
        pytest.param(["heat.png"], r"holds heat\.png", id="infrared-alone"),
        pytest.param([], "fused holds no pictures", id="empty"),
        pytest.param(["2.png", "2.jpg"], r"holds both 2\.jpg and 2\.png", id="stem-twice"),
    ],
)
def test_results_that_do_not_match_are_refused(names, words, sources, tmp_path):
    fused = write(tmp_path / "fused", *names)
    with pytest.raises(SourceError, match=words) as error:
        collect(*sources, (Method("ours", fused),))
    assert error.value.hint


def test_methods_over_different_pictures_are_not_compared(sources, tmp_path):
    a, b = write(tmp_path / "a", "2.png", "3.png"), write(tmp_path / "b", "2.png")
    for methods in ((Method("a", a), Method("b", b)), (Method("b", b), Method("a", a))):
        with pytest.raises(SourceError, match=r"'b' lacks 3\.png, which 'a' has"):
            collect(*sources, methods)


def test_file_among_folders(sources, tmp_path):
    ir, vis = sources
    fused = write(tmp_path / "fused", "2.png")
    with pytest.raises(SourceError, match="is a folder, but"):
        collect(ir / "2.png", vis / "2.png", (Method("ours", fused),))
    assert len(collect(ir, vis, (Method("ours", fused / "2.png"),)).scenes) == 1


def test_loading_keeps_levels_and_takes_luma_of_colour(tmp_path):
    ir = np.tile(np.arange(WH[0], dtype=np.uint8), (WH[1], 1))
    vis = np.full((*ir.shape, 3), (255, 0, 0), np.uint8)
    red = np.full((*ir.shape, 3), (0, 0, 255), np.uint8)
    paths = [tmp_path / f"{name}.png" for name in ("ir", "vis", "grey", "red")]
    for path, picture in zip(paths, (ir, vis, ir, red), strict=True):
        assert cv2.imwrite(str(path), picture)
    pictures = load_scene(Scene("s", paths[0], paths[1], (paths[2], paths[3])))
    np.testing.assert_array_equal(pictures.ir, ir)
    np.testing.assert_array_equal(pictures.vis, vis)
    np.testing.assert_array_equal(pictures.vis_y, np.full_like(ir, 29))
    np.testing.assert_array_equal(pictures.fused_y(0), ir)
    np.testing.assert_array_equal(pictures.fused_y(1), np.full_like(ir, 76))
    assert pictures.notes == ()
    swapped = load_scene(Scene("s", paths[1], paths[0], (paths[2],)))
    assert "vis.png: colour picture as infrared" in swapped.notes[0]


@pytest.mark.parametrize(
    ("place", "picture", "words"),
    [
        pytest.param("fused", np.zeros((40, 48), np.uint8), r"fused\.png is 48x40.*48x44", id="f"),
        pytest.param("vis", np.zeros((44, 50), np.uint8), r"vis\.png is 50x44.*48x44", id="v"),
        pytest.param("ir", np.zeros((44, 48), np.uint16), r"ir\.png has 16 bit", id="16-bit"),
    ],
)
def test_pictures_that_cannot_be_compared_are_named(place, picture, words, tmp_path):
    paths = {name: write(tmp_path, f"{name}.png") / f"{name}.png" for name in ("ir", "vis")}
    paths["fused"] = write(tmp_path, "fused.png") / "fused.png"
    assert cv2.imwrite(str(paths[place]), picture)
    with pytest.raises(FusionError, match=words) as error:
        load_scene(Scene("s", paths["ir"], paths["vis"], (paths["fused"],)))
    assert "fuse --view ir" in error.value.hint
