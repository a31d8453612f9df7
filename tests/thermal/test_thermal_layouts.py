"""Layouts: the shipped ones, a user's own, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusion_rt.errors import SourceError, UsageError
from fusion_rt.thermal import layout
from fusion_rt.thermal.layout import known_layouts, load_layout

OWN = """\
title: my camera
pixel_format: Y16
telemetry: lepton
kelvin_per_count: 0.1
variants:
  - {frame_wh: [80, 63], picture: [0, 0, 80, 60], telemetry_rows: [60, 3]}
"""


def test_the_usual_cameras_are_known():
    assert set(known_layouts()) >= {
        "boson",
        "lepton",
        "purethermal",
        "infiray-p2-pro",
        "topdon-tc001",
        "seek-compact",
        "seek-compact-pro",
        "y16",
    }


@pytest.mark.parametrize("name", known_layouts())
def test_every_shipped_layout_is_sound(name):
    found = load_layout(name)
    assert found.name == name
    assert found.title
    for variant in found.variants:
        width, height = variant.frame_wh
        picture = variant.picture or (0, 0, width, height)
        if variant.telemetry_rows is not None:
            first, count = variant.telemetry_rows
            rows = set(range(picture[1], picture[1] + picture[3]))
            assert not rows & set(range(first, first + count)), "telemetry within the picture"
    assert len(set(found.sizes_wh)) == len(found.sizes_wh)


def test_a_layout_of_ones_own(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(OWN)
    found = load_layout(str(path))
    assert found.sizes_wh == ((80, 63),)
    assert found.radiometry is not None
    assert found.radiometry.celsius(2932) == pytest.approx(20.05)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("title: my camera\n", "", "title", id="no-title"),
        pytest.param("Y16", "MJPG", "pixel_format is 'MJPG'", id="compressed"),
        pytest.param("[0, 0, 80, 60]", "[0, 4, 80, 60]", "beyond the frame of 80x63", id="crop"),
        pytest.param("[60, 3]", "[61, 3]", "beyond the frame of 80x63", id="rows"),
        pytest.param("telemetry: lepton", "", "the name of their reader", id="no-reader"),
        pytest.param("lepton", "leptom", "telemetry is 'leptom'", id="unknown-reader"),
        pytest.param(", telemetry_rows: [60, 3]", "", "needs a variant", id="reader-without-rows"),
        pytest.param("kelvin_per_count", "kelvin_per_cuont", "unknown key", id="misspelt-key"),
        pytest.param("0.1", "-0.1", "greater than 0", id="negative-scale"),
    ],
)
def test_refusals_name_the_file_and_the_key(tmp_path, old, new, message):
    path = tmp_path / "mine.yaml"
    path.write_text(OWN.replace(old, new))
    with pytest.raises(UsageError, match=r"mine\.yaml") as caught:
        load_layout(str(path))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        pytest.param("bosn", "no layout 'bosn'", "did you mean boson?", id="misspelt"),
        pytest.param("mars-rover", "no layout 'mars-rover'", "known: boson,", id="unknown"),
        pytest.param("gone.yaml", "cannot read configuration gone.yaml", "name", id="no-file"),
    ],
)
def test_a_name_that_is_none(name, message, hint):
    with pytest.raises(UsageError) as caught:
        load_layout(name)
    assert message in str(caught.value)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("name", "frame_wh", "message", "hint"),
    [
        pytest.param(
            "infiray-p2-pro",
            (256, 192),
            "this camera sends 256x192, the layout infiray-p2-pro wants 256x384",
            "set size=256x384, or choose y16",
            id="display-half-alone",
        ),
        pytest.param(
            "lepton-header",
            (256, 384),
            "this camera sends 256x384, the layout lepton-header wants 160x122 or 80x63",
            "set size=160x122, or choose infiray-p2-pro or topdon-tc001 or y16",
            id="another-camera",
        ),
    ],
)
def test_a_wrong_size_is_one_clear_line(name, frame_wh, message, hint):
    with pytest.raises(SourceError) as caught:
        load_layout(name).variant(frame_wh)
    assert str(caught.value) == message
    assert caught.value.hint == hint


def test_shipped_layouts_are_package_data():
    assert (Path(layout.__file__).parent / "layouts" / "boson.yaml").is_file()


def test_the_guide_names_every_layout_and_its_example_loads(tmp_path):
    guide = (Path(__file__).parents[2] / "docs" / "thermal.md").read_text()
    for name in known_layouts():
        assert f"`{name}`" in guide
    example = guide.split("```yaml\ntitle:")[1].split("```")[0]
    path = tmp_path / "my-camera.yaml"
    path.write_text(f"title:{example}")
    assert load_layout(str(path)).sizes_wh == ((384, 292),)
