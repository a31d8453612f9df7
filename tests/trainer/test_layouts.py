from __future__ import annotations

import pytest

from trainer.errors import DataError
from trainer.layouts import find_pairs


def fill(root, files):
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


@pytest.mark.parametrize(
    ("layout", "files", "pairs"),
    [
        pytest.param("plain", ["ir/a.png", "vis/a.jpg"], ["ir/a.png vis/a.jpg"], id="ir-vis"),
        pytest.param("plain", ["ir/a.png", "vi/a.png"], ["ir/a.png vi/a.png"], id="ir-vi"),
        pytest.param(
            "plain",
            ["Infrared/b.bmp", "Visible/b.bmp", "Infrared/a.bmp", "Visible/a.bmp"],
            ["Infrared/a.bmp Visible/a.bmp", "Infrared/b.bmp Visible/b.bmp"],
            id="long-names",
        ),
        pytest.param(
            "MSRS",
            [
                *("train/ir/1D.png", "train/vi/1D.png", "train/Segmentation_labels/1D.png"),
                *("test/ir/2D.png", "test/vi/2D.png"),
            ],
            ["train/ir/1D.png train/vi/1D.png"],
            id="MSRS-trains-on-its-training-part",
        ),
        pytest.param(
            "LLVIP",
            [
                *("infrared/train/01.jpg", "visible/train/01.jpg"),
                *("infrared/test/02.jpg", "visible/test/02.jpg", "Annotations/01.xml"),
            ],
            ["infrared/train/01.jpg visible/train/01.jpg"],
            id="LLVIP-trains-on-its-training-part",
        ),
        pytest.param(
            "M3FD",
            ["Ir/00000.png", "Vis/00000.png", "Annotation/00000.xml"],
            ["Ir/00000.png Vis/00000.png"],
            id="M3FD",
        ),
        pytest.param(
            "RoadScene",
            ["cropinfrared/F1.jpg", "crop_LR_visible/F1.jpg", "crop_HR_visible/F1.jpg"],
            ["cropinfrared/F1.jpg crop_LR_visible/F1.jpg"],
            id="RoadScene",
        ),
        pytest.param(
            "KAIST",
            [
                *("set00/V000/lwir/I0.jpg", "set00/V000/visible/I0.jpg"),
                *("set01/V002/lwir/I0.jpg", "set01/V002/visible/I0.jpg"),
                *("set06/V000/lwir/I0.jpg", "set06/V000/visible/I0.jpg"),
            ],
            [
                "set00/V000/lwir/I0.jpg set00/V000/visible/I0.jpg",
                "set01/V002/lwir/I0.jpg set01/V002/visible/I0.jpg",
            ],
            id="KAIST-trains-on-sets-0-to-5",
        ),
        pytest.param(
            "KAIST",
            ["V000/lwir/I0.jpg", "V000/visible/I0.jpg"],
            ["V000/lwir/I0.jpg V000/visible/I0.jpg"],
            id="one-set-of-KAIST",
        ),
        pytest.param(
            "plain",
            ["lwir/I0.jpg", "visible/I0.jpg"],
            ["lwir/I0.jpg visible/I0.jpg"],
            id="one-video-of-KAIST",
        ),
        pytest.param(
            "TNO",
            [
                *("Athena_images/lake/IR_lake_g.bmp", "Athena_images/lake/VIS_lake_r.bmp"),
                *("Athena_images/bunker/IR_Bunker.bmp", "Athena_images/bunker/EO_Bunker.bmp"),
                *("FEL_images/Duine/thermal/7404i.bmp", "FEL_images/Duine/visual/7404v.bmp"),
                *("DHV_images/Fire/part_1/thermal/RAD1.bmp", "DHV_images/Fire/part_1/dhv/DHV1.bmp"),
                *("tank/LWIR.tif", "tank/Vis.tif", "tank/NIR.tif"),
            ],
            [
                "Athena_images/bunker/IR_Bunker.bmp Athena_images/bunker/EO_Bunker.bmp",
                "Athena_images/lake/IR_lake_g.bmp Athena_images/lake/VIS_lake_r.bmp",
                "DHV_images/Fire/part_1/thermal/RAD1.bmp DHV_images/Fire/part_1/dhv/DHV1.bmp",
                "FEL_images/Duine/thermal/7404i.bmp FEL_images/Duine/visual/7404v.bmp",
                "tank/LWIR.tif tank/Vis.tif",
            ],
            id="TNO-tree",
        ),
        pytest.param(
            "TNO",
            ["IR1.png", "VIS1.png", "IR02.png", "VIS2.png"],
            ["IR1.png VIS1.png", "IR02.png VIS2.png"],
            id="TNO-copied-into-one-folder",
        ),
    ],
)
def test_layouts(tmp_path, layout, files, pairs):
    fill(tmp_path, files)
    found = find_pairs(tmp_path)
    assert found.layout == layout
    names = [[str(path.relative_to(tmp_path)) for path in pair] for pair in found.pairs]
    assert [" ".join(pair) for pair in names] == pairs


