from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest

from fusion_rt.errors import SourceError, TruncatedSourceError
from fusion_rt.frame import Sensor
from fusion_rt.sources import open_source
from fusion_rt.sources.picture import read_image

# One second is 10^9 ns: 10^9 / 30 = 33333333.3, twice that is 66666666.7.
TIMES_NS = {"25": [0, 40_000_000, 80_000_000], "30": [0, 33_333_333, 66_666_667]}


def picture(value: int, wh=(6, 4), dtype: type = np.uint8) -> np.ndarray:
    return np.full((wh[1], wh[0]), value, dtype)


def write(folder, **values) -> None:
    for name, value in values.items():
        assert cv2.imwrite(str(folder / f"{name}.png"), picture(value))


def read_all(text: str, sensor: Sensor = Sensor.IR) -> list:
    with open_source(text, sensor) as source:
        frames = []
        while (frame := source.read()) is not None:
            frames.append(frame)
        assert source.read() is None
        return frames


def test_folder_is_read_in_natural_order(tmp_path):
    write(tmp_path, frame10=10, frame2=2, frame1=1)
    frames = read_all(str(tmp_path))
    assert [int(f.image[0, 0]) for f in frames] == [1, 2, 10]
    assert [f.seq for f in frames] == [0, 1, 2]
    assert all(f.begun_ns <= f.arrived_ns for f in frames)


@pytest.mark.parametrize("fps", TIMES_NS)
def test_times_follow_from_the_rate_exactly(tmp_path, fps):
    write(tmp_path, a=1, b=2, c=3)
    assert [f.captured_ns for f in read_all(f"{tmp_path}?fps={fps}")] == TIMES_NS[fps]


def test_info_is_known_at_once(tmp_path):
    write(tmp_path, a=1, b=2)
    (tmp_path / "readme.txt").touch()
    with open_source(f"{tmp_path}/", Sensor.VIS) as source:
        info = source.info
    assert (info.kind, info.sensor, info.size_wh) == ("images", Sensor.VIS, (6, 4))
    assert (info.bit_depth, info.fps, info.frame_count) == (8, 25.0, 2)
    text = " | ".join(info.notes)
    for part in ("25 frames/s is taken", "grey picture as visible", "left out: readme.txt"):
        assert text.count(part) == 1


def test_pattern_takes_only_what_matches(tmp_path):
    write(tmp_path, ir_1=1, ir_2=2, vis_1=9)
    assert [int(f.image[0, 0]) for f in read_all(f"{tmp_path}/ir_?.png?fps=9")] == [1, 2]


def test_one_picture_is_a_recording_of_one_frame(tmp_path):
    write(tmp_path, a=5)
    frames = read_all(str(tmp_path / "a.png"))
    assert [(f.captured_ns, f.size_wh) for f in frames] == [(0, (6, 4))]


def test_missing_number_is_told(tmp_path):
    write(tmp_path, f1=1, f2=2, f4=4)
    with open_source(str(tmp_path), Sensor.IR) as source:
        assert any("f2.png is followed by f4.png" in note for note in source.info.notes)


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_16_bit_infrared_is_kept(tmp_path, suffix):
    deep = np.array([[0, 257, 30000], [1, 2, 65535]], np.uint16)
    assert cv2.imwrite(str(tmp_path / f"a.{suffix}"), deep)
    with open_source(str(tmp_path), Sensor.IR) as source:
        assert source.info.bit_depth == 16
        frame = source.read()
    assert frame is not None
    assert frame.image.dtype == np.uint16
    np.testing.assert_array_equal(frame.image, deep)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_visible_pixels_are_kept(tmp_path, suffix):
    bgr = np.random.default_rng(3).integers(0, 256, (5, 7, 3), np.uint8)
    assert cv2.imwrite(str(tmp_path / f"a.{suffix}"), bgr)
    image, notes = read_image(tmp_path / f"a.{suffix}", Sensor.VIS)
    assert notes == ()
    np.testing.assert_array_equal(image, bgr)


def test_exif_orientation_turns_the_picture_upright(tmp_path):
    """Orientation 6: the first row of the file is the right side of the scene."""
    stored = np.zeros((32, 64), np.uint8)
    stored[:, 32:] = 255
    ok, coded = cv2.imencode(".jpg", stored)
    assert ok
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<HHHIHHI", 1, 0x112, 3, 1, 6, 0, 0)
    data = coded.tobytes()
    marker = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    (tmp_path / "a.jpg").write_bytes(data[:2] + marker + data[2:])
    image, _ = read_image(tmp_path / "a.jpg", Sensor.IR)
    assert image.shape == (64, 32)
    assert image[:30].max() < 30
    assert image[34:].min() > 225


