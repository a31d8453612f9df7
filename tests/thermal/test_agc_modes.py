"""The modes of the gain control: what each does to known pictures, and what changes in time."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from fusion_rt.errors import UsageError
from fusion_rt.radiometry import Radiometry
from fusion_rt.thermal import LEVELS, Agc, LinearAgc, linear_table
from fusion_rt.thermal.settings import ThermalSettings

MS = 1_000_000
CENTIKELVIN = Radiometry(0.01)


def ramp(low: int, high: int) -> np.ndarray:
    return np.linspace(low, high, 10_000).round().astype(np.uint16).reshape(100, 100)


def fixed(low: float, high: float, unit: str = "counts") -> ThermalSettings:
    return ThermalSettings(mode="fixed", fixed_low=low, fixed_high=high, fixed_unit=unit)


def sky_and_ground(detail: int = 40) -> np.ndarray:
    """Half cold sky of two counts, half ground of ``detail`` counts far above it."""
    counts = np.full((100, 100), 5000, np.uint16)
    counts[:50:2] += 1
    counts[50:] = 9000 + np.arange(5000).reshape(50, 100) % detail
    return counts


def levels_between(picture: np.ndarray, rows: slice) -> int:
    return int(picture[rows].max()) - int(picture[rows].min())


@pytest.mark.parametrize(
    ("low", "high", "min_span"),
    [
        pytest.param(1000, 2000, 64, id="usual"),
        pytest.param(1000.7, 2000.2, 64, id="damped-range"),
        pytest.param(5000, 5003, 500, id="widened"),
        pytest.param(10, 20, 4000, id="widened-below-zero"),
        pytest.param(65_500, 65_535, 4000, id="widened-beyond-the-end"),
        pytest.param(0, 65_535, 1, id="everything"),
    ],
)
def test_linear_table_is_the_straight_line_at_every_count(low, high, min_span):
    middle, half = (low + high) / 2, max(high - low, min_span) / 2
    line = (np.arange(LEVELS, dtype=np.float32) - np.float32(middle - half)) * (255 / (2 * half))
    expected = np.clip(np.rint(line), 0, 255)
    assert np.abs(linear_table(low, high, min_span) - expected).max() <= 1


def test_default_settings_are_the_plain_linear_agc():
    frames = [ramp(8000 + 40 * i, 9000 + 90 * i) for i in range(5)]
    one, two = Agc(), LinearAgc()
    for index, counts in enumerate(frames):
        np.testing.assert_array_equal(
            one.apply(counts, index * 33 * MS), two.apply(counts, index * 33 * MS)
        )


@pytest.mark.parametrize("mode", ["linear", "plateau", "log"])
def test_hotter_is_never_darker(mode):
    counts = np.random.default_rng(1).integers(3000, 9000, (64, 64)).astype(np.uint16)
    picture = Agc(ThermalSettings(mode=mode)).apply(counts, 0)
    order = np.argsort(counts, axis=None)
    assert np.diff(picture.reshape(-1)[order].astype(int)).min() >= 0
    assert picture.dtype == np.uint8


def test_a_furnace_leaves_the_wall_its_contrast_in_plateau_mode():
    """Linear from 5000 to 9040 gives the ground 3 of 255 levels."""
    counts = sky_and_ground()
    linear = Agc(ThermalSettings(low_percent=0, high_percent=100)).apply(counts, 0)
    plateau = Agc(ThermalSettings(mode="plateau", min_span=16)).apply(counts, 0)
    assert levels_between(linear, slice(50, None)) <= 3
    assert levels_between(plateau, slice(50, None)) >= 150


@pytest.mark.parametrize(
    ("plateau", "share"),
    [
        # 40 counts of 125 pixels and 2 of 2500. Levels go from the middle of one count's share to
        # the middle of the next one's: 2500 of 2500 / 2 + 2500 + 39.5 · 125.
        pytest.param(1000.0, 2500 / 8687.5, id="plain-equalisation"),
        # The mean of 42 counts is 238.
        pytest.param(1.0, 238 / (238 / 2 + 238 + 39.5 * 125), id="sky-cut-to-the-mean"),
    ],
)
def test_the_plateau_says_how_much_the_sky_may_take(plateau, share):
    settings = ThermalSettings(mode="plateau", plateau=plateau, min_span=1)
    picture = Agc(settings).apply(sky_and_ground(), 0)
    taken = levels_between(picture, slice(None, 50)) / 255
    assert taken == pytest.approx(share, abs=0.005)


@pytest.mark.parametrize("mode", ["linear", "plateau", "log"])
def test_noise_of_one_temperature_is_not_blown_up(mode):
    noise = np.random.default_rng(2).normal(7000, 2, (100, 100)).round().astype(np.uint16)
    picture = Agc(ThermalSettings(mode=mode, min_span=255)).apply(noise, 0)
    spread = int(noise.max()) - int(noise.min())
    assert levels_between(picture, slice(None)) <= spread + 1  # one level a count at most
    assert picture.min() > 80  # grey or, with log, light: not dark


def test_log_gives_the_cold_part_more_levels():
    picture = Agc(ThermalSettings(mode="log", low_percent=0, high_percent=100)).apply(
        ramp(1000, 17_000), 0
    )
    assert (picture.min(), picture.max()) == (0, 255)
    # 255 · ln(1 + 15 / 2) / ln 16 in the middle of the range.
    assert int(picture[50, 0]) == pytest.approx(196.8, abs=1)


@pytest.mark.parametrize(
    ("count", "level"),
    [(29_314, 0), (29_315, 0), (30_315, 128), (31_315, 255), (33_000, 255)],
)
def test_fixed_range_in_celsius(count, level):
    """20 to 40 °C are 29315 to 31315 centikelvin, whatever else is in the picture."""
    counts = np.full((4, 4), count, np.uint16)
    picture = Agc(fixed(20, 40, "celsius"), CENTIKELVIN).apply(counts, 0)
    assert picture[0, 0] == level


def test_fixed_range_in_celsius_needs_a_radiometric_camera():
    with pytest.raises(UsageError, match="gives no temperatures") as caught:
        Agc(fixed(20, 40, "celsius"))
    assert "fixed_unit=counts" in caught.value.hint


def test_only_the_region_of_interest_decides():
    counts = ramp(8000, 9000)
    counts[:20] = 30_000  # a hot chimney outside of it
    settings = ThermalSettings(low_percent=0, high_percent=100, roi=(0.0, 0.5, 1.0, 1.0))
    picture = Agc(settings).apply(counts, 0)
    assert (picture[50:].min(), picture[50:].max()) == (0, 255)
    assert picture[:20].min() == 255


def test_a_region_smaller_than_a_pixel_is_one_pixel():
    settings = ThermalSettings(roi=(0.999, 0.999, 1.0, 1.0))
    assert Agc(settings).apply(ramp(8000, 9000)[:2, :2], 0).shape == (2, 2)


@pytest.mark.parametrize(
    ("mode", "tolerance"),
    [
        pytest.param("linear", 0.01, id="linear"),
        pytest.param("plateau", 0.01, id="plateau"),
        pytest.param("log", 0.15, id="log-whose-range-is-damped-not-its-levels"),
    ],
)
def test_every_mode_is_damped(mode, tolerance):
    """After one time constant 63 % of the way from one scene to another, seen at one count."""
    settings = ThermalSettings(mode=mode, damping_s=0.5, low_percent=0, high_percent=100)
    first, second = ramp(8000, 9000), ramp(8200, 9200)
    count = np.full((1, 1), 8700, np.uint16)

    def level(*scenes: tuple[np.ndarray, int]) -> int:
        agc = Agc(settings)
        for scene, captured_ms in scenes:
            agc.apply(scene, captured_ms * MS)
        agc.lock()
        return int(agc.apply(count, scenes[-1][1] * MS)[0, 0])

    before, goal = level((first, 0)), level((second, 0))
    seen = level((first, 0), (second, 500))
    assert before - goal > 20
    assert (before - seen) / (before - goal) == pytest.approx(1 - np.exp(-1), abs=tolerance + 0.02)


def test_lock_as_a_setting():
    """From the first picture on, or from when it is set; the last word counts."""
    agc = Agc(ThermalSettings(lock=True, damping_s=0))
    first = agc.apply(ramp(8000, 9000), 0)
    assert np.ptp(first) == 255  # the first picture sets the table
    bright = agc.apply(ramp(18_000, 19_000), 1000 * MS)
    assert (bright == 255).all()
    agc.configure(ThermalSettings(damping_s=0))
    assert not agc.locked
    agc.apply(ramp(18_000, 19_000), 2000 * MS)
    assert np.ptp(agc.apply(ramp(18_000, 19_000), 3000 * MS)) == 255
    agc.lock()
    agc.configure(ThermalSettings(damping_s=0, mode="log"))  # says nothing new of the lock
    assert agc.locked
    agc.configure(ThermalSettings(damping_s=0, mode="log", lock=True))
    agc.unlock()
    agc.configure(ThermalSettings(damping_s=0, mode="plateau", lock=True))
    assert not agc.locked


def test_locking_makes_no_other_table():
    agc = Agc(ThermalSettings(damping_s=5))
    agc.apply(ramp(8000, 9000), 0)
    before = agc.apply(ramp(8000, 9500), 100 * MS)
    agc.configure(ThermalSettings(damping_s=5, lock=True))
    np.testing.assert_array_equal(agc.apply(ramp(8000, 9500), 200 * MS), before)


def test_while_locked_the_table_stays_and_then_follows_from_there():
    agc = Agc(ThermalSettings(damping_s=0.5))
    agc.apply(ramp(8000, 9000), 0)
    agc.lock()
    locked = agc.apply(ramp(8500, 9500), 5000 * MS)
    assert agc.locked
    assert int(locked[0, 0]) == pytest.approx(127, abs=2)  # 8500 in the range of 8000 to 9000
    agc.unlock()
    first = agc.apply(ramp(8500, 9500), 5033 * MS)
    assert abs(int(first[0, 0]) - int(locked[0, 0])) < 15
    assert agc.apply(ramp(8500, 9500), 15_000 * MS)[0, 0] == 0


def test_a_shutter_event_is_held_and_the_range_comes_back_quickly_but_gently():
    """Counts jump by 3000 at the event; with 5 s alone, 2800 of them would be left after 0.3 s."""
    agc = Agc(ThermalSettings(damping_s=5.0, low_percent=0, high_percent=100))
    before, after = ramp(8000, 9000), ramp(11_000, 12_000)
    shutter = np.full((100, 100), 4000, np.uint16)
    shown = agc.apply(before, 0)
    for captured_ms in range(33, 900, 33):
        assert agc.apply(shutter, captured_ms * MS, hold=True).max() == 0
    np.testing.assert_array_equal(agc.apply(before, 900 * MS, hold=True), shown)
    middle = [
        int(agc.apply(after, captured_ms * MS)[50, 50]) for captured_ms in range(933, 1300, 33)
    ]
    assert middle[0] > 220  # no jump at the first frame
    assert np.diff(middle).max() <= 0
    # 3 to 5 % of 3000 counts are left, of 1000 that fill 255 levels.
    assert middle[-1] == pytest.approx(127 + 0.04 * 3 * 255, abs=10)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param(ThermalSettings(low_percent=10, high_percent=60), id="other-percentiles"),
        pytest.param(ThermalSettings(mode="plateau"), id="plateau"),
        pytest.param(ThermalSettings(mode="log"), id="log"),
        pytest.param(fixed(8200, 8300), id="fixed"),
        pytest.param(ThermalSettings(roi=(0, 0, 1, 0.2)), id="region"),
    ],
)
def test_new_settings_come_in_without_a_jump(settings):
    counts = ramp(8000, 9000)
    agc = Agc(ThermalSettings(damping_s=0))
    before = agc.apply(counts, 0).astype(int)
    agc.configure(settings.model_copy(update={"damping_s": 0}))
    goal = Agc(agc.settings).apply(counts, 0).astype(int)
    pictures = [agc.apply(counts, t * MS).astype(int) for t in range(40, 441, 40)]
    np.testing.assert_array_equal(pictures[0], before)
    steps = [np.abs(b - a).max() for a, b in pairwise(pictures)]
    assert max(steps) <= np.abs(goal - before).max() * 40 / 300 + 1.5
    np.testing.assert_array_equal(pictures[-1], goal)


def test_a_refused_change_leaves_everything_as_it_was():
    agc = Agc()
    with pytest.raises(UsageError):
        agc.configure(fixed(20, 40, "celsius"))
    assert agc.settings == ThermalSettings()


def test_the_same_settings_again_change_nothing():
    counts = ramp(8000, 9000)
    one, two = Agc(), Agc()
    for captured_ms in (0, 33, 66):
        two.configure(ThermalSettings())
        np.testing.assert_array_equal(
            one.apply(counts, captured_ms * MS), two.apply(counts, captured_ms * MS)
        )


@pytest.mark.parametrize("mode", ["linear", "plateau", "log"])
def test_every_mode_repeats_exactly(mode):
    rng = np.random.default_rng(3)
    frames = [rng.normal(8000 + 60 * i, 200, (60, 80)).astype(np.uint16) for i in range(6)]
    runs = []
    for _ in range(2):
        agc = Agc(ThermalSettings(mode=mode))
        runs.append([agc.apply(f, i * 33 * MS, hold=i == 3) for i, f in enumerate(frames)])
    for one, two in zip(*runs, strict=True):
        np.testing.assert_array_equal(one, two)


def test_an_old_opencv_gives_the_same_picture(monkeypatch):
    counts = ramp(8000, 9000)
    expected = Agc().apply(counts, 0)
    monkeypatch.setattr("fusion_rt.thermal.agc._opencv_looks_up", lambda: False)
    np.testing.assert_array_equal(Agc().apply(counts, 0), expected)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        pytest.param({"low_percent": 60, "high_percent": 50}, "below high", id="percentiles"),
        pytest.param({"mode": "fixed"}, "needs fixed_low", id="fixed-without-a-range"),
        pytest.param({"fixed_low": 40, "fixed_high": 20}, "below fixed_high", id="range-swapped"),
        pytest.param({"roi": (0.5, 0, 0.4, 1)}, "roi must be", id="region-swapped"),
        pytest.param({"roi": (0, 0, 1.2, 1)}, "roi must be", id="region-beyond-the-picture"),
    ],
)
def test_settings_that_do_not_go(values, message):
    with pytest.raises(ValueError, match=message):
        ThermalSettings(**values)


@pytest.mark.parametrize("mode", ["linear", "plateau", "log"])
def test_real_raw_pictures_use_the_grey_levels(real_data, mode):
    for path in sorted((real_data / "thermal16/flir_radiometric/ir16").glob("*.png")):
        counts = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        picture = Agc(ThermalSettings(mode=mode)).apply(counts, 0)
        assert picture.std() > 15, path.name
        assert (picture == 0).mean() + (picture == 255).mean() < 0.12, path.name