@pytest.mark.parametrize(
    ("files", "words"),
    [
        pytest.param(["ir/a.png"], "holds the folder ir and no pictures", id="no-visible"),
        pytest.param(["a.png", "b.png"], "holds no folders and 2 pictures", id="pictures-alone"),
        pytest.param(["x/y.txt", "a.png"], "the folder x and 1 picture$", id="one-of-each"),
        pytest.param(
            ["ir/a.png", "vis/b.png"],
            "no names match in .*: infrared only: ir/a.png; visible only: vis/b.png$",
            id="names-do-not-match",
        ),
        pytest.param(["ir/x.txt", "vis/b.png"], "match in .*: visible only: vis/b", id="one-side"),
        pytest.param(["ir/a.png", "ir/a.bmp", "vis/a.png"], "share a name", id="two-of-a-name"),
        pytest.param(["ir/a.txt", "vis/b.txt"], "there are no pictures in", id="no-pictures"),
        pytest.param(["ir/a.png", "vis/a.png", "vi/a.png"], "which are meant", id="two-visible"),
        pytest.param(
            [f"set00/V00{n}/{kind}/I.jpg" for n, kind in ((0, "lwir"), (1, "visible"))],
            "set00/V000 has but one of infrared and visible",
            id="half-a-KAIST-video",
        ),
        pytest.param(["IR1.png", "IR2.png", "VIS3.png"], "visible only: VIS3", id="TNO"),
    ],
)
def test_other_folders_are_refused_with_what_was_seen(tmp_path, files, words):
    fill(tmp_path, files)
    with pytest.raises(DataError, match=words) as caught:
        find_pairs(tmp_path)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("files", "pairs", "alone"),
    [
        pytest.param(["ir/a.png", "vis/a.png"], 1, "", id="none"),
        pytest.param(
            ["ir/a.png", "ir/b.png", "ir/c.png", "vis/a.jpg"],
            1,
            "infrared only: ir/b.png, ir/c.png",
            id="infrared",
        ),
        pytest.param(
            ["ir/a.png", "ir/b.png", "vis/a.png", "vis/d.png"],
            1,
            "infrared only: ir/b.png; visible only: vis/d.png",
            id="both-sides",
        ),
        pytest.param(
            [*(f"ir/{n:02}.png" for n in range(13)), "vis/00.png"],
            1,
            "infrared only: " + ", ".join(f"ir/{n:02}.png" for n in range(1, 11)) + " and 2 more",
            id="many",
        ),
        pytest.param(
            [f"V00{n}/{kind}/I0.jpg" for n in (0, 1) for kind in ("lwir", "visible")]
            + ["V001/lwir/I1.jpg"],
            2,
            "infrared only: V001/lwir/I1.jpg",
            id="KAIST",
        ),
        pytest.param(
            ["IR1.png", "IR2.png", "VIS1.png", "VIS3.png"],
            1,
            "infrared only: IR2.png; visible only: VIS3.png",
            id="TNO",
        ),
    ],
)
def test_pictures_without_partner_are_left_out_and_named(tmp_path, files, pairs, alone):
    fill(tmp_path, files)
    found = find_pairs(tmp_path)
    assert (len(found.pairs), found.alone) == (pairs, alone)


def test_hidden_files_are_no_pictures(tmp_path):
    """macOS leaves them on disks of other systems."""
    fill(tmp_path, ["ir/a.png", "ir/._a.png", "vis/a.png", "vis/._b.png"])
    assert [pair.ir.name for pair in find_pairs(tmp_path).pairs] == ["a.png"]


def test_folder_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="nowhere is not a folder") as caught:
        find_pairs(tmp_path / "nowhere")
    assert "KAIST" in caught.value.hint
