"""Frames as cameras send them, taken apart into counts, telemetry and display picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fusion_rt.errors import SourceError
from fusion_rt.radiometry import Radiometry
from fusion_rt.thermal.layout import load_layout
from fusion_rt.thermal.split import display_luma, split
from fusion_rt.thermal.telemetry import Calibration, Telemetry


def counted(width: int, height: int, first: int = 3000) -> np.ndarray:
    """A picture whose counts tell their place: 7 a column and 1 a row."""
    return (first + np.arange(height)[:, None] + 7 * np.arange(width)).astype(np.uint16)


def lepton_words(width: int, *, state: int = 0, linear: bool = False) -> np.ndarray:
    """Telemetry rows of a Lepton by its data sheet: 3 rows of 80 words, or 2 of 160."""
    words = np.zeros(3 * 80 if width == 80 else 4 * 80, np.uint16)
    words[0] = 0x0E00  # revision
    words[1], words[2] = 0x1234, 0x0001  # time counter, low word first
    words[3] = state << 4 | 1 << 3  # status, low word; FFC desired
    words[4] = 0x0010  # status, high word: overtemperature
    words[20], words[21] = 0x0002, 0x0003  # frame counter
    words[24], words[26] = 30_115, 30_215  # 28 and 29 °C
    words[160 + 48], words[160 + 49] = linear, 1
    return words.reshape(-1, width)


def boson_words(width: int, *, state: int = 0) -> np.ndarray:
    words = np.zeros(2 * width, np.uint16)
    words[0] = 2
    words[38] = state | 1 << 5
    words[42], words[43] = 0x0001, 0x0005  # high word first
    words[47] = 3081  # 0.1 K
    words[140], words[141] = 0x0002, 0x0000
    return words.reshape(2, width)


LEPTON = Telemetry(
    calibration=Calibration.RUNNING,
    calibration_wanted=True,
    frame_counter=0x0003_0002,
    uptime_ms=0x0001_1234,
    sensor_celsius=pytest.approx(28.0),
    housing_celsius=pytest.approx(29.0),
    tells_radiometry=True,
    radiometry=Radiometry(0.01),
)
BOSON = Telemetry(
    calibration=Calibration.RUNNING,
    calibration_wanted=True,
    frame_counter=0x0001_0005,
    uptime_ms=0x0002_0000,
    housing_celsius=pytest.approx(34.95),
)


@pytest.mark.parametrize(
    ("name", "wh", "above", "below", "telemetry"),
    [
        pytest.param("y16", (37, 23), None, None, None, id="any-size"),
        pytest.param("lepton", (80, 60), None, None, None, id="lepton-2"),
        pytest.param("lepton", (160, 120), None, None, None, id="lepton-3"),
        pytest.param(
            "lepton", (80, 60), None, lepton_words(80, state=2, linear=True), LEPTON, id="footer-2"
        ),
        pytest.param(
            "purethermal",
            (160, 120),
            None,
            lepton_words(160, state=2, linear=True),
            LEPTON,
            id="purethermal-with-lepton-3",
        ),
        pytest.param(
            "lepton-header",
            (160, 120),
            lepton_words(160, state=2, linear=True),
            None,
            LEPTON,
            id="header-3",
        ),
        pytest.param("boson", (640, 512), None, None, None, id="boson-without-telemetry"),
        pytest.param("boson", (640, 512), boson_words(640, state=2), None, BOSON, id="boson-640"),
        pytest.param("boson", (320, 256), boson_words(320, state=2), None, BOSON, id="boson-320"),
        pytest.param(
            "boson-footer", (320, 256), None, boson_words(320, state=2), BOSON, id="boson-footer"
        ),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["words", "bytes"])
def test_picture_and_telemetry_are_found(name, wh, above, below, telemetry, packed):
    picture = counted(*wh)
    frame = np.vstack([part for part in (above, picture, below) if part is not None])
    found = split(frame.view(np.uint8) if packed else frame, load_layout(name))
    np.testing.assert_array_equal(found.counts, picture)
    assert found.counts.dtype == np.uint16
    assert found.telemetry == telemetry
    assert found.is_picture


@pytest.mark.parametrize(
    ("state", "calibration"), [(0, "never"), (1, "imminent"), (2, "running"), (3, "done")]
)
def test_states_of_the_flat_field_correction(state, calibration):
    lepton = np.vstack([counted(80, 60), lepton_words(80, state=state)])
    boson = np.vstack([boson_words(640, state=state), counted(640, 512)])
    for frame, name in ((lepton, "lepton"), (boson, "boson")):
        telemetry = split(frame, load_layout(name)).telemetry
        assert telemetry is not None
        assert telemetry.calibration is Calibration(calibration)


@pytest.mark.parametrize(("state", "calibration"), [(0, "never"), (1, "running"), (2, "done")])
def test_an_old_lepton_has_no_imminent_state(state, calibration):
    rows = lepton_words(80, state=state)
    rows[0, 0] = 8
    telemetry = split(np.vstack([counted(80, 60), rows]), load_layout("lepton")).telemetry
    assert telemetry is not None
    assert telemetry.calibration is Calibration(calibration)


@pytest.mark.parametrize(
    ("linear", "fine", "radiometry"),
    [
        pytest.param(False, 1, None, id="counts"),
        pytest.param(True, 1, Radiometry(0.01), id="centikelvin"),
        pytest.param(True, 0, Radiometry(0.1), id="decikelvin"),
    ],
)
def test_the_camera_itself_tells_what_its_counts_mean(linear, fine, radiometry):
    rows = lepton_words(80, linear=linear)
    rows[2, 49] = fine
    assert split(np.vstack([counted(80, 60), rows]), load_layout("lepton")).radiometry == radiometry


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        pytest.param("lepton", np.zeros((2, 160), np.uint16), id="lepton-rows-empty"),
        pytest.param("lepton", counted(160, 2, 2900), id="lepton-rows-hold-raw-pixels"),
        pytest.param("lepton", counted(160, 2, 29_000), id="lepton-rows-hold-temperatures"),
        pytest.param("boson-footer", np.zeros((2, 320), np.uint16), id="boson-line-empty"),
        pytest.param("boson-footer", counted(320, 2, 21_000), id="boson-line-holds-pixels"),
    ],
)
def test_rows_that_hold_no_telemetry_tell_nothing(name, rows):
    width = rows.shape[1]
    frame = np.vstack([counted(width, 120 if width == 160 else 256), rows])
    found = split(frame, load_layout(name))
    assert found.telemetry is None
    assert found.radiometry is None


@pytest.mark.parametrize("name", ["infiray-p2-pro", "topdon-tc001"])
def test_temperatures_below_the_display_picture(name):
    """64 counts are 1 K: 20 °C is 293.15 · 64."""
    display = np.full((192, 256, 2), 128, np.uint8)
    display[..., 0] = np.arange(256)  # luma; chroma is neutral
    counts = counted(256, 192, round(293.15 * 64))
    frame = np.vstack([display, counts.view(np.uint8).reshape(192, 256, 2)])
    found = split(frame, load_layout(name))
    np.testing.assert_array_equal(found.counts, counts)
    assert found.radiometry is not None
    assert found.radiometry.celsius(float(found.counts[0, 0])) == pytest.approx(20, abs=0.01)
    luma = display_luma(frame, load_layout(name))
    np.testing.assert_array_equal(luma, display[..., 0])


def test_most_cameras_make_no_display_picture():
    assert display_luma(counted(80, 60), load_layout("lepton")) is None


@pytest.mark.parametrize(
    ("name", "wh", "type_word", "counter_word", "place"),
    [
        pytest.param("seek-compact", (208, 156), 10, 40, (0, 1, 207, 154), id="compact"),
        pytest.param("seek-compact-pro", (342, 260), 2, 1, (1, 4, 320, 240), id="compact-pro"),
    ],
)
@pytest.mark.parametrize(
    ("frame_type", "is_picture"), [(1, False), (3, True), (4, False), (6, False), (20, False)]
)
def test_seek_frames_that_are_no_pictures(
    name, wh, type_word, counter_word, place, frame_type, is_picture
):
    frame = counted(*wh)
    frame[0, type_word], frame[0, counter_word] = frame_type, 777
    found = split(frame, load_layout(name))
    assert found.is_picture is is_picture
    assert found.telemetry is not None
    assert found.telemetry.frame_counter == 777
    assert (found.telemetry.calibration is Calibration.RUNNING) is not is_picture
    left, top, width, height = place
    np.testing.assert_array_equal(
        found.counts, counted(*wh)[top : top + height, left : left + width]
    )


def test_byte_order_and_bits_of_ones_own_layout(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("title: t\npixel_format: YUYV\nbyte_order: big\nbits: 14\n")
    counts = counted(8, 4)
    sent = (counts | 0xC000).astype(">u2").view(np.uint8).reshape(4, 8, 2)
    np.testing.assert_array_equal(split(sent, load_layout(str(path))).counts, counts)


def test_counts_are_a_view_where_nothing_changes():
    frame = counted(320, 258)
    assert np.shares_memory(split(frame, load_layout("boson")).counts, frame)


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(np.zeros((60, 80, 3), np.uint8), id="colour"),
        pytest.param(np.zeros((60, 79), np.uint8), id="odd-number-of-bytes"),
        pytest.param(np.zeros((60, 80), np.float32), id="floats"),
        pytest.param(np.zeros(4800, np.uint16), id="flat"),
    ],
)
def test_pixels_that_are_not_16_bits(frame):
    with pytest.raises(SourceError, match="wants 16-bit pixels") as caught:
        split(frame, load_layout("lepton"))
    assert "format=Y16" in caught.value.hint


def test_real_lepton_frames_with_rows_put_below(real_data):
    layout = load_layout("lepton")
    paths = sorted((real_data / "thermal16/lepton_cptv").glob("*/ir16/*.png"))
    assert len(paths) == 202
    for index, path in enumerate(paths):
        counts = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        rows = lepton_words(160, state=3)
        rows[0, 20], rows[0, 21] = index, 0
        found = split(np.vstack([counts, rows]), layout)
        np.testing.assert_array_equal(found.counts, counts)
        assert found.telemetry is not None
        assert found.telemetry.frame_counter == index
        assert split(counts, layout).telemetry is None
