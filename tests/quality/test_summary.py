"""Means, spreads and worst pictures; the sheet and the chart made of them."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from fusion_rt.quality.chart import draw_chart
from fusion_rt.quality.figures import FIGURES
from fusion_rt.quality.sheet import Sheet, even_choice
from fusion_rt.quality.summary import Results, Worst, as_csv, as_data, best_methods

EN, NABF = (next(f for f in FIGURES if f.name == name) for name in ("EN", "Nabf"))
MS_SSIM = next(f for f in FIGURES if f.name == "MS-SSIM")


def row(value: float, **others: float) -> dict[str, float]:
    return {figure.name: value for figure in FIGURES} | others


def results(method: str, *values: float) -> Results:
    return Results(method, {f"p{index}": row(value) for index, value in enumerate(values)})


def test_mean_spread_and_worst():
    one = results("ours", 4, 1, 1, 6)
    assert one.mean(EN) == 3
    assert one.spread(EN) == pytest.approx(math.sqrt(18 / 3))
    assert one.worst(EN) == Worst("p1", 1)
    assert one.worst(NABF) == Worst("p3", 6)
    assert math.isnan(results("ours", 5).spread(EN))


def test_undefined_figures_are_left_out_and_told():
    one = Results("ours", {"a": row(2, **{"MS-SSIM": math.nan}), "b": row(4)})
    assert (one.mean(EN), one.mean(MS_SSIM)) == (3, 4)
    assert (one.undefined(EN), one.undefined(MS_SSIM)) == ([], ["a"])
    assert one.worst(MS_SSIM) == Worst("b", 4)
    none = Results("ours", {"a": row(2, **{"MS-SSIM": math.nan})})
    assert math.isnan(none.mean(MS_SSIM))
    assert none.worst(MS_SSIM) is None
    assert best_methods([none], MS_SSIM) == set()
    assert best_methods([none, one], MS_SSIM) == {"ours"}


@pytest.mark.parametrize(
    ("figure", "values", "best"),
    [
        pytest.param(EN, (1, 3, 2), {"m1"}, id="higher"),
        pytest.param(NABF, (1, 3, 2), {"m0"}, id="lower"),
        pytest.param(EN, (2.0001, 2.0004, 1), {"m0", "m1"}, id="look-the-same"),
        pytest.param(EN, (2.0001, 2.0014, 1), {"m1"}, id="look-different"),
    ],
)
def test_best_method(figure, values, best):
    assert best_methods([results(f"m{i}", v) for i, v in enumerate(values)], figure) == best


def test_csv_has_a_row_for_each_picture_and_one_of_means():
    undefined = Results("b", {"x": row(1, **{"MS-SSIM": math.nan})})
    table = as_csv([results("a", 1, 2), undefined])
    assert table[0] == ["method", "picture", *(figure.name for figure in FIGURES)]
    assert [line[:3] for line in table[1:]] == [
        ["a", "p0", "1.000000"],
        ["a", "p1", "2.000000"],
        ["a", "mean", "1.500000"],
        ["b", "x", "1.000000"],
        ["b", "mean", "1.000000"],
    ]
    column = table[0].index("MS-SSIM")
    assert [line[column] for line in table[4:]] == ["", ""]


def test_json_data():
    data = as_data([Results("a", {"x": row(1, **{"MS-SSIM": math.nan}), "y": row(2)})])
    assert data["figures"]["Nabf"]["better"] == "lower"
    method = data["methods"]["a"]
    assert (method["mean"]["EN"], method["mean"]["MS-SSIM"]) == (1.5, 2)
    assert method["spread"]["EN"] == pytest.approx(math.sqrt(0.5), abs=1e-6)
    assert method["spread"]["MS-SSIM"] is None
    assert method["worst"]["EN"] == {"picture": "x", "value": 1}
    assert method["pictures"]["x"]["MS-SSIM"] is None


@pytest.mark.parametrize(
    ("count", "chosen"),
    [(1, [0]), (8, list(range(8))), (15, [0, 2, 4, 6, 8, 10, 12, 14]), (9, None), (1000, None)],
)
def test_scenes_of_the_sheet_are_spread_evenly(count, chosen):
    found = even_choice(count)
    if chosen is None:
        assert (len(found), found[0], found[-1]) == (8, 0, count - 1)
        steps = np.diff(found)
        assert steps.max() - steps.min() <= 1
    else:
        assert found == chosen


@pytest.mark.parametrize("wh", [(640, 480), (60, 40), (40, 60)], ids=["shrunk", "grown", "tall"])
def test_each_picture_lies_in_the_column_of_its_title(wh):
    sheet = Sheet(["infrared", "visible", "ours"])
    colours = ((60, 60, 60), (200, 0, 0), (0, 200, 0))
    pictures = [np.full((wh[1], wh[0], 3), colour, np.uint8) for colour in colours]
    sheet.add("first", [pictures[0][..., 0], *pictures[1:]])
    sheet.add("second", pictures[::-1])
    found = sheet.picture()
    third = found.shape[1] / 3
    for order, part in ((colours, found[: len(found) // 2]), (colours[::-1], found[-300:])):
        for index, colour in enumerate(order):
            column = part[:, int(third * index) : int(third * (index + 1))]
            assert np.count_nonzero((column == colour).all(axis=2)) > 0.4 * column[..., 0].size
            for other in set(order) - {colour}:  # letters may hold a few pixels of it
                assert np.count_nonzero((column == other).all(axis=2)) < 100


@pytest.mark.parametrize("methods", [1, 4, 12])
def test_sheet_is_bounded(methods):
    sheet = Sheet(["infrared", "visible", *(f"a rather long name {i}" for i in range(methods))])
    for index in range(8):
        sheet.add(f"{index}", [np.zeros((2000, 1500), np.uint8)] * (2 + methods))
    height, width = sheet.picture().shape[:2]
    assert 1000 < width <= 2400
    assert height <= 4200


def drawn(*all_results: Results) -> np.ndarray:
    picture = cv2.imdecode(np.frombuffer(draw_chart(list(all_results)), np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape[1] == 1500
    return picture


def area(picture: np.ndarray, rgb: tuple[int, int, int]) -> int:
    """Pixels of about that colour."""
    return int(np.count_nonzero((abs(picture.astype(int) - rgb[::-1]) < 40).all(axis=2)))


BLUE, ORANGE, RED = (0x00, 0x72, 0xB2), (0xE6, 0x9F, 0x00), (0xD5, 0x5E, 0x00)


def test_bars_of_methods_are_as_high_as_their_means():
    picture = drawn(results("a", 1, 3), results("b", 4))
    # The keys of the legend add a little to both.
    assert area(picture, BLUE) / area(picture, ORANGE) == pytest.approx(0.5, abs=0.03)
    assert area(picture, BLUE) > 20_000


def test_chart_of_one_method_shows_its_pictures_and_their_mean():
    picture = drawn(results("a", 1, 3, 2))
    assert area(picture, RED) > 1000
    # Higher is better in the first panel: its bars rise to the right.
    panel = (picture[:300, :300] == BLUE[::-1]).all(axis=2)
    heights = panel.sum(axis=0)
    heights = heights[heights > 50]
    assert heights[3] < heights[len(heights) // 2] < heights[-4]
    # Lower is better in the tenth, at the right of the second row: its bars fall.
    panel = (picture[340:620, 1230:] == BLUE[::-1]).all(axis=2)
    heights = panel.sum(axis=0)
    heights = heights[heights > 50]
    assert heights[3] > heights[len(heights) // 2] > heights[-4]


def test_chart_of_undefined_and_zero_figures():
    nothing = Results("a", {"x": row(0, **{"MS-SSIM": math.nan})})
    for all_results in ([nothing], [nothing, results("b", 0)]):
        assert drawn(*all_results).size
