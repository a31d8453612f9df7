"""Pipelines that run: times, numbers, ends and faults."""

from __future__ import annotations

import gc
import itertools
import os
import threading
import time
from pathlib import Path

import pytest

from fusion_rt.camera_settings import CameraSettings
from fusion_rt.errors import SourceError
from fusion_rt.frame import FrameFlags, Sensor
from fusion_rt.sources.gst_library import gstreamer_missing, load_gst
from fusion_rt.sources.gstreamer import open_gst
from fusion_rt.sources.live import CameraLostError

LIVE = "videotestsrc is-live=true ! video/x-raw,format=GRAY8,width=64,height=48"
PATIENCE_S = 20.0  # bound on what a busy machine may take; never waited for where all is well


@pytest.fixture(autouse=True)
def real_gst():
    reason = gstreamer_missing()
    if reason:
        pytest.skip(reason)
    return load_gst()


def start(pipeline: str, sensor: Sensor = Sensor.IR):
    return open_gst(CameraSettings(uri=f"gst:{pipeline}"), sensor)


def frames_of(source, count: int) -> list:
    return list(itertools.islice(iter_frames(source), count))


def iter_frames(source):
    """Frames as they come, until the source raises; a test that waits too long fails."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        frame = source.poll(0.2)
        if frame is not None:
            yield frame
    raise AssertionError("no end within the patience")


def read_to_end(source) -> tuple[list, SourceError]:
    frames = []
    with pytest.raises(SourceError) as caught:
        frames.extend(iter_frames(source))
    return frames, caught.value


def test_facts_known_after_opening():
    with start(f"{LIVE},framerate=25/1") as source:
        info = source.info
        assert info.uri == f"gst:{LIVE},framerate=25/1"
        assert (info.kind, info.sensor, info.size_wh) == ("gst", Sensor.IR, (64, 48))
        assert (info.bit_depth, info.fps, info.clock) == (8, 25.0, "arrival")
        assert info.notes == ()


def test_frames_are_numbered_and_timed_on_the_monotonic_clock():
    before_ns = time.monotonic_ns()
    with start(f"{LIVE},framerate=100/1") as source:
        frames = frames_of(source, 20)
    after_ns = time.monotonic_ns()
    assert frames[0].seq == 0
    assert all(b.seq > a.seq for a, b in itertools.pairwise(frames))
    for a, b in itertools.pairwise(frames):
        # The source stamps at its own rate, whenever the frames are read.
        assert abs((b.captured_ns - a.captured_ns) - (b.seq - a.seq) * 10_000_000) < 1_000
    for frame in frames:
        assert before_ns <= frame.captured_ns <= frame.arrived_ns <= after_ns
        assert frame.begun_ns == frame.captured_ns
        assert frame.flags == FrameFlags.NONE


def test_capture_time_is_not_that_of_arrival():
    """A queue holds every frame back for 300 ms; the stamp stays that of the source."""
    hold = "queue min-threshold-time=300000000 max-size-buffers=0 max-size-bytes=0 max-size-time=0"
    with start(f"{LIVE},framerate=50/1 ! {hold}") as source:
        ages_ns = [frame.arrived_ns - frame.captured_ns for frame in frames_of(source, 5)]
    assert min(ages_ns) > 250_000_000  # 300 ms less the frame that ends the wait


def test_slow_reader_gets_the_newest_and_a_gap():
    with start(f"{LIVE},framerate=100/1") as source:
        first = frames_of(source, 1)[0]
        threading.Event().wait(1.0)  # the reader is away while a hundred frames come
        late, newer = frames_of(source, 2)
    # A queue of all of them would give number 1 now, a second old.
    assert late.seq - first.seq > 50
    assert late.captured_ns - first.captured_ns > 500_000_000
    assert newer.captured_ns > late.captured_ns


def test_reading_without_waiting():
    with start(f"{LIVE},framerate=1/1") as source:
        frames_of(source, 1)
        assert source.poll(0.0) is None


def test_a_source_that_is_not_live_plays_at_its_own_pace():
    pipeline = "videotestsrc num-buffers=6 ! video/x-raw,width=32,height=32,framerate=20/1"
    with start(pipeline) as source:
        assert "its source is not live: it is played at its own pace" in source.info.notes
        frames, error = read_to_end(source)
    assert isinstance(error, CameraLostError)
    for a, b in itertools.pairwise(frames):
        assert abs((b.captured_ns - a.captured_ns) - (b.seq - a.seq) * 50_000_000) < 1_000
    # Otherwise all would have come at once, five of them before their time.
    assert frames[-1].arrived_ns - frames[0].captured_ns > 200_000_000


@pytest.mark.parametrize(
    ("pipeline", "lost", "words", "frames"),
    [
        pytest.param(f"{LIVE} ! identity eos-after=6", True, "the stream has ended", 5, id="end"),
        pytest.param(
            f"{LIVE} ! identity name=breaker error-after=6",
            True,
            "breaker: Failed after iterations as requested",
            5,
            id="element-fails-while-running",
        ),
    ],
)
def test_what_ends_a_running_stream(pipeline, lost, words, frames):
    with start(pipeline) as source:
        got, error = read_to_end(source)
        assert isinstance(error, CameraLostError) is lost
        assert words in str(error)
        assert error.hint
        with pytest.raises(type(error)):  # and it stays so
            source.poll(0.0)
    assert 1 <= len(got) <= frames


@pytest.mark.parametrize(
    ("pipeline", "lost", "words"),
    [
        pytest.param(
            "filesrc location=/no/such/film.mkv ! matroskademux ! h264parse ! avdec_h264",
            True,
            'No such file "/no/such/film.mkv"',
            id="missing-file",
        ),
        pytest.param(
            "v4l2src device=/dev/video63 ! videoconvert",
            True,
            "Cannot identify device '/dev/video63': system error: No such file or directory",
            id="missing-device",
        ),
        pytest.param(
            "videotestsrc ! decodebin ! video/x-bayer", False, "not-linked", id="ends-do-not-meet"
        ),
        pytest.param(f"{LIVE} ! identity drop-probability=1", True, "no picture within", id="mute"),
    ],
)
def test_what_cannot_be_opened(monkeypatch, pipeline, lost, words):
    monkeypatch.setattr("fusion_rt.sources.gstreamer._FIRST_FRAME_S", 1.0)
    with pytest.raises(SourceError) as caught:
        start(pipeline)
    assert isinstance(caught.value, CameraLostError) is lost
    assert words in str(caught.value)
    assert caught.value.hint


def test_password_in_a_pipeline_is_never_shown(monkeypatch):
    monkeypatch.setattr("fusion_rt.sources.gstreamer._FIRST_FRAME_S", 5.0)
    with pytest.raises(SourceError) as caught:
        start("rtspsrc location=rtsp://me:geheim@127.0.0.1:9/a ! decodebin")
    assert "geheim" not in str(caught.value) + caught.value.hint
    assert "rtsp://me:***@127.0.0.1:9/a" in str(caught.value)


def test_size_and_format_may_change_in_mid_stream():
    parts = " ".join(
        f"videotestsrc num-buffers=4 pattern=white ! video/x-raw,format={f},width={w},height={h},"
        "framerate=20/1 ! c."
        for f, w, h in (("GRAY8", 64, 48), ("GRAY16_LE", 64, 48), ("I420", 33, 21))
    )
    with start(f"concat name=c {parts} c.") as source:
        assert source.info.size_wh == (64, 48)
        frames, _ = read_to_end(source)
    kinds = [(frame.image.shape, frame.image.dtype.name) for frame in frames]
    assert list(dict.fromkeys(kinds)) == [
        ((48, 64), "uint8"),
        ((48, 64), "uint16"),
        ((21, 33), "uint8"),
    ]


def test_closed_source():
    source = start(LIVE)
    source.close()
    source.close()
    with pytest.raises(SourceError, match="was closed"):
        source.poll(0.0)


def test_close_does_not_wait_for_a_driver_that_hangs(monkeypatch):
    monkeypatch.setattr("fusion_rt.sources.gst_run._STOP_S", 0.05)
    source = start(LIVE)
    answer = threading.Event()
    pipeline = source._run.pipeline

    class Hanging:
        def set_state(self, state):
            assert answer.wait(PATIENCE_S)
            return pipeline.set_state(state)

    source._run.pipeline = Hanging()
    try:
        assert source._run.stop() is False
    finally:
        answer.set()
    for thread in threading.enumerate():
        if thread.name.startswith("stop "):
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


def handles_and_threads() -> tuple[int, int]:
    gc.collect()
    return len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts by Linux's /proc")
def test_opening_and_closing_leaks_nothing():
    def cycle():
        with start(LIVE) as source:
            frames_of(source, 1)

    for _ in range(3):  # what stays for good: GStreamer's pool of idle threads, tables
        cycle()
    handles, threads = handles_and_threads()
    for _ in range(20):
        cycle()
    after_handles, after_threads = handles_and_threads()
    # One left behind by each cycle would make twenty.
    assert after_handles - handles < 10
    assert after_threads - threads < 10


def test_failed_opening_leaks_nothing():
    def cycle():
        with pytest.raises(CameraLostError):
            start("filesrc location=/no/such/film.mkv ! matroskademux ! h264parse ! avdec_h264")

    for _ in range(3):
        cycle()
    handles, threads = handles_and_threads()
    for _ in range(20):
        cycle()
    after_handles, after_threads = handles_and_threads()
    assert after_handles - handles < 10
    assert after_threads - threads < 10
