from __future__ import annotations

import struct
import sys
import types
from fractions import Fraction

import av
import numpy as np
import pytest

from fusion_rt.errors import SourceError, UsageError
from fusion_rt.frame import Sensor
from fusion_rt.sources import open_source


def read_all(text, sensor: Sensor = Sensor.IR) -> list:
    with open_source(str(text), sensor) as source:
        frames = []
        while (frame := source.read()) is not None:
            frames.append(frame)
        assert source.read() is None
        return frames


def raw_frame(name: str, wh: tuple[int, int], planes: list[int | np.ndarray]) -> av.VideoFrame:
    """A frame whose 8-bit planes hold one number or an array each, exactly."""
    frame = av.VideoFrame(*wh, name)
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        rows[:, : plane.width] = values
        plane.update(rows.tobytes())
    return frame


STEPS = [0, 1, 2, 50, 51, 1000]  # an uneven frame rate, in units of the time base


@pytest.mark.parametrize(
    ("file", "time_base", "pts", "times_ns"),
    [
        pytest.param(
            "a.mp4", Fraction(1, 30), [0, 1, 2], [0, 33_333_333, 66_666_667], id="mp4-30-per-s"
        ),
        pytest.param(
            "a.mkv", Fraction(1, 1000), STEPS, [s * 1_000_000 for s in STEPS], id="mkv-uneven-ms"
        ),
        pytest.param(  # 1001 / 90000 s = 11.1222... ms
            "a.mp4",
            Fraction(1, 90000),
            [0, 1001, 9009],
            [0, 11_122_222, 100_100_000],
            id="mp4-90-kHz-uneven",
        ),
        pytest.param(
            "a.mkv", Fraction(1, 1000), [5000, 5040], [0, 40_000_000], id="start-is-taken-off"
        ),
        pytest.param(
            "a.ts", Fraction(1, 90000), [900, 3900], [0, 33_333_333], id="transport-stream-start"
        ),
    ],
)
def test_time_stamps_are_exact(tmp_path, encode, noise, file, time_base, pts, times_ns):
    path = encode(tmp_path / file, noise(len(pts)), pts=pts, time_base=time_base)
    frames = read_all(path)
    assert [f.captured_ns for f in frames] == times_ns
    assert [f.seq for f in frames] == list(range(len(pts)))
    assert all(f.begun_ns < f.arrived_ns for f in frames)


def test_frames_that_are_coded_out_of_order_come_in_order(tmp_path, encode, noise):
    frames = noise(12)
    path = encode(tmp_path / "a.mp4", frames, pix_fmt="yuvj420p", options={"bf": "2"})
    got = read_all(path)
    assert [f.captured_ns for f in got] == [round(i * 10**9 / 30) for i in range(12)]
    for frame, given in zip(got, frames, strict=True):
        np.testing.assert_array_equal(frame.image, given)


