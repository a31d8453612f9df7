from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from fusion_rt.errors import SourceError, TruncatedSourceError
from fusion_rt.frame import Sensor
from fusion_rt.sources import open_source
from fusion_rt.sources.completeness import missing_bytes

FAST_START = {"movflags": "faststart"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
INTRA = {"g": "1"}  # every frame by itself, so that sizes are even and the break is predictable


def collect(source, frames: list) -> None:
    while (frame := source.read()) is not None:
        frames.append(frame)


def read_to_break(path, sensor: Sensor = Sensor.IR):
    frames = []
    with open_source(str(path), sensor) as source:
        with pytest.raises(TruncatedSourceError) as caught:
            collect(source, frames)
        with pytest.raises(TruncatedSourceError):
            source.read()
    return frames, caught.value


@pytest.mark.parametrize(
    ("file", "settings"),
    [
        pytest.param("a.mp4", {"container": FAST_START}, id="mp4-index-first"),
        pytest.param("a.mp4", {"container": FRAGMENTS}, id="mp4-fragments"),
        pytest.param("a.mkv", {}, id="mkv"),
        pytest.param("a.mkv", {"container": {"live": "1"}}, id="mkv-never-finished"),
        pytest.param("a.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}, id="avi-mjpeg"),
        pytest.param("a.mkv", {"codec": "ffv1", "pix_fmt": "gray16le"}, id="raw-pair-recording"),
    ],
)
def test_cut_file_delivers_every_good_frame_then_says_where(
    tmp_path, encode, noise, cut, file, settings
):
    deep = settings.get("pix_fmt") == "gray16le"
    given = noise(40, dtype=np.uint16 if deep else np.uint8)
    options = {} if "codec" in settings else {"options": INTRA}
    path = encode(
        tmp_path / file, given, given="gray16le" if deep else "gray", **options, **settings
    )
    with open_source(str(path), Sensor.IR) as whole:
        expected = [frame.image for frame in iter(whole.read, None)]
    assert len(expected) == 40

    frames, error = read_to_break(cut(path, 0.6))
    assert 21 <= len(frames) <= 24  # 60 % of 40, less what the cut frame and the index take
    for frame, image in zip(frames, expected, strict=False):
        np.testing.assert_array_equal(frame.image, image)
    last = len(frames) - 1
    assert f"cut_{file} breaks off after frame {last} ({last / 30:.3f} s): " in str(error)
    assert error.hint


def test_frames_that_wait_in_the_decoder_are_not_lost(tmp_path, encode, noise, cut):
    # Only a lossy preset that knows B-frames gives frames in another order than they are shown.
    lossy = {"preset": "medium", "qp": "20", "bf": "2", "g": "10"}
    path = encode(tmp_path / "a.mp4", noise(30), container=FAST_START, options=lossy)
    with av.open(str(path)) as container:
        assert any(p.pts != p.dts for p in container.demux(video=0) if p.size)
    part = cut(path, 0.7)
    with av.open(str(part)) as container:
        whole_packets = sum(1 for p in container.demux(video=0) if p.size and not p.is_corrupt)
    frames, _ = read_to_break(part)
    assert len(frames) == whole_packets


def test_changed_bytes_end_at_the_last_sound_frame(tmp_path, encode, noise):
    path = encode(tmp_path / "a.mp4", noise(20), container=FAST_START, options=INTRA)
    with av.open(str(path)) as container:
        packet = [p for p in container.demux(video=0) if p.size][12]
        middle = packet.pos + packet.size // 2
    data = bytearray(path.read_bytes())
    data[middle : middle + 400] = bytes(b ^ 0x5A for b in data[middle : middle + 400])
    path.write_bytes(data)
    frames, error = read_to_break(path)
    assert len(frames) == 12
    assert "after frame 11 (0.367 s): " in str(error)


def test_lost_tail_of_a_whole_looking_mkv_is_seen_by_its_duration(tmp_path, encode, noise):
    """Its size is made unknown and the cut lies between clusters: only the duration tells."""
    path = encode(tmp_path / "a.mkv", noise(40), options=INTRA)
    data = bytearray(path.read_bytes())
    segment = data.index(b"\x18\x53\x80\x67") + 4
    data[segment : segment + 8] = b"\x01" + b"\xff" * 7
    clusters = [i for i in range(len(data) - 4) if data[i : i + 4] == b"\x1f\x43\xb6\x75"]
    assert len(clusters) == 40  # one for every key frame
    path.write_bytes(data[: clusters[20]])
    assert missing_bytes(path) == 0
    frames, error = read_to_break(path)
    assert len(frames) == 20
    assert "its header promises 1.333 s" in str(error)


def test_time_stamps_that_run_backwards(tmp_path, encode, noise):
    source = encode(tmp_path / "p.avi", noise(4), codec="mjpeg", pix_fmt="yuvj420p")
    path = tmp_path / "a.mkv"
    with av.open(str(source)) as container, av.open(str(path), "w") as out:
        track = out.add_stream("mjpeg", rate=30)
        track.width, track.height, track.pix_fmt = 96, 80, "yuvj420p"
        packets = [p for p in container.demux(video=0) if p.size]
        for dts, (packet, pts) in enumerate(zip(packets, (100, 200, 300, 150), strict=True)):
            packet.stream = track
            packet.time_base = Fraction(1, 1000)
            packet.pts, packet.dts = pts, dts
            out.mux(packet)
    frames, error = read_to_break(path)
    assert [f.captured_ns for f in frames] == [0, 100_000_000, 200_000_000]
    assert "after frame 2 (0.200 s): the next time stamp goes back to 0.050 s" in str(error)


def test_changed_size_names_both(tmp_path, encode, noise):
    first = encode(tmp_path / "p.h264", noise(3))
    second = encode(tmp_path / "q.h264", noise(3, wh=(64, 48)))
    path = tmp_path / "a.h264"
    path.write_bytes(first.read_bytes() + second.read_bytes())
    with open_source(str(path), Sensor.IR) as source:
        assert [source.read() is not None for _ in range(3)] == [True] * 3
        with pytest.raises(SourceError, match="from 96x80 to 64x48 after frame 2"):
            source.read()


@pytest.mark.parametrize("kept", [4, 40, 400, 2000])
def test_cut_inside_the_first_frame_is_an_error_and_no_crash(tmp_path, encode, noise, kept):
    path = encode(tmp_path / "a.mp4", noise(5), container=FAST_START)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"mdat") + kept])
    with pytest.raises(SourceError, match=r"a\.mp4"):
        open_source(str(path), Sensor.IR)


