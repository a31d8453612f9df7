"""``evaluate --video`` and ``step-response`` on recordings: names, files, words, exit codes."""

from __future__ import annotations

import csv
import json
import sys
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from clips import temporal_figures
from typer.testing import CliRunner

from engines.errors import BackendUnavailable
from fusion_rt.cli import app
from fusion_rt.commands.evaluate_video import VideoRequest, evaluate_video
from fusion_rt.errors import SourceError, UsageError
from fusion_rt.quality.temporal import FIGURES
from fusion_rt.quality.temporal_clips import Clips, parse_clips

WH = (96, 80)
FRAMES = 5


def noisy(seed, color=False):
    noise = np.random.default_rng(seed)
    planes = [
        np.clip(np.rint(120 + 2 * noise.standard_normal(WH[::-1])), 0, 255).astype(np.uint8)
        for _ in range(FRAMES)
    ]
    return [cv2.cvtColor(plane, cv2.COLOR_GRAY2BGR) if color else plane for plane in planes]


IR, VIS = noisy(1), noisy(2, color=True)


def write_pictures(folder, pictures):
    folder.mkdir(parents=True)
    for index, picture in enumerate(pictures):
        assert cv2.imwrite(str(folder / f"{index:04d}.png"), picture)
    return folder


def write_film(path, pictures):
    """Lossless, so that the film holds exactly these pictures."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(25))
        stream.width, stream.height = WH
        stream.pix_fmt = "bgr0"
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture
def scene(tmp_path):
    """Folders ir, vis and ours; ours is the visible recording."""
    for name, pictures in (("ir", IR), ("vis", VIS), ("ours", VIS)):
        write_pictures(tmp_path / name, pictures)
    return tmp_path


def request(scene, *fused, **files):
    outputs = {"csv": None, "json": None, "chart": None, **files}
    return VideoRequest(str(scene / "ir"), str(scene / "vis"), tuple(map(str, fused)), **outputs)


@pytest.mark.parametrize(
    ("text", "name", "uri"),
    [
        pytest.param("out/fused.mp4", "fused", "out/fused.mp4", id="file"),
        pytest.param("ours=out/fused.mp4", "ours", "out/fused.mp4", id="named-file"),
        pytest.param("out/stills/", "stills", "out/stills/", id="folder"),
        pytest.param("out/stills/?fps=30", "stills", "out/stills/?fps=30", id="option-is-no-name"),
        pytest.param("a b=out/?fps=30", "a b", "out/?fps=30", id="named-with-option"),
        pytest.param("best=out/f_*.png", "best", "out/f_*.png", id="named-glob"),
    ],
)
def test_fused_recordings_are_named(text, name, uri):
    assert parse_clips((text,)) == {name: uri}


@pytest.mark.parametrize(
    "texts",
    [
        pytest.param(("a=1.mp4", "a=2.mp4"), id="one-name-twice"),
        pytest.param(("visible=1.mp4",), id="name-of-a-source"),
        pytest.param(("=1.mp4",), id="no-name"),
        pytest.param(("ours=",), id="no-uri"),
    ],
)
def test_unclear_names_are_refused(texts):
    with pytest.raises(UsageError, match="--fused"):
        parse_clips(texts)


def test_folders_globs_and_films_give_the_same_figures(scene):
    film = write_film(scene / "film.mkv", VIS)
    figures = evaluate_video(request(scene, scene / "ours", f"glob={scene}/ours/*.png", film))
    assert list(figures) == ["ours", "glob", "film"]
    assert figures["ours"] == temporal_figures(IR, VIS, VIS)
    assert figures["glob"] == figures["film"] == figures["ours"]


def test_files_hold_the_figures_and_the_levels(scene):
    flat = [np.full_like(picture, 50 + 3 * (i % 2)) for i, picture in enumerate(VIS)]
    write_pictures(scene / "flat", flat)
    files = {"csv": scene / "o" / "v.csv", "json": scene / "o" / "v.json"}
    figures = evaluate_video(request(scene, scene / "ours", scene / "flat", **files))
    with files["csv"].open(newline="") as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["ours", "flat"]
    for figure in FIGURES:
        expected = figures["flat"][figure.key]
        assert float(rows["flat"][figure.key]) == pytest.approx(expected, rel=1e-5)
    data = json.loads(files["json"].read_text())
    assert data["methods"] == figures
    assert data["levels"]["fused"]["flat"] == pytest.approx([50, 53, 50, 53, 50])
    assert len(data["levels"]["ir"]) == len(data["levels"]["vis"]) == FRAMES


def test_what_is_not_defined_is_null_and_an_empty_cell(tmp_path):
    for name in ("ir", "vis", "ours"):
        write_pictures(tmp_path / name, [picture * 0 for picture in VIS])
    files = {"csv": tmp_path / "v.csv", "json": tmp_path / "v.json"}
    evaluate_video(request(tmp_path, tmp_path / "ours", **files))
    assert json.loads(files["json"].read_text())["methods"]["ours"]["still_ratio"] is None
    assert files["csv"].read_text().splitlines()[1].startswith("ours,,0,0,1,0,0,,0,0,1,")


@pytest.mark.parametrize(
    ("name", "pictures", "words"),
    [
        pytest.param("ours", VIS[:3], "ours has 3 frames, but .*ir has 5", id="shorter"),
        pytest.param("ours", [p[:-2] for p in VIS], "ours is 96x78, but .*ir is 96x80", id="size"),
        pytest.param("ir", [p.astype(np.uint16) for p in IR], "ir has 16 bit", id="16-bit"),
    ],
)
def test_recordings_that_do_not_fit_are_refused(scene, name, pictures, words):
    for path in (scene / name).iterdir():
        path.unlink()
    (scene / name).rmdir()
    write_pictures(scene / name, pictures)
    with pytest.raises(SourceError, match=words) as caught:
        evaluate_video(request(scene, scene / "ours"))
    assert caught.value.hint


def test_a_film_that_does_not_tell_its_length_and_ends_early_is_refused(scene):
    film = write_film(scene / "short.mkv", VIS[:4])
    words = r"short\.mkv ends after 4 frames, but .*ir goes on"
    with (
        Clips(str(scene / "ir"), str(scene / "vis"), {"short": str(film)}) as clips,
        pytest.raises(SourceError, match=words),
    ):
        list(clips)


def test_a_coloured_infrared_is_noted_and_a_missing_frame_rate_is_not(scene):
    colour = write_pictures(scene / "colour", [np.dstack([p, p // 2, p]) for p in IR])
    with Clips(str(colour), str(scene / "vis"), {"ours": str(scene / "ours")}) as clips:
        assert [note.split(":")[0] for note in clips.notes] == ["colour picture as infrared"]


def test_an_input_is_not_replaced(scene):
    film = write_film(scene / "film.mkv", VIS)
    with pytest.raises(UsageError, match="is an input"):
        evaluate_video(request(scene, film, json=film))


def test_chart_of_the_levels_is_a_picture(scene):
    pytest.importorskip("matplotlib")
    evaluate_video(request(scene, scene / "ours", chart=scene / "o" / "v.png"))
    chart = cv2.imread(str(scene / "o" / "v.png"))
    assert chart.shape[0] > 400
    assert chart.std() > 5


def test_chart_without_its_package_is_refused_before_the_work(scene, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(BackendUnavailable) as caught:
        evaluate_video(request(scene, scene / "ours", chart=scene / "v.png"))
    assert "fusion-rt[plots]" in caught.value.hint


def test_command_line_measures_video(scene):
    base = ["evaluate", "--video", "--ir", f"{scene}/ir", "--vis", f"{scene}/vis"]
    base += ["--fused", f"{scene}/ours"]
    done = CliRunner().invoke(app, [*base, "--json", f"{scene}/v.json"])
    assert done.exit_code == 0, done.output
    assert json.loads((scene / "v.json").read_text())["methods"]["ours"]["frames"] == FRAMES
    assert CliRunner().invoke(app, [*base, "--sheet", f"{scene}/s.png"]).exit_code == 2


def test_command_line_measures_the_step_response(tmp_path):
    out = tmp_path / "s.json"
    arguments = ["step-response", "--engine", "classical", "--size", "160x120", "--json", str(out)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    data = json.loads(out.read_text())
    assert data["engine"]["name"] == "classical"
    assert data["settled_frames"] == 0
    assert data["patch"] > 200