@pytest.mark.parametrize("wh", [(64, 48), (65, 49), (97, 33)], ids=str)
@pytest.mark.parametrize(
    ("pix_fmt", "shift"), [("gray16le", 0), ("gray12le", 4), ("gray10le", 6)], ids=str
)
def test_deep_infrared_is_kept_to_the_bit(tmp_path, encode, wh, pix_fmt, shift):
    deep = np.random.default_rng(2).integers(0, 65536, (wh[1], wh[0]), np.uint16) >> shift
    frame = av.VideoFrame(*wh, pix_fmt)
    rows = np.zeros((wh[1], frame.planes[0].line_size // 2), np.uint16)
    rows[:, : wh[0]] = deep
    frame.planes[0].update(rows.tobytes())
    path = encode(tmp_path / "a.mkv", [frame], codec="ffv1", pix_fmt=pix_fmt)
    with open_source(str(path), Sensor.IR) as source:
        assert (source.info.bit_depth, source.info.size_wh, source.info.notes) == (16, wh, ())
        got = source.read()
    assert got is not None
    assert got.image.dtype == np.uint16
    np.testing.assert_array_equal(got.image, deep)


RAMP = np.arange(256, dtype=np.uint8)[None, :].repeat(32, axis=0)
EXPANDED = np.clip(np.rint((RAMP.astype(float) - 16) * 255 / 219), 0, 255)


@pytest.mark.parametrize(
    ("pix_fmt", "grey"),
    [
        pytest.param("gray", RAMP, id="grey-is-full-range"),
        pytest.param("yuvj420p", RAMP, id="full-range-luma-is-kept"),
        pytest.param("yuv420p", EXPANDED, id="limited-range-luma-is-expanded"),
        pytest.param("yuv444p", EXPANDED, id="limited-range-of-another-layout"),
    ],
)
def test_grey_levels_of_8_bit_infrared(tmp_path, encode, pix_fmt, grey):
    frame = raw_frame(pix_fmt, (256, 32), [RAMP, 128, 128][: 1 if pix_fmt == "gray" else 3])
    codec = "ffv1" if pix_fmt == "gray" else "libx264"
    path = encode(tmp_path / "a.mkv", [frame], codec=codec, pix_fmt=pix_fmt)
    with open_source(str(path), Sensor.IR) as source:
        assert source.info.notes == ()
        got = source.read()
    assert got is not None
    np.testing.assert_array_equal(got.image, grey)


def test_black_and_white_of_limited_range():
    assert (EXPANDED[0, 16], EXPANDED[0, 235], EXPANDED[0, 126]) == (0, 255, 128)


def test_ten_bit_luma_is_brought_to_eight(tmp_path, encode):
    """In 10 bit, black is 64 and white is 940."""
    frame = av.VideoFrame(64, 32, "yuv444p10le")
    for plane, value in zip(frame.planes, (502, 512, 512), strict=True):
        plane.update(np.full(plane.buffer_size // 2, value, "<u2").tobytes())
    path = encode(tmp_path / "a.mkv", [frame], codec="ffv1", pix_fmt="yuv444p10le")
    with open_source(str(path), Sensor.IR) as source:
        assert "10-bit video as infrared" in source.info.notes[0]
        got = source.read()
    assert got is not None
    assert (got.image.dtype, np.unique(got.image).tolist()) == (np.uint8, [128])  # 127.5 to even


def test_coloured_infrared_becomes_luma_with_a_note(tmp_path, encode):
    frame = raw_frame("yuv420p", (64, 32), [126, 60, 200])
    path = encode(tmp_path / "a.mp4", [frame])
    with open_source(str(path), Sensor.IR) as source:
        assert source.info.notes == ("colour video as infrared: its luma is used",)
        got = source.read()
    assert got is not None
    assert np.unique(got.image).tolist() == [128]


def test_rgb_infrared_becomes_luma_with_a_note(tmp_path, encode):
    red = np.full((32, 64, 3), (255, 0, 0), np.uint8)
    path = encode(tmp_path / "a.mkv", [red], codec="ffv1", pix_fmt="bgr0", given="rgb24")
    with open_source(str(path), Sensor.IR) as source:
        assert "luma" in source.info.notes[0]
        got = source.read()
    assert got is not None
    assert np.unique(got.image).tolist() == [76]  # 0.299 * 255


@pytest.mark.parametrize("wh", [(64, 48), (65, 49)], ids=str)
def test_visible_pixels_of_a_lossless_file_are_kept(tmp_path, encode, wh):
    bgr = np.random.default_rng(4).integers(0, 256, (wh[1], wh[0], 3), np.uint8)
    path = encode(tmp_path / "a.mkv", [bgr], codec="ffv1", pix_fmt="bgr0", given="bgr24")
    [got] = read_all(path, Sensor.VIS)
    np.testing.assert_array_equal(got.image, bgr)


@pytest.mark.parametrize(
    ("yuv", "bgr"),
    [  # BT.601, limited range
        pytest.param((81, 90, 240), (0, 0, 255), id="red"),
        pytest.param((145, 54, 34), (0, 255, 0), id="green"),
        pytest.param((41, 240, 110), (255, 0, 0), id="blue"),
        pytest.param((235, 128, 128), (255, 255, 255), id="white"),
        pytest.param((16, 128, 128), (0, 0, 0), id="black"),
    ],
)
def test_visible_colours(tmp_path, encode, yuv, bgr):
    path = encode(
        tmp_path / "a.mp4", [raw_frame("yuv444p", (64, 32), list(yuv))], pix_fmt="yuv444p"
    )
    [got] = read_all(path, Sensor.VIS)
    assert got.image.shape == (32, 64, 3)
    np.testing.assert_allclose(got.image.reshape(-1, 3), [bgr] * (32 * 64), atol=2)


def test_grey_visible_is_told(tmp_path, encode, noise):
    frames = noise(1)
    path = encode(tmp_path / "a.mkv", frames, codec="ffv1", pix_fmt="gray")
    with open_source(str(path), Sensor.VIS) as source:
        assert source.info.notes == ("grey picture as visible: repeated in three channels",)
        got = source.read()
    assert got is not None
    np.testing.assert_array_equal(got.image, np.dstack(frames * 3))


@pytest.mark.parametrize(
    ("matrix", "turn"),
    [  # a, b, c, d of x' = a x + c y, y' = b x + d y; y points down
        pytest.param((0, 1, -1, 0), lambda p: p[::-1].T, id="quarter-clockwise"),
        pytest.param((-1, 0, 0, -1), lambda p: p[::-1, ::-1], id="half"),
        pytest.param((0, -1, 1, 0), lambda p: p.T[::-1], id="quarter-counter-clockwise"),
    ],
)
def test_display_matrix_turns_the_picture(tmp_path, encode, noise, matrix, turn):
    frames = noise(2)
    path = encode(tmp_path / "a.mp4", frames, pix_fmt="yuvj420p")
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    a, b, c, d = (v << 16 for v in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    with open_source(str(path), Sensor.IR) as source:
        got = source.read()
        assert got is not None
        assert source.info.size_wh == got.size_wh
    np.testing.assert_array_equal(got.image, turn(frames[0]))


def write_two_tracks(path, ir, vis) -> None:
    """Infrared first, 7 ms before the visible track."""
    with av.open(str(path), "w") as out:
        tracks = []
        for pix_fmt, image in (("gray16le", ir), ("bgr0", vis)):
            track = out.add_stream("ffv1", rate=30)
            track.width, track.height, track.pix_fmt = image.shape[1], image.shape[0], pix_fmt
            track.time_base = track.codec_context.time_base = Fraction(1, 1000)
            tracks.append(track)
        for index in range(3):
            for track, image, given, delay in zip(
                tracks, (ir + index, vis), ("gray16le", "bgr24"), (0, 7), strict=True
            ):
                frame = av.VideoFrame.from_ndarray(image, format=given)
                frame.pts, frame.time_base = 2000 + 40 * index + delay, Fraction(1, 1000)
                out.mux(track.encode(frame))
        for track in tracks:
            out.mux(track.encode(None))


def test_two_tracks_of_one_file_serve_both_sensors(tmp_path):
    path = tmp_path / "both.mkv"
    ir = np.random.default_rng(5).integers(0, 60000, (32, 48), np.uint16)
    vis = np.random.default_rng(6).integers(0, 256, (64, 80, 3), np.uint8)
    write_two_tracks(path, ir, vis)
    got_ir, got_vis = read_all(path), read_all(f"{path}?track=1", Sensor.VIS)
    assert [f.captured_ns for f in got_ir] == [0, 40_000_000, 80_000_000]
    assert [f.captured_ns for f in got_vis] == [7_000_000, 47_000_000, 87_000_000]
    np.testing.assert_array_equal(got_ir[2].image, ir + 2)
    np.testing.assert_array_equal(got_vis[0].image, vis)
    with pytest.raises(UsageError, match="no video track 2, it has 2") as caught:
        open_source(f"{path}?track=2", Sensor.IR)
    assert "track=1" in caught.value.hint


def test_info_of_an_mp4(tmp_path, encode, noise):
    path = encode(tmp_path / "a.mp4", noise(5))
    with open_source(str(path), Sensor.VIS) as source:
        info = source.info
    assert (info.kind, info.size_wh, info.bit_depth) == ("video", (96, 80), 8)
    assert (info.fps, info.frame_count, info.notes) == (30.0, 5, ())


def test_missing_time_stamps_fall_back_to_the_rate_with_a_note(tmp_path, encode, noise):
    path = encode(tmp_path / "a.h264", noise(3))  # a bare stream carries none; FFmpeg takes 25
    with open_source(str(path), Sensor.IR) as source:
        assert source.info.notes == (
            "frames without a time stamp are timed by the average rate of 25 frames/s",
        )
    assert [f.captured_ns for f in read_all(path)] == [0, 40_000_000, 80_000_000]


def test_closed_source_refuses_to_read(tmp_path, encode, noise):
    source = open_source(str(encode(tmp_path / "a.mp4", noise(2))), Sensor.IR)
    source.close()
    source.close()
    with pytest.raises(SourceError, match="is closed"):
        source.read()


@pytest.mark.parametrize("pix_fmt", ["nv12", "yuyv422"])
def test_camera_layouts_give_their_luma(tmp_path, encode, pix_fmt):
    """Luma 126 of limited range is grey 128; chroma is neutral."""
    frame = av.VideoFrame(64, 32, pix_fmt)
    if pix_fmt == "nv12":
        frame.planes[0].update(bytes([126]) * frame.planes[0].buffer_size)
        frame.planes[1].update(bytes([128]) * frame.planes[1].buffer_size)
    else:
        frame.planes[0].update(bytes([126, 128]) * (frame.planes[0].buffer_size // 2))
    path = encode(tmp_path / "a.nut", [frame], codec="rawvideo", pix_fmt=pix_fmt)
    with open_source(str(path), Sensor.IR) as source:
        assert source.info.notes == ()
        got = source.read()
    assert got is not None
    assert (got.image.shape, np.unique(got.image).tolist()) == ((32, 64), [128])


def test_synthetic_scene_is_opened_by_its_own_module(monkeypatch):
    module = types.ModuleType("fusion_rt.sources.synthetic")
    module.open_synthetic = lambda uri, sensor: (uri.path, dict(uri.options), sensor)
    monkeypatch.setitem(sys.modules, "fusion_rt.sources.synthetic", module)
    opened = open_source("synthetic:street?seed=2", Sensor.VIS)
    assert opened == ("street", {"seed": "2"}, Sensor.VIS)