def test_track_without_decoder_is_refused(tmp_path, encode, noise):
    path = encode(tmp_path / "a.mp4", noise(2))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(SourceError, match="video track 0 cannot be decoded"):
        open_source(str(path), Sensor.IR)


def write_sound(path) -> None:
    with av.open(str(path), "w") as out:
        track = out.add_stream("pcm_s16le", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(
            np.zeros((1, 800), np.int16), format="s16", layout="mono"
        )
        frame.rate = 8000
        out.mux(track.encode(frame))
        out.mux(track.encode(None))


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        pytest.param("gone.mp4", None, "gone.mp4 does not exist", id="missing"),
        pytest.param("e.mp4", lambda p: p.touch(), "e.mp4 is empty", id="empty"),
        pytest.param("t.mp4", lambda p: p.write_text("hello\n" * 99), "as a video", id="text-mp4"),
        pytest.param("t.asc", lambda p: p.write_text("hello\n" * 99), "t.asc", id="text"),
        pytest.param("n.mkv", lambda p: p.write_bytes(bytes(9999)), "as a video", id="zeros"),
        pytest.param("s.mkv", write_sound, "it holds 1 audio (pcm_s16le)", id="sound-only"),
    ],
)
def test_no_video_has_one_clear_line(tmp_path, capfd, name, make, message):
    if make:
        make(tmp_path / name)
    with pytest.raises(SourceError) as caught:
        open_source(str(tmp_path / name), Sensor.IR)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


def test_mp4_cut_before_its_index_says_so(tmp_path, encode, noise, cut):
    with pytest.raises(SourceError) as caught:
        open_source(str(cut(encode(tmp_path / "a.mp4", noise(9)), 0.5)), Sensor.IR)
    assert "cut off before its index" in caught.value.hint


@pytest.mark.parametrize("file", ["a.mp4", "a.mov", "a.mkv", "a.avi"])
@pytest.mark.parametrize("lost", [0, 1000])
def test_missing_bytes_are_counted(tmp_path, encode, noise, file, lost):
    settings = {"codec": "mjpeg", "pix_fmt": "yuvj420p"} if file == "a.avi" else {}
    container = FAST_START if file in ("a.mp4", "a.mov") else None
    path = encode(tmp_path / file, noise(10), container=container, **settings)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - lost])
    assert missing_bytes(path) == lost


def test_file_that_does_not_say_its_length_misses_nothing(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"nothing known here" * 9)
    assert missing_bytes(path) == 0