def test_other_size_names_file_and_sizes(tmp_path):
    write(tmp_path, a=1)
    assert cv2.imwrite(str(tmp_path / "b.png"), picture(2, (8, 4)))
    with open_source(str(tmp_path), Sensor.IR) as source:
        assert source.read() is not None
        with pytest.raises(SourceError, match=r"b\.png is 8x4, but a\.png is 6x4"):
            source.read()


def test_other_depth_names_file_and_depths(tmp_path):
    write(tmp_path, a=1)
    assert cv2.imwrite(str(tmp_path / "b.png"), picture(2, dtype=np.uint16))
    with open_source(str(tmp_path), Sensor.IR) as source:
        assert source.read() is not None
        with pytest.raises(SourceError, match=r"b\.png has 16 bit, but a\.png has 8 bit"):
            source.read()


def damage(data: bytes, how: str) -> bytes:
    middle = len(data) // 2
    changed = data[:middle] + bytes(b ^ 255 for b in data[middle : middle + 8]) + data[middle + 8 :]
    return {"empty": b"", "text": b"no picture", "half": data[:middle], "changed": changed}[how]


@pytest.mark.parametrize(
    ("suffix", "how"),
    [(suffix, how) for suffix in ("png", "jpg", "bmp", "tiff") for how in ("empty", "text", "half")]
    + [("png", "changed")],
)
def test_damaged_picture_in_the_middle_is_named_quietly(tmp_path, capfd, suffix, how):
    noise = np.random.default_rng(1).integers(0, 256, (40, 60), np.uint8)
    for name in "abc":
        assert cv2.imwrite(str(tmp_path / f"{name}.{suffix}"), noise)
    bad = tmp_path / f"b.{suffix}"
    bad.write_bytes(damage(bad.read_bytes(), how))
    with open_source(str(tmp_path), Sensor.IR) as source:
        assert source.read() is not None
        with pytest.raises(
            TruncatedSourceError,
            match=rf"after picture 0: .*b\.{suffix} cannot be read as a picture",
        ) as error:
            source.read()
        assert "the picture after it is not read" in str(error.value)
        assert source.read() is None
    assert capfd.readouterr().err == ""


def test_float_tiff_is_refused_by_name(tmp_path):
    assert cv2.imwrite(str(tmp_path / "a.tiff"), np.full((4, 4), np.nan, np.float32))
    with pytest.raises(SourceError, match=r"a\.tiff: pixels are float32, 16 of them NaN"):
        open_source(str(tmp_path), Sensor.IR)


def make_pair_folder(place):
    (place / "ir").mkdir()
    (place / "vis").mkdir()
    write(place / "ir", a=1)


@pytest.mark.parametrize(
    ("fill", "tail", "message", "hint"),
    [
        pytest.param(None, "", "holds no pictures", "end in .bmp", id="empty-folder"),
        pytest.param(make_pair_folder, "", "only sub-folders ir, vis", "/ir", id="folder-of-both"),
        pytest.param(None, "/gone", "gone does not exist", "look into", id="missing-folder"),
        pytest.param(None, "/gone/x.png", "nor does", "check the path", id="missing-parent"),
        pytest.param(None, "/*.png", "holds no pictures", "end in", id="pattern-without-match"),
    ],
)
def test_place_without_pictures(tmp_path, fill, tail, message, hint):
    if fill:
        fill(tmp_path)
    with pytest.raises(SourceError) as caught:
        open_source(f"{tmp_path}{tail}", Sensor.IR)
    assert message in str(caught.value)
    assert hint in caught.value.hint


def test_closed_source_refuses_to_read(tmp_path):
    write(tmp_path, a=1)
    source = open_source(str(tmp_path), Sensor.IR)
    source.close()
    source.close()
    with pytest.raises(SourceError, match="is closed"):
        source.read()


@pytest.mark.parametrize("clip", ["0111_1716", "0114_1611", "0115_1847"])
def test_real_clip(real_data, clip):
    ir = read_all(f"{real_data}/video/{clip}/ir?fps=30")
    vis = read_all(f"{real_data}/video/{clip}/vis?fps=30", Sensor.VIS)
    assert [f.captured_ns for f in ir] == [f.captured_ns for f in vis]
    assert (len(ir), ir[19].captured_ns) == (20, 633_333_333)
    assert {(f.image.shape, f.image.dtype.name) for f in ir} == {((480, 640), "uint8")}
    assert {(f.image.shape, f.image.dtype.name) for f in vis} == {((480, 640, 3), "uint8")}


def test_real_raw_thermal_recording(real_data):
    frames = read_all(f"{real_data}/thermal16/lepton_cptv/v2/ir16?fps=9")
    assert len(frames) == 100
    assert {(f.image.shape, f.image.dtype.name) for f in frames} == {((120, 160), "uint16")}
    assert frames[9].captured_ns == 1_000_000_000
