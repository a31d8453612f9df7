from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fusion_rt.sinks.hud import HudState, draw_banner, draw_help, draw_hud

STATE = HudState(29.9, 41.25, -3.5, 12, "openvino bf16")
STANDS_STILL = HudState(29.9, 41.25, -3.5, 12, "openvino bf16", "infrared camera stands still")
LONG = (
    "infrared camera lost (connection refused); visible camera silent (no picture for 12.3 s); "
    "infrared clock +32.4 ms ahead: set pairing.ir_offset_ms: 32.4"
)


@pytest.mark.parametrize(
    "size_wh", [(64, 64), (320, 256), (641, 481), (1920, 1080), (480, 1920)], ids=str
)
@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(lambda p: draw_hud(p, STATE), id="hud"),
        pytest.param(lambda p: draw_hud(p, STANDS_STILL), id="hud-with-a-banner"),
        pytest.param(lambda p: draw_banner(p, LONG), id="banner"),
        pytest.param(draw_help, id="help"),
    ],
)
def test_panel_lies_inside_the_picture_and_changes_it_in_place(size_wh, draw):
    picture = np.full((size_wh[1], size_wh[0], 3), 128, np.uint8)
    draw(picture)
    changed = (picture != 128).any(axis=2)
    assert 0.01 < changed.mean() <= 1
    assert picture.max() > 150  # light text
    assert np.median(picture[changed]) < 80  # on a dark panel


def test_panel_is_in_the_upper_left_and_leaves_most_of_the_picture():
    picture = np.full((480, 640, 3), 128, np.uint8)
    draw_hud(picture, STATE)
    rows, columns = np.nonzero((picture != 128).any(axis=2))
    assert rows.max() < 480 / 3
    assert columns.max() < 640 / 2


@pytest.mark.parametrize("key", ["gain", "distance"])
@pytest.mark.parametrize("text", ["", "locked"])
def test_some_things_have_a_line_only_where_there_is_something_to_say(key, text):
    def rows(state):
        picture = np.full((480, 640, 3), 128, np.uint8)
        draw_hud(picture, state)
        return int(np.nonzero((picture != 128).any(axis=(1, 2)))[0].max())

    assert (rows(replace(STATE, **{key: text})) > rows(STATE)) is bool(text)


def test_picture_shines_through_the_panel():
    light, dark = np.full((480, 640, 3), 250, np.uint8), np.zeros((480, 640, 3), np.uint8)
    draw_hud(light, STATE)
    draw_hud(dark, STATE)
    assert light[15, 12].mean() - dark[15, 12].mean() > 40


def test_panel_keeps_its_width_when_the_figures_grow():
    def right_edge(state: HudState) -> int:
        picture = np.full((480, 640, 3), 128, np.uint8)
        draw_hud(picture, state)
        return int(np.nonzero((picture != 128).any(axis=(0, 2)))[0].max())

    assert right_edge(HudState(9.9, 5.0, 0.0, 1)) == right_edge(HudState(120.0, 1500.0, -33.0, 999))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(HudState(fps=30.9), id="rate"),
        pytest.param(HudState(fps=29.9, latency_ms=1.0), id="latency"),
        pytest.param(HudState(fps=29.9, skew_ms=1.0), id="skew"),
        pytest.param(HudState(fps=29.9, drops=3), id="drops"),
        pytest.param(HudState(fps=29.9, engine="x"), id="engine"),
        pytest.param(HudState(fps=29.9, banner="x"), id="banner"),
    ],
)
def test_each_figure_can_be_seen(other):
    first, second = (np.full((480, 640, 3), 128, np.uint8) for _ in range(2))
    draw_hud(first, HudState(fps=29.9))
    draw_hud(second, other)
    assert (first != second).any()


def test_unknown_figures_are_dashes():
    unknown, nan = (np.full((480, 640, 3), 128, np.uint8) for _ in range(2))
    draw_hud(unknown, HudState())
    draw_hud(nan, HudState(fps=float("nan"), latency_ms=float("inf")))
    np.testing.assert_array_equal(unknown, nan)


# --- the banner, a strip along the lower edge -----------------------------------------------------


def strip(text, size_wh=(640, 480)):
    """Picture with the banner, and how many of its rows changed."""
    picture = np.full((size_wh[1], size_wh[0], 3), 128, np.uint8)
    draw_banner(picture, text)
    return picture, int((picture != 128).any(axis=(1, 2)).sum())


def test_banner_is_a_strip_along_the_lower_edge():
    picture, height = strip("infrared camera lost")
    rows, columns = np.nonzero((picture != 128).any(axis=2))
    assert rows.min() == 480 - height
    assert (columns.min(), columns.max()) == (0, 639)
    assert height < 480 / 10


def test_panel_and_banner_do_not_overlap_and_leave_the_middle_free():
    picture = np.full((480, 640, 3), 128, np.uint8)
    draw_hud(picture, STANDS_STILL)
    assert (picture[200:400] == 128).all()


@pytest.mark.parametrize("size_wh", [(64, 64), (320, 256), (640, 480), (1920, 1080)], ids=str)
def test_banner_has_three_lines_at_most(size_wh):
    most = strip("very long words " * 200, size_wh)[1]
    heights = {strip("word " * count, size_wh)[1] for count in range(1, 200)}
    assert len(heights) == 3
    assert max(heights) == most
    steps = np.diff(sorted(heights))
    assert steps[0] == steps[1]  # a line is a line


def test_banner_ends_in_dots_where_it_is_cut_off():
    whole = "word " * 200
    assert (strip(whole)[0] == strip(whole + "and more")[0]).all()
    short, _ = strip("all of it")
    longer, _ = strip("all of it ...")
    assert (short != longer).any()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("x" * 500, id="one-endless-word"),
        pytest.param("36.6 °C at the pointer, ±1", id="signs-beyond-ascii"),
        pytest.param("a\nb\tc", id="white-space"),
    ],
)
@pytest.mark.parametrize("size_wh", [(64, 64), (640, 480)], ids=str)
def test_any_text_can_be_drawn(text, size_wh):
    _, height = strip(text, size_wh)
    assert 0 < height < size_wh[1]


def test_signs_beyond_ascii_are_spelt_out():
    np.testing.assert_array_equal(strip("21.5 °C ±1")[0], strip("21.5 C +-1")[0])
