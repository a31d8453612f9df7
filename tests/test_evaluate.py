"""``fusion-rt evaluate`` on files: what it prints and writes, its exit codes and its words."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from fusion_rt.cli import app
from fusion_rt.quality.figures import FIGURES, figures

WH = (72, 66)


def fusion_rt(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write(folder: Path, name: str, picture: np.ndarray) -> Path:
    folder.mkdir(exist_ok=True)
    assert cv2.imwrite(str(folder / name), picture)
    return folder / name


def rough(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, WH[::-1]).astype(np.uint8)


@pytest.fixture
def scene(tmp_path):
    """Folders ir, vis, maximum and average with 3 pictures each; the visible one is colour."""
    for index in range(3):
        ir, grey = rough(index), rough(index + 10)
        name = f"{index}.png"
        write(tmp_path / "ir", name, ir)
        write(tmp_path / "vis", name, cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
        write(tmp_path / "maximum", name, np.maximum(ir, grey))
        write(tmp_path / "average", name, cv2.addWeighted(ir, 0.5, grey, 0.5, 0))
    return tmp_path


def sources(scene):
    return ("evaluate", "--ir", scene / "ir", "--vis", scene / "vis")


def written(scene) -> list[str]:
    inputs = ("ir", "vis", "maximum", "average")
    files = (path.relative_to(scene) for path in scene.rglob("*") if path.is_file())
    return sorted(str(path) for path in files if path.parts[0] not in inputs)


def test_from_fuse_to_figures(scene):
    done = fusion_rt(
        *("fuse", "--ir", scene / "ir", "--vis", scene / "vis", "--out", scene / "ours"),
        *("--engine", "classical"),
    )
    assert done.exit_code == 0, done.output
    done = fusion_rt(*sources(scene), "--fused", scene / "ours", "--csv", scene / "out" / "f.csv")
    assert done.exit_code == 0, done.output
    assert "mean and standard deviation over 3 pictures" in done.output
    assert "MS-SSIM is not defined for 3 of them, 0 for one" in done.output
    with (scene / "out" / "f.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [(line["method"], line["picture"]) for line in lines] == [
        ("ours", name) for name in ("0", "1", "2", "mean")
    ]
    fused = cv2.imread(str(scene / "ours" / "1.png"), cv2.IMREAD_UNCHANGED)
    expected = figures(rough(1), rough(11), fused)
    for figure in FIGURES:
        if figure.name == "MS-SSIM":
            assert {line["MS-SSIM"] for line in lines} == {""}
            continue
        values = [float(line[figure.name]) for line in lines]
        assert values[1] == pytest.approx(expected[figure.name], abs=1e-6)
        assert values[3] == pytest.approx(sum(values[:3]) / 3, abs=1e-5)


def test_several_methods_in_one_table_and_all_files(scene):
    out = scene / "out"
    done = fusion_rt(
        *(*sources(scene), "--fused", scene / "maximum", "--fused", f"mean={scene / 'average'}"),
        *("--csv", out / "f.csv", "--json", out / "f.json"),
        *("--sheet", out / "sheet.jpg", "--chart", out / "chart.png"),
    )
    assert done.exit_code == 0, done.output
    assert written(scene) == ["out/chart.png", "out/f.csv", "out/f.json", "out/sheet.jpg"]
    assert done.stdout == ""  # words are for people
    table = {line.split()[0]: line.split()[1:] for line in done.stderr.splitlines() if line.strip()}
    data = json.loads((out / "f.json").read_text())
    assert list(data["methods"]) == ["maximum", "mean"]
    for name, arrow in (("MI", "↑"), ("halo", "↓"), ("SD", "↑"), ("AG", "↑")):
        first, second = (data["methods"][method]["mean"][name] for method in ("maximum", "mean"))
        assert table[name][0] == arrow
        assert [cell.rstrip("*") for cell in table[name][1:]] == [f"{first:.3f}", f"{second:.3f}"]
    assert table["SD"][1].endswith("*") != table["SD"][2].endswith("*")
    assert table["MI"][1].endswith("*")  # each pixel of the maximum tells all of one source
    sheet = cv2.imread(str(out / "sheet.jpg"))
    assert sheet.shape[0] > 3 * 400
    assert 4 * 400 < sheet.shape[1] <= 2400
    assert cv2.imread(str(out / "chart.png")).size


def test_single_files_and_sources_left_over(scene):
    one = fusion_rt(
        *("evaluate", "--ir", scene / "ir" / "0.png", "--vis", scene / "vis" / "0.png"),
        *("--fused", f"x={scene / 'maximum' / '0.png'}"),
    )
    assert one.exit_code == 0, one.output
    assert "over 1 picture\n" in one.output
    (scene / "maximum" / "1.png").unlink()
    done = fusion_rt(*sources(scene), "--fused", scene / "maximum")
    assert done.exit_code == 0, done.output
    assert "note: not fused: 1.png" in done.output


def test_colour_results_are_measured_by_their_luma(scene):
    for index in range(3):
        ir, grey = rough(index), rough(index + 10)
        write(scene / "colour", f"{index}.png", np.dstack([np.maximum(ir, grey)] * 3))
    done = fusion_rt(
        *(*sources(scene), "--fused", scene / "maximum", "--fused", scene / "colour"),
        *("--json", scene / "f.json"),
    )
    assert done.exit_code == 0, done.output
    methods = json.loads((scene / "f.json").read_text())["methods"]
    assert methods["maximum"] == methods["colour"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["--csv", "{}/ir/0.png"], 2, "0.png is an input", id="csv-over-input"),
        pytest.param(["--sheet", "{}/average/s.png"], 2, "would lie among", id="sheet-among"),
        pytest.param(["--chart", "{}/vis/c.png"], 2, "would lie among", id="chart-among"),
        pytest.param(["--sheet", "{}/s.gif"], 2, "does not end in .png or .jpg", id="gif"),
        pytest.param(["--chart", "{}/c.jpg"], 2, "does not end in .png", id="chart-jpg"),
        pytest.param(
            ["--sheet", "{}/s.png", "--chart", "{}/s.png"], 2, "two outputs", id="two-as-one"
        ),
        pytest.param(["--fused", "{}/average"], 2, "called 'average'", id="method-twice"),
        pytest.param(["--fused", "{}/nowhere"], 1, "nowhere does not exist", id="missing"),
        pytest.param(["--csv", "{}/ir"], 1, "folder of that name", id="csv-is-a-folder"),
    ],
)
def test_refusals_leave_nothing_behind(arguments, code, words, scene):
    before = [path.read_bytes() for path in sorted(scene.rglob("*.png"))]
    done = fusion_rt(
        *(*sources(scene), "--fused", scene / "average"),
        *(argument.format(scene) for argument in arguments),
    )
    assert done.exit_code == code, done.output
    assert words in done.output
    assert "hint:" in done.output
    assert "measuring" not in done.output
    assert written(scene) == []
    assert [path.read_bytes() for path in sorted(scene.rglob("*.png"))] == before


def test_bad_pictures_are_named(scene):
    write(scene / "average", "2.png", rough(1)[:-3])
    done = fusion_rt(*sources(scene), "--fused", scene / "average", "--csv", scene / "f.csv")
    assert done.exit_code == 1
    assert "average/2.png is 72x63, but" in done.output
    assert written(scene) == []
    for folder in ("ir", "vis", "average"):
        write(scene / folder, "2.png", rough(1)[:40, :40])
    done = fusion_rt(*sources(scene), "--fused", scene / "average")
    assert done.exit_code == 1
    assert "2: the pictures are 40x40, but figures need at least 41 px a side" in done.output


def test_chart_without_matplotlib_tells_how_to_get_it(scene, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    run = (*sources(scene), "--fused", scene / "average", "--csv", scene / "f.csv")
    done = fusion_rt(*run, "--chart", scene / "c.png")
    assert done.exit_code == 1
    assert "'matplotlib.figure' does not load" in done.output
    assert "pip install 'fusion-rt[plots]'" in done.output
    assert written(scene) == []
    assert fusion_rt(*run).exit_code == 0
