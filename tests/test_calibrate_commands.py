"""``fusion-rt calibrate`` detect, solve, check and show: files, words, exit codes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from rendered_pairs import render, small_pair, write_pairs
from typer.testing import CliRunner

from calibration.points_file import load_points
from calibration.rig_file import load_rig
from calibration.solve import Scene, registration_error, simulate
from calibration.targets.rendering import pose
from calibration.views import PairView
from fusion_rt.cli import app

PAIR = small_pair(0.4)
BOARD = ("--board", "9x6", "--square", "60")
COUNT = 14


def calibrate(*arguments):
    return CliRunner().invoke(app, ["calibrate", *map(str, arguments)])


def words(done) -> str:
    """All that was said, in one line, as lines are wrapped."""
    return " ".join(done.output.split())


def error_lines(done) -> list[str]:
    return [line for line in done.output.splitlines() if line.startswith(("error:", "hint:"))]


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    """Folders ir and vis, and what they show."""
    folder = tmp_path_factory.mktemp("board")
    return folder, write_pairs(folder, PAIR, COUNT, seed=11)


@pytest.fixture(scope="module")
def detected(shot):
    folder, _ = shot
    done = calibrate(
        *("detect", "--ir", folder / "ir", "--vis", folder / "vis", *BOARD),
        *("--out", folder / "points.yaml", "--sheet", folder / "sheet.png"),
    )
    return folder, done


@pytest.fixture(scope="module")
def solved(detected):
    folder, _ = detected
    return folder, calibrate("solve", folder / "points.yaml", "--out", folder / "rig.yaml")


def copied(shot, tmp_path) -> Path:
    for name in ("ir", "vis"):
        shutil.copytree(shot[0] / name, tmp_path / name)
    return tmp_path


def detect(folder: Path, *more):
    return calibrate(
        *("detect", "--ir", folder / "ir", "--vis", folder / "vis"),
        *("--out", folder / "points.yaml", *BOARD, *more),
    )


def test_detect_finds_all_points_in_one_order(detected, shot):
    folder, done = detected
    assert done.exit_code == 0, done.output
    assert f"{COUNT}, board in both pictures of {COUNT}" in words(done)
    points = load_points(folder / "points.yaml")
    assert (points.ir_wh, points.vis_wh) == (PAIR.ir.size_wh, PAIR.vis.size_wh)
    for view, truth in zip(points.views, shot[1], strict=True):
        # The infrared sees the board in the other polarity: the order must agree all the same.
        assert np.nanmax(np.abs(view.points.ir - truth.ir_px)) < 0.6
        assert np.nanmax(np.abs(view.points.vis - truth.vis_px)) < 0.6
        assert (folder / view.ir_file.path).is_file()
        assert len(view.vis_file.sha256) == 64
    assert cv2.imread(str(folder / "sheet.png")) is not None


def test_solve_writes_rig_and_report(solved):
    folder, done = solved
    assert done.exit_code == 0, done.output
    rig = load_rig(folder / "rig.yaml")
    assert registration_error(PAIR, rig.pair, 2.0) < 0.5
    assert rig.facts["quality"]["verdict"] in done.output
    page = (folder / "rig.html").read_text(encoding="utf-8")
    assert rig.facts["quality"]["verdict"] in page
    assert page.count("infrared laid over visible") == 3


def test_changed_picture_is_not_shown(shot, detected, tmp_path):
    folder = copied(shot, tmp_path)
    shutil.copy(detected[0] / "points.yaml", folder / "points.yaml")
    for path in (folder / "ir").iterdir():
        assert cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[::-1])
    done = calibrate("solve", folder / "points.yaml", "--out", folder / "rig.yaml")
    assert done.exit_code == 0, done.output
    assert "has changed since its points were found" in (folder / "rig.html").read_text("utf-8")


def test_solve_without_report_keeps_distance_and_clock(detected, tmp_path):
    done = calibrate(
        *("solve", detected[0] / "points.yaml", "--out", tmp_path / "rig.yaml", "--no-report"),
        *("--distance", "inf", "--ir-offset", "12.5"),
    )
    assert done.exit_code == 0, done.output
    assert not (tmp_path / "rig.html").exists()
    rig = load_rig(tmp_path / "rig.yaml")
    assert rig.distance_m == np.inf
    assert rig.ir_offset_ms == 12.5


def test_wrong_square_shows_against_a_ruler(detected, tmp_path):
    text = (detected[0] / "points.yaml").read_text().replace("spacing_mm: 60", "spacing_mm: 75")
    (tmp_path / "points.yaml").write_text(text)
    done = calibrate(
        *("solve", tmp_path / "points.yaml", "--out", tmp_path / "rig.yaml", "--no-report"),
        *("--baseline", "50"),
    )
    assert done.exit_code == 1
    assert "measure 5.0 cm: the board's spacing is rather" in words(done)


def test_check_measures_other_pairs(solved, tmp_path):
    folder, _ = solved
    done = calibrate(
        *("check", folder / "rig.yaml", folder / "points.yaml"),
        *("--picture", tmp_path / "check.png", "--json", tmp_path / "check.json"),
    )
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "check.json").read_text())
    assert len(told["pairs"]) == COUNT
    assert 0 < told["rms"] < 0.5
    assert f"{told['rms']:.2f} px RMS" in done.output
    assert cv2.imread(str(tmp_path / "check.png")) is not None


def test_check_sees_a_rig_that_is_off(solved, tmp_path):
    folder, _ = solved
    text = (folder / "rig.yaml").read_text()
    rig = load_rig(folder / "rig.yaml")
    moved = f"{rig.pair.vis.K[0, 2] + 4:.10g}"
    (tmp_path / "rig.yaml").write_text(text.replace(f"{rig.pair.vis.K[0, 2]:.10g}", moved))
    done = calibrate(
        *("check", tmp_path / "rig.yaml", folder / "points.yaml", "--json", tmp_path / "c.json")
    )
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "c.json").read_text())["rms"] > 1


def test_check_of_a_homography(shot, detected, tmp_path):
    H, _ = cv2.findHomography(shot[1][0].ir_px, shot[1][0].vis_px)
    rows = "".join(f"  - [{', '.join(f'{n:.10g}' for n in row)}]\n" for row in H)
    (tmp_path / "rig.yaml").write_text(
        f"rig: 2\nir: {{size: {list(PAIR.ir.size_wh)}}}\nvis: {{size: {list(PAIR.vis.size_wh)}}}\n"
        f"H_vis_ir:\n{rows}"
    )
    done = calibrate(
        *(
            "check",
            tmp_path / "rig.yaml",
            detected[0] / "points.yaml",
            "--json",
            tmp_path / "c.json",
        )
    )
    assert done.exit_code == 0, done.output
    by_name = {
        pair["name"]: pair["rms"] for pair in json.loads((tmp_path / "c.json").read_text())["pairs"]
    }
    assert by_name["0000"] < 1 < max(by_name.values())  # right for the pose it was made of alone


def test_show_tells_the_bands_and_lays_pictures(solved, tmp_path):
    folder, _ = solved
    done = calibrate(
        *("show", folder / "rig.yaml", "--ir", folder / "ir/0000.png"),
        *("--vis", folder / "vis/0000.png", "--distance", "1.2", "--out", tmp_path / "o.png"),
    )
    assert done.exit_code == 0, done.output
    said = words(done)
    # f B: 500 px and 5 cm make 25 px for each 1/m.
    assert "matched at 5 m: 4.1" in said
    assert "matched at infinity: 25" in said
    assert load_rig(folder / "rig.yaml").facts["quality"]["verdict"] in said
    assert cv2.imread(str(tmp_path / "o.png")).shape[1::-1] == PAIR.vis.size_wh


def test_show_of_a_homography(tmp_path):
    (tmp_path / "rig.yaml").write_text(
        "rig: 1\nir: {size: [64, 48]}\nvis: {size: [64, 48]}\nH_vis_ir: identity\n"
    )
    done = calibrate("show", tmp_path / "rig.yaml")
    assert done.exit_code == 0, done.output
    assert "the pictures lie on each other" in words(done)


# --- bad input: one line of what, one of remedy ------------------------------------------------


@pytest.mark.parametrize(
    ("board", "message"),
    [
        pytest.param("8x6", "looks the same turned", id="both-even"),
        pytest.param("9x7", "looks the same turned", id="both-odd"),
        pytest.param("9", "cannot read the board '9'", id="one-number"),
        pytest.param("9x2", "cannot be used", id="too-few-rows"),
    ],
)
def test_boards_that_cannot_be_used_are_refused(shot, tmp_path, board, message):
    folder = shot[0]
    done = calibrate(
        *("detect", "--ir", folder / "ir", "--vis", folder / "vis", "--board", board),
        *("--square", "60", "--out", tmp_path / "points.yaml"),
    )
    assert done.exit_code == 2
    assert message in error_lines(done)[0]
    assert len(error_lines(done)) == 2
    assert not (tmp_path / "points.yaml").exists()


@pytest.mark.parametrize("square", ["0.06", "0", "-60", "nan", "inf", "60000"])
def test_squares_that_are_not_in_millimetres_are_refused(shot, tmp_path, square):
    done = calibrate(
        *("detect", "--ir", shot[0] / "ir", "--vis", shot[0] / "vis", "--board", "9x6"),
        *("--square", square, "--out", tmp_path / "points.yaml"),
    )
    assert done.exit_code == 2
    assert "mm cannot be" in error_lines(done)[0]
    assert "in mm, not in metres" in error_lines(done)[1]


@pytest.mark.parametrize("baseline", ["0.05", "-50", "nan", "inf"])
def test_lenses_whose_distance_is_not_in_millimetres_are_refused(detected, tmp_path, baseline):
    done = calibrate(
        *("solve", detected[0] / "points.yaml", "--out", tmp_path / "rig.yaml", "--no-report"),
        *("--baseline", baseline),
    )
    assert done.exit_code == 2
    assert "--baseline is in mm" in error_lines(done)[1]


def test_mixed_sizes_are_refused(shot, tmp_path):
    folder = copied(shot, tmp_path)
    path = folder / "vis" / "0004.png"
    assert cv2.imwrite(str(path), cv2.resize(cv2.imread(str(path)), (320, 256)))
    done = detect(folder)
    assert done.exit_code == 1
    assert "0004.png is 320x256, but 0000.png is 512x410" in error_lines(done)[0]


def test_unreadable_picture_is_left_out_and_told(shot, tmp_path):
    folder = copied(shot, tmp_path)
    path = folder / "ir" / "0002.png"
    path.write_bytes(path.read_bytes()[:500])
    (folder / "vis" / "0005.png").unlink()
    for number in range(6, COUNT):
        for name in ("ir", "vis"):
            (folder / name / f"{number:04d}.png").unlink()
    done = detect(folder)
    assert done.exit_code == 1
    assert "left out:" in done.output
    assert "0002.png cannot be read as a picture" in words(done)
    assert "left out, as it has no partner: 0005.png" in done.output
    assert len(load_points(folder / "points.yaml").views) == 4


def test_pictures_without_board_are_told(tmp_path):
    for name, shape in (("ir", (80, 96)), ("vis", (80, 96, 3))):
        (tmp_path / name).mkdir()
        assert cv2.imwrite(str(tmp_path / name / "1.png"), np.full(shape, 90, np.uint8))
    done = detect(tmp_path)
    assert done.exit_code == 1
    assert "no pair shows a board of 9x6 points to both cameras" in error_lines(done)[0]


def test_folders_without_a_common_name(tmp_path):
    for name, stem in (("ir", "a"), ("vis", "b")):
        (tmp_path / name).mkdir()
        assert cv2.imwrite(str(tmp_path / name / f"{stem}.png"), np.zeros((9, 9), np.uint8))
    done = detect(tmp_path)
    assert done.exit_code == 1
    assert "has the name of one in" in error_lines(done)[0]


def written_points(path: Path, views: list[PairView]) -> Path:
    from calibration.points_file import Points, SeenView, points_text

    points = Points(Scene.standard().board, (640, 512), (1280, 1024), tuple(map(SeenView, views)))
    path.write_text(points_text(points))
    return path


def test_too_few_views_are_told(tmp_path):
    points = written_points(tmp_path / "p.yaml", simulate(Scene.standard(), 2, seed=1))
    done = calibrate("solve", points, "--out", tmp_path / "rig.yaml")
    assert done.exit_code == 1
    assert len(error_lines(done)) == 2
    assert not (tmp_path / "rig.yaml").exists()


def test_parallel_views_are_told(tmp_path):
    views, scene = [], Scene.standard()
    for index in range(12):
        T = pose(scene.board, (0.02 * index - 0.1, 0.01, 1.0 + 0.02 * index), (0, 0, 0))
        P = scene.board.points() @ T[:3, :3].T + T[:3, 3]
        Q = P @ scene.pair.T_vis_ir[:3, :3].T + scene.pair.T_vis_ir[:3, 3]
        views.append(PairView(f"{index}", scene.pair.ir.project(P), scene.pair.vis.project(Q)))
    points = written_points(tmp_path / "p.yaml", views)
    done = calibrate("solve", points, "--out", tmp_path / "rig.yaml", "--no-report")
    assert done.exit_code == 1
    assert "parallel" in words(done) or "tilt" in words(done)


def test_rig_of_another_size_is_refused(solved, tmp_path):
    points = written_points(tmp_path / "p.yaml", simulate(Scene.standard(), 2, seed=1))
    done = calibrate("check", solved[0] / "rig.yaml", points)
    assert done.exit_code == 2
    assert (
        "is for infrared pictures of 256x205, but the points are of 640x512" in error_lines(done)[0]
    )


def test_overlay_of_another_size_is_refused(solved, tmp_path):
    other = tmp_path / "ir.png"
    assert cv2.imwrite(str(other), np.zeros((48, 64), np.uint8))
    done = calibrate(
        *("show", solved[0] / "rig.yaml", "--ir", other, "--vis", solved[0] / "vis/0000.png"),
        *("--out", tmp_path / "o.png"),
    )
    assert done.exit_code == 2
    assert "but the rig was made for 256x205" in error_lines(done)[0]


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("show", "RIG", "--ir", "IR"), id="overlay-by-halves"),
        pytest.param(("show", "RIG", "--distance", "3"), id="distance-without-overlay"),
        pytest.param(("solve", "POINTS", "--no-report", "--report", "R"), id="report-and-none"),
        pytest.param(("solve", "POINTS", "--out", "POINTS"), id="rig-over-its-points"),
        pytest.param(("solve", "POINTS", "--report", "x.pdf"), id="report-of-unknown-kind"),
        pytest.param(("check", "RIG", "POINTS", "--json", "RIG"), id="figures-over-the-rig"),
        pytest.param(("check", "POINTS", "POINTS"), id="points-for-a-rig"),
        pytest.param(("solve", "RIG"), id="rig-for-points"),
    ],
)
def test_wrong_usage_is_told(solved, tmp_path, arguments):
    places = {
        "RIG": solved[0] / "rig.yaml",
        "POINTS": solved[0] / "points.yaml",
        "IR": solved[0] / "ir/0000.png",
        "R": tmp_path / "r.html",
        "x.pdf": tmp_path / "x.pdf",
    }
    before = {path: path.read_bytes() for path in (places["RIG"], places["POINTS"])}
    done = calibrate(*(places.get(argument, argument) for argument in arguments))
    assert done.exit_code == 2
    assert len(error_lines(done)) == 2
    assert {path: path.read_bytes() for path in before} == before


def test_rendered_pairs_show_the_board_in_the_other_polarity():
    shown = render(
        PAIR, pose(Scene.standard().board, (0, 0, 1.0), (0, 0, 0)), np.random.default_rng(0)
    )
    x, y = np.rint(shown.vis_px[0]).astype(int)
    assert shown.vis[y - 10, x - 10].mean() < shown.vis[y - 10, x + 10].mean()
    x, y = np.rint(shown.ir_px[0]).astype(int)
    assert shown.ir[y - 6, x - 6] > shown.ir[y - 6, x + 6]
