from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest

from fusion_rt.errors import SourceError
from fusion_rt.frame import Sensor
from fusion_rt.sources.v4l2.buffer_pixels import BufferLayout, TornPictureError, picture_reader
from fusion_rt.sources.v4l2.fourcc import READABLE, Kind, fourcc, fourcc_text, is_bayer
from fusion_rt.sources.v4l2.jpeg import JpegReader

WH = (12, 6)
PADDING = 20
GREY_WITHOUT_COLOUR = 128
UNCOMPRESSED = [entry for entry in READABLE.values() if entry.kind is not Kind.JPEG]


def layout(text: str, padding: int = 0, *, limited: bool = False) -> BufferLayout:
    entry = READABLE[fourcc(text)]
    return BufferLayout(entry, WH, WH[0] * entry.bytes_per_px + padding, limited)


def planes(of: BufferLayout, *values: np.ndarray) -> np.ndarray:
    """Bytes of a buffer: rows with padding of 0xEE, the chroma planes of I420 with half of it."""
    parts = []
    for index, plane in enumerate(values):
        rows = np.ascontiguousarray(plane).view(np.uint8).reshape(plane.shape[0], -1)
        pitch = of.bytes_per_line
        if of.format.kind is Kind.I420 and index:
            pitch //= 2
        padded = np.full((len(rows), pitch), 0xEE, np.uint8)
        padded[:, : rows.shape[1]] = rows
        parts.append(padded.ravel())
    return np.concatenate(parts)


def gradient(dtype: type = np.uint8, start: int = 30, step: int = 2) -> np.ndarray:
    values = start + step * np.arange(WH[0] * WH[1])
    return values.reshape(WH[1], WH[0]).astype(dtype)


