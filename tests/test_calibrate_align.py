"""``fusion-rt calibrate align``: points from a file, clicked, or matched; and what is refused."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from calibration.rig import apply_homography
from calibration.rig_file import load_rig
from fusion_rt.boards import point_window
from fusion_rt.cli import app
from fusion_rt.commands import calibrate_align as command

IR_WH, VIS_WH = (160, 120), (400, 300)
H = np.array([[1.7, 0.02, 60.0], [-0.02, 1.7, 45.0], [0.0, 0.0, 1.0]])
PLACES = np.array([(12, 9), (140, 15), (133, 108), (20, 100), (80, 60), (60, 30)], np.float64)


def align(folder, *arguments):
    places = ("--ir", folder / "ir.png", "--vis", folder / "vis.png", "--out", folder / "rig.yaml")
    return CliRunner().invoke(app, ["calibrate", "align", *map(str, (*places, *arguments))])


def error_lines(done) -> list[str]:
    return [line for line in done.output.splitlines() if line.startswith(("error:", "hint:"))]


@pytest.fixture
def folder(tmp_path):
    """A visible picture full of edges, and the same in the infrared, turned into its negative."""
    rng = np.random.default_rng(2)
    vis = np.full((VIS_WH[1], VIS_WH[0]), 90, np.uint8)
    for _ in range(60):
        x, y = (int(rng.integers(0, side)) for side in VIS_WH)
        corner = (x + int(rng.integers(15, 70)), y + int(rng.integers(15, 70)))
        cv2.rectangle(vis, (x, y), corner, int(rng.integers(20, 240)), -1)
    seen = cv2.warpPerspective(vis, H, IR_WH, flags=cv2.INTER_AREA | cv2.WARP_INVERSE_MAP)
    ir = 30_000 - 4 * seen.astype(np.int32) + rng.integers(-6, 7, seen.shape)
    assert cv2.imwrite(str(tmp_path / "ir.png"), ir.astype(np.uint16))
    assert cv2.imwrite(str(tmp_path / "vis.png"), cv2.cvtColor(vis, cv2.COLOR_GRAY2BGR))
    return tmp_path


def listed(ir_px, vis_px) -> str:
    return "".join(
        f"{a:.3f}, {b:.3f}; {x:.3f} {y:.3f}\n" for (a, b), (x, y) in zip(ir_px, vis_px, strict=True)
    )


def write_points(folder, text):
    (folder / "points.txt").write_text(text)
    return "--points", folder / "points.txt"


def test_points_of_a_file_make_a_rig(folder):
    text = "# ir x, ir y, vis x, vis y\n\n" + listed(PLACES, apply_homography(H, PLACES))
    done = align(
        folder, *write_points(folder, text), "--distance", "8", "--overlay", folder / "o.png"
    )
    assert done.exit_code == 0, done.output
    assert "homography from 6 points, which it misses by 0.00 visible px" in done.output
    rig = load_rig(folder / "rig.yaml")
    np.testing.assert_allclose(rig.H_vis_ir, H, atol=1e-3)
    assert (rig.ir_wh, rig.vis_wh, rig.distance_m) == (IR_WH, VIS_WH, 8.0)
    overlay = cv2.imread(str(folder / "o.png"))
    assert overlay.shape[1::-1] == VIS_WH


def test_a_wrong_point_is_named_and_left_out(folder):
    vis_px = apply_homography(H, PLACES)
    vis_px[2] += (40, -25)
    done = align(folder, *write_points(folder, listed(PLACES, vis_px)))
    assert done.exit_code == 0, done.output
    assert "note: point 3 is off by 47 px and left out" in done.output
    np.testing.assert_allclose(load_rig(folder / "rig.yaml").H_vis_ir, H, atol=1e-2)


def test_two_points_make_a_similarity(folder):
    text = listed(PLACES[[0, 2]], apply_homography(H, PLACES[[0, 2]]))
    done = align(folder, *write_points(folder, text), "--kind", "similarity", "--distance", "inf")
    assert done.exit_code == 0, done.output
    rig = load_rig(folder / "rig.yaml")
    np.testing.assert_allclose(
        apply_homography(rig.H_vis_ir, PLACES), apply_homography(H, PLACES), atol=0.01
    )
    assert rig.distance_m == np.inf


def test_pictures_are_matched_by_themselves(folder):
    done = align(folder, "--auto")
    assert done.exit_code == 0, done.output
    found = load_rig(folder / "rig.yaml").H_vis_ir
    off = apply_homography(found, PLACES) - apply_homography(H, PLACES)
    assert np.hypot(*off.T).max() < 2.5
    assert "visible px" in done.output


def test_pictures_without_anything_in_common_are_refused(folder):
    noise = np.random.default_rng(0).integers(0, 255, IR_WH[::-1]).astype(np.uint8)
    assert cv2.imwrite(str(folder / "ir.png"), noise)
    done = align(folder, "--auto")
    assert done.exit_code == 1
    assert len(error_lines(done)) == 2
    assert not (folder / "rig.yaml").exists()


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        pytest.param("1, 2, 3\n", 2, "line 1 is no point", id="three-numbers"),
        pytest.param("1, 2, 3, 4\n5, 6, x, 8\n", 2, "line 2 is no point", id="a-letter"),
        pytest.param("1, 2, 3, nan\n", 2, "line 1 is no point", id="not-finite"),
        pytest.param("", 1, "0 points are too few", id="empty"),
        pytest.param("1,2,3,4\n50,60,70,80\n9,70,40,90\n", 1, "3 points are too few", id="three"),
        pytest.param(listed(PLACES * 10, PLACES), 1, "outside the infrared picture", id="outside"),
        pytest.param(
            listed(PLACES * (1, 0) + (0, 50), PLACES), 1, "on one line", id="all-on-a-line"
        ),
    ],
)
def test_points_that_make_no_rig_are_refused(folder, text, code, message):
    done = align(folder, *write_points(folder, text))
    assert done.exit_code == code
    assert message in error_lines(done)[0]
    assert len(error_lines(done)) == 2
    assert not (folder / "rig.yaml").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--auto", "--points", "points.txt"), id="two-ways"),
        pytest.param(("--points", "none.txt"), id="no-such-file"),
        pytest.param(("--auto", "--overlay", "o.gif"), id="overlay-of-unknown-kind"),
    ],
)
def test_wrong_usage_is_refused(folder, arguments):
    done = align(folder, *arguments)
    assert done.exit_code == 2
    assert len(error_lines(done)) == 2


def test_distance_must_be_a_number(folder):
    done = align(folder, "--auto", "--distance", "nan")
    assert done.exit_code == 2
    assert "--distance" in done.output
    assert not (folder / "rig.yaml").exists()


def test_rig_does_not_replace_a_picture(folder):
    before = (folder / "ir.png").read_bytes()
    done = align(folder, "--auto", "--out", folder / "ir.png")
    assert done.exit_code == 2
    assert (folder / "ir.png").read_bytes() == before


def test_without_display_clicking_is_refused_in_words(folder, monkeypatch):
    monkeypatch.setattr("fusion_rt.sinks.window.probe_display", lambda: "no display: none here")
    done = align(folder)
    assert done.exit_code == 1
    assert "cannot open a window: no display" in error_lines(done)[0]


class Person:
    """Stands in for the window: clicks, then presses a key."""

    def __init__(self, clicks, key):
        self.clicks = list(clicks)
        self.key = key
        self.stop_asked = False
        self.shown = []

    def __call__(self, title, size_wh):
        self.size_wh = size_wh
        return self

    def write(self, picture, captured_ns):
        assert picture.shape[1::-1] == self.size_wh
        self.shown.append(picture)

    def poll(self):
        self.stop_asked = self.key == "q"
        return self.key

    def close(self):
        self.closed = True


class _Clicks(list):
    def popleft(self):
        return self.pop(0)


def click(places) -> _Clicks:
    """Clicks on these places, infrared then visible, in px of the window."""
    height = point_window._HEIGHT
    split = round(IR_WH[0] * height / IR_WH[1]) + 8
    made = _Clicks()
    for ir, vis in zip(places, apply_homography(H, places), strict=True):
        for (x, y), wh, left in ((ir, IR_WH, 0), (vis, VIS_WH, split)):
            scale = height / wh[1]
            made.append(
                (round((x + 0.5) * scale - 0.5) + left, round((y + 0.5) * scale - 0.5), True)
            )
    return made


def test_clicked_points_make_a_rig(folder, monkeypatch):
    person = Person([], "s")
    person.clicks = click(PLACES)
    monkeypatch.setattr(point_window, "PointWindow", person)
    done = align(folder)
    assert done.exit_code == 0, done.output
    off = apply_homography(load_rig(folder / "rig.yaml").H_vis_ir, PLACES) - apply_homography(
        H, PLACES
    )
    assert np.hypot(*off.T).max() < 0.7  # the window's own pixels
    assert person.closed


def test_giving_up_is_told(folder, monkeypatch):
    person = Person([], "q")
    person.clicks = click(PLACES[:2])
    monkeypatch.setattr(point_window, "PointWindow", person)
    done = align(folder)
    assert done.exit_code == 2
    assert "given up after 2 points" in error_lines(done)[0]
    assert person.closed


def test_point_list_reads_all_separators(tmp_path):
    (tmp_path / "p.txt").write_text("1,2,3,4 # door\n 5;6;7;8\n9 10\t11 12\n")
    ir_px, vis_px = command.read_point_list(tmp_path / "p.txt")
    np.testing.assert_array_equal(ir_px, [(1, 2), (5, 6), (9, 10)])
    np.testing.assert_array_equal(vis_px, [(3, 4), (7, 8), (11, 12)])