def grey_buffer(of: BufferLayout, luma: np.ndarray) -> np.ndarray:
    """A buffer without colour whose luma is as given."""
    height, width = luma.shape
    half = np.full((height // 2, width // 2), GREY_WITHOUT_COLOUR, np.uint8)
    neutral = np.full_like(luma, GREY_WITHOUT_COLOUR)
    match of.format.text:
        case "YUYV":
            return planes(of, np.dstack([luma, neutral]))
        case "UYVY":
            return planes(of, np.dstack([neutral, luma]))
        case "NV12":
            return planes(of, luma, np.dstack([half, half]))
        case "YU12":
            return planes(of, luma, half, half)
        case "BGR3" | "RGB3":
            return planes(of, np.dstack([luma] * 3))
    return planes(of, luma)


@pytest.mark.parametrize("padding", [0, PADDING], ids=["dense", "padded"])
@pytest.mark.parametrize(
    "text", ["GREY", "YUYV", "UYVY", "NV12", "YU12", "BGR3", "RGB3"], ids=lambda text: text
)
def test_infrared_is_luma_as_it_stands(text, padding):
    of = layout(text, padding)
    got = picture_reader(of, Sensor.IR)(grey_buffer(of, gradient()))
    assert got.dtype == np.uint8
    np.testing.assert_array_equal(got, gradient())


@pytest.mark.parametrize("padding", [0, PADDING], ids=["dense", "padded"])
@pytest.mark.parametrize("text", ["YUYV", "UYVY", "NV12", "YU12"], ids=lambda text: text)
def test_visible_yuv_is_stretched_from_video_range(text, padding):
    of = layout(text, padding)
    luma = gradient(start=16, step=3)
    got = picture_reader(of, Sensor.VIS)(grey_buffer(of, luma))
    expected = (luma.astype(float) - 16) * 255 / 219
    assert got.shape == (WH[1], WH[0], 3)
    np.testing.assert_allclose(got, np.dstack([expected] * 3), atol=1)


def test_luma_is_stretched_where_the_driver_says_that_it_is_limited():
    of = layout("YUYV", limited=True)
    luma = gradient(start=0, step=3)
    got = picture_reader(of, Sensor.IR)(grey_buffer(of, luma))
    expected = np.clip(np.rint((luma.astype(float) - 16) * 255 / 219), 0, 255)
    np.testing.assert_array_equal(got, expected)
    grey = layout("GREY", limited=True)
    np.testing.assert_array_equal(picture_reader(grey, Sensor.IR)(grey_buffer(grey, luma)), luma)


@pytest.mark.parametrize("text", ["YUYV", "UYVY", "NV12", "YU12"], ids=lambda text: text)
def test_colour_reaches_the_right_channel(text):
    # Y, Cb, Cr of pure red by BT.601: 81, 90, 240
    of = layout(text, PADDING)
    y, cb, cr = 81, 90, 240
    full = np.full((WH[1], WH[0]), y, np.uint8)
    half = np.ones((WH[1] // 2, WH[0] // 2), np.uint8)
    pairs = np.tile(np.uint8([cb, cr]), (WH[1], WH[0] // 2))
    data = {
        "YUYV": lambda: planes(of, np.dstack([full, pairs])),
        "UYVY": lambda: planes(of, np.dstack([pairs, full])),
        "NV12": lambda: planes(of, full, np.dstack([half * cb, half * cr])),
        "YU12": lambda: planes(of, full, half * cb, half * cr),
    }[text]()
    got = picture_reader(of, Sensor.VIS)(data)
    np.testing.assert_allclose(got, np.broadcast_to([0, 0, 255], got.shape), atol=2)


@pytest.mark.parametrize(("text", "order"), [("BGR3", [0, 1, 2]), ("RGB3", [2, 1, 0])])
def test_rgb_keeps_its_values(text, order):
    of = layout(text, PADDING)
    bgr = np.dstack([gradient(), gradient(start=60), gradient(start=90)])
    got = picture_reader(of, Sensor.VIS)(planes(of, bgr[:, :, order]))
    np.testing.assert_array_equal(got, bgr)
    luma = picture_reader(of, Sensor.IR)(planes(of, bgr[:, :, order]))
    np.testing.assert_array_equal(luma, cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY))


@pytest.mark.parametrize("padding", [0, PADDING], ids=["dense", "padded"])
@pytest.mark.parametrize(
    ("text", "stored"),
    [("Y16", "<u2"), ("Y16-BE", ">u2"), ("Y14", "<u2"), ("Y12", "<u2"), ("Y10", "<u2")],
)
def test_deep_grey_is_counts(text, stored, padding):
    of = layout(text, padding)
    counts = gradient(np.uint16, start=257, step=10)
    data = planes(of, counts.astype(stored))
    got = picture_reader(of, Sensor.IR)(data)
    assert got.dtype == np.dtype(np.uint16)
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, counts)
    upper = picture_reader(of, Sensor.VIS)(data)
    bits = 16 if "16" in text else int(text[1:])
    np.testing.assert_array_equal(upper[:, :, 1], (counts >> bits - 8).astype(np.uint8))


def test_counts_in_disguise_are_read_from_yuyv():
    of = layout("YUYV", PADDING)
    counts = gradient(np.uint16, start=18000, step=97)
    got = picture_reader(of, Sensor.IR, raw16=True)(planes(of, counts))
    np.testing.assert_array_equal(got, counts)


@pytest.mark.parametrize(
    ("text", "sensor"), [("NV12", Sensor.IR), ("YUYV", Sensor.VIS), ("Y16", Sensor.IR)]
)
def test_counts_in_disguise_are_nowhere_else(text, sensor):
    with pytest.raises(SourceError, match="cannot be read from"):
        picture_reader(layout(text), sensor, raw16=True)


@pytest.mark.parametrize("entry", UNCOMPRESSED, ids=lambda entry: entry.text)
@pytest.mark.parametrize("sensor", list(Sensor))
def test_least_bytes_are_enough_and_one_less_is_torn(entry, sensor):
    # The padding of the very last row may be missing.
    of = layout(entry.text, PADDING)
    data = np.zeros(of.least_bytes, np.uint8)
    read = picture_reader(of, sensor)
    assert read(data).shape[:2] == (WH[1], WH[0])
    if sensor is Sensor.IR and entry.kind in (Kind.NV12, Kind.I420):
        return  # its luma is whole without the chroma
    with pytest.raises(TornPictureError):
        read(data[:-1])


@pytest.mark.parametrize("entry", UNCOMPRESSED, ids=lambda entry: entry.text)
@pytest.mark.parametrize("sensor", list(Sensor))
def test_pictures_are_copies(entry, sensor):
    of = layout(entry.text)
    data = np.zeros(of.least_bytes, np.uint8)
    got = picture_reader(of, sensor)(data)
    before = got.copy()
    data[:] = 200
    np.testing.assert_array_equal(got, before)
    assert got.flags.c_contiguous
    assert got.flags.writeable


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    rng = np.random.default_rng(5)
    blocks = rng.integers(0, 256, (6, 8, 3), np.uint8)
    return cv2.resize(blocks, (160, 120), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def jpeg(scene) -> bytes:
    done, data = cv2.imencode(".jpg", scene, [cv2.IMWRITE_JPEG_QUALITY, 95])
    assert done
    return data.tobytes()


def without_tables(jpeg: bytes) -> bytes:
    """As many webcams send it: Huffman tables are those of the standard and left out."""
    kept, at = bytearray(jpeg[:2]), 2
    while jpeg[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
        if jpeg[at + 1] != 0xC4:
            kept += jpeg[at:end]
        at = end
    return bytes(kept + jpeg[at:])


def as_bytes(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8)


def test_jpeg_is_decoded_for_both_sensors(scene, jpeg):
    bgr = JpegReader(Sensor.VIS)(as_bytes(jpeg))
    assert np.abs(bgr.astype(int) - scene).mean() < 3
    luma = JpegReader(Sensor.IR)(as_bytes(jpeg))
    grey = cv2.imdecode(as_bytes(jpeg), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_allclose(luma, grey, atol=1)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(without_tables, id="huffman-tables-left-out"),
        pytest.param(lambda jpeg: jpeg + bytes(300), id="zeros-behind-the-end"),
        pytest.param(lambda jpeg: jpeg[:-2], id="end-mark-missing"),
    ],
)
def test_jpeg_as_webcams_send_it(jpeg, change):
    whole = JpegReader(Sensor.VIS)(as_bytes(jpeg))
    np.testing.assert_array_equal(JpegReader(Sensor.VIS)(as_bytes(change(jpeg))), whole)


@pytest.mark.parametrize(
    "tear",
    [
        pytest.param(lambda jpeg: jpeg[: len(jpeg) // 2], id="cut-short"),
        pytest.param(
            lambda jpeg: jpeg[: len(jpeg) // 2 - 400] + jpeg[len(jpeg) // 2 :], id="hole-in-middle"
        ),
        pytest.param(lambda jpeg: b"garbage" * 40, id="no-picture"),
        pytest.param(lambda jpeg: b"\xff\xd8\xff\xd9", id="marks-alone"),
    ],
)
def test_torn_jpeg_is_refused_in_silence_and_the_next_one_is_whole(jpeg, tear, capfd):
    read = JpegReader(Sensor.VIS)
    whole = read(as_bytes(jpeg))
    with pytest.raises(TornPictureError):
        read(as_bytes(tear(jpeg)))
    np.testing.assert_array_equal(read(as_bytes(jpeg)), whole)
    assert capfd.readouterr() == ("", "")


def test_letters_and_numbers_of_formats():
    assert fourcc("YUYV") == 0x56595559
    assert fourcc("Y16") == 0x20363159
    assert fourcc_text(0x20363159) == "Y16"
    assert fourcc_text(0xA0363159) == "Y16-BE"
    assert fourcc_text(0x01020304) == "????"


def test_bayer_formats_are_told_from_others():
    mosaics = ["RG10", "BG12", "GB16", "BA81", "RGGB", "pRAA", "pgCC", "BYR2", "GR16"]
    assert all(is_bayer(fourcc(text)) for text in mosaics)
    others = itertools.chain(map(fourcc, ["H264", "Z16", "RGBP", "RGB3", "BGR3"]), READABLE)
    assert not any(map(is_bayer, others))
