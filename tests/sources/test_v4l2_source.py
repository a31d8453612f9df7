"""A running camera: what comes, what is lost, how it ends. The driver is made of plain data."""

from __future__ import annotations

import errno

import cv2
import numpy as np
import pytest
from fake_v4l2 import (
    MS,
    START_NS,
    UVC_STAMPS,
    Breaks,
    Burst,
    FakeCamera,
    FakeSystem,
    Mode,
    Shot,
    Signal,
    Unplug,
)

from fusion_rt.camera_settings import CameraSettings
from fusion_rt.errors import SourceError
from fusion_rt.frame import Sensor
from fusion_rt.sources.live import CameraLostError
from fusion_rt.sources.v4l2 import kernel
from fusion_rt.sources.v4l2.open import open_camera
from fusion_rt.sources.v4l2.source import V4l2Source
from fusion_rt.sources.v4l2.stamps import SequenceCounter

WH = (16, 8)
Y16 = Mode("Y16", [(WH, [30])])
ERROR = kernel.BUF_FLAG_ERROR


@pytest.fixture
def system(tmp_path):
    system = FakeSystem(tmp_path)
    system.node(0, "Test camera")
    return system


@pytest.fixture
def start(system):
    """Opens the camera; checks afterwards that all was given back."""
    opened: list[tuple[FakeCamera, V4l2Source]] = []

    def run(*events, modes=(Y16,), sensor=Sensor.IR, raw16=False, **facts) -> V4l2Source:
        camera = FakeCamera(modes, events=list(events), **facts)
        source = open_camera(
            CameraSettings(uri=f"v4l2:{system.roots.dev}/video0"),
            sensor,
            raw16=raw16,
            device_type=camera.device,
            roots=system.roots,
            now_ns=camera.now_ns,
        )
        opened.append((camera, source))
        return source

    yield run
    for camera, source in opened:
        source.close()
        source.close()  # a second time does no harm
        assert camera.leaks() == []


def counts(value: int) -> bytes:
    """A picture of 16-bit counts, all alike."""
    return np.full(WH[::-1], value, "<u2").tobytes()


def burst(*values: int, after_ms: float = 33) -> Burst:
    return Burst(tuple(Shot(counts(value)) for value in values), after_ms)


def values(source: V4l2Source, polls: int, timeout_s: float = 0.1) -> list[int | None]:
    """What each poll gives: the grey level, None for nothing."""
    frames = [source.poll(timeout_s) for _ in range(polls)]
    return [None if frame is None else int(frame.image[0, 0]) for frame in frames]


def test_pictures_come_with_the_drivers_time_and_number(start):
    source = start(burst(100), burst(200))
    first, second = source.poll(0.1), source.poll(0.1)
    assert (first.image == 100).all()
    assert (second.image == 200).all()
    assert second.image.dtype == np.uint16
    assert second.size_wh == WH
    assert (first.seq, second.seq) == (0, 1)
    assert first.captured_ns == START_NS + 28 * MS  # arrived after 33 ms, stamped 5 ms before
    assert second.captured_ns - first.captured_ns == 33 * MS
    assert first.begun_ns == first.captured_ns
    assert first.arrived_ns == START_NS + 33 * MS
    assert source.info.clock == "driver"
    assert "start of exposure" in source.info.notes[-1]


def test_a_late_reader_gets_the_newest_and_the_rest_goes_back_to_the_driver(start):
    source = start(burst(1), burst(2, 3, 4), burst(5))
    assert values(source, 3) == [1, 4, 5]
    node = source._opened.device
    assert sorted(node.queued) == [0, 1, 2, 3]


def test_passed_over_and_unstored_pictures_are_gaps(start):
    # Six arrive, four have room: those without are counted by the driver alone.
    source = start(burst(1), burst(2, 3, 4, 5, 6, 7), burst(8))
    frames = [source.poll(0.1) for _ in range(3)]
    assert [frame.seq for frame in frames] == [0, 4, 7]
    assert [int(frame.image[0, 0]) for frame in frames] == [1, 5, 8]


def test_number_goes_on_where_the_drivers_begins_anew_at_2_to_32(start):
    last = (1 << 32) - 1
    source = start(
        Burst((Shot(counts(1), sequence=last - 1),)),
        Burst((Shot(counts(2), sequence=last),)),
        Burst((Shot(counts(3), sequence=1),)),  # 0 was lost
    )
    assert [source.poll(0.1).seq for _ in range(3)] == [last - 1, last, last + 2]


@pytest.mark.parametrize(
    ("sequences", "numbers"),
    [
        pytest.param([0, 0, 0, 0], [0, 1, 2, 3], id="driver-does-not-count"),
        pytest.param([7, 8, 0, 1], [7, 8, 9, 10], id="driver-begins-anew"),
        pytest.param([0, 3, 4], [0, 3, 4], id="gap"),
        pytest.param([2**32 - 1, 0, 5], [2**32 - 1, 2**32, 2**32 + 5], id="wrap-around"),
    ],
)
def test_sequence_counter(sequences, numbers):
    counter = SequenceCounter()
    assert [counter.next(sequence) for sequence in sequences] == numbers


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param({"flags": ERROR}, id="driver-says-damaged"),
        pytest.param({"used": WH[0] * WH[1] * 2 - 1}, id="a-byte-short"),
        pytest.param({"used": 0}, id="empty"),
        pytest.param({"flags": ERROR, "used": 0}, id="empty-and-damaged"),
    ],
)
def test_damaged_pictures_are_left_out_and_leave_a_gap(start, damage):
    source = start(burst(1), Burst((Shot(counts(2), **damage),)), burst(3))
    frames = [source.poll(0.1), source.poll(0.1)]
    assert [(frame.seq, int(frame.image[0, 0])) for frame in frames] == [(0, 1), (2, 3)]
    assert len(source._opened.device.queued) == 4


def test_a_damaged_newest_does_not_hide_the_whole_one_before(start):
    source = start(Burst((Shot(counts(1)), Shot(counts(2)), Shot(counts(3), flags=ERROR))))
    assert values(source, 2) == [2, None]


@pytest.mark.parametrize(
    ("stamps", "stamp_ns", "captured_ns", "clock", "words"),
    [
        pytest.param(UVC_STAMPS, START_NS, START_NS, "driver", "start of exposure", id="start"),
        pytest.param(
            kernel.BUF_FLAG_TIMESTAMP_MONOTONIC,
            START_NS + 2 * MS,
            START_NS + 2 * MS,
            "driver",
            "end of the frame",
            id="end",
        ),
        pytest.param(0, START_NS, START_NS + 33 * MS, "arrival", "arrival", id="unknown-clock"),
        pytest.param(0x4000, START_NS, START_NS + 33 * MS, "arrival", "arrival", id="copied"),
        pytest.param(UVC_STAMPS, 0, START_NS + 33 * MS, "driver", "driver", id="unset"),
        pytest.param(
            UVC_STAMPS, START_NS + 99 * MS, START_NS + 33 * MS, "driver", "driver", id="in-future"
        ),
    ],
)
def test_time_stamps(start, stamps, stamp_ns, captured_ns, clock, words):
    source = start(Burst((Shot(counts(1), stamp_ns=stamp_ns),)), stamps=stamps)
    assert source.poll(0.1).captured_ns == captured_ns
    assert source.info.clock == clock
    assert words in source.info.notes[-1]


def test_a_silent_camera_costs_the_time_that_was_asked_for_and_no_more(start):
    source = start(burst(1, after_ms=250))
    node = source._opened.device
    assert values(source, 3) == [None, None, 1]
    assert node.camera.now == START_NS + 250 * MS


def test_nothing_is_waited_for_without_time(start):
    source = start(burst(1, after_ms=0))
    assert source.poll(0) is None
    source._opened.device.wait(0)
    assert source.poll(0).seq == 0


@pytest.mark.parametrize("number", [errno.ENODEV, errno.EPIPE, errno.EIO, errno.EPROTO])
def test_a_camera_that_breaks_in_mid_stream_is_lost(start, number):
    source = start(burst(1), Breaks(number))
    assert values(source, 1) == [1]
    with pytest.raises(CameraLostError, match="video0: the camera is gone") as caught:
        source.poll(0.1)
    assert caught.value.hint


def test_unplugged_while_waiting(start):
    source = start(burst(1), Unplug())
    assert values(source, 1) == [1]
    with pytest.raises(CameraLostError, match="No such device"):
        source.poll(0.1)
    with pytest.raises(CameraLostError):
        source.poll(0.1)


def test_a_fault_without_a_reason_is_a_lost_camera_not_a_busy_loop(start):
    source = start(burst(1), Signal())
    assert values(source, 1) == [1]
    with pytest.raises(CameraLostError, match="gives no more pictures"):
        source.poll(0.1)


@pytest.mark.parametrize(
    ("by_name", "told"), [(False, True), (True, False)], ids=["by-number", "by-name"]
)
def test_a_lost_camera_is_told_how_to_be_found_again(tmp_path, by_name, told):
    system = FakeSystem(tmp_path)
    path = system.node(0, "Boson", by_id="usb-FLIR_Boson_77-video-index0")
    camera = FakeCamera([Y16], events=[Breaks(errno.ENODEV)])
    source = open_camera(
        CameraSettings(uri=f"v4l2:{'usb-FLIR_Boson' if by_name else path}"),
        Sensor.IR,
        device_type=camera.device,
        roots=system.roots,
        now_ns=camera.now_ns,
    )
    with source, pytest.raises(CameraLostError) as caught:
        source.poll(0.1)
    assert ("v4l2:usb-FLIR_Boson_77-video-index0" in caught.value.hint) is told


def test_another_error_of_the_kernel_is_told_with_its_words(start):
    source = start(Breaks(errno.ENOMEM))
    with pytest.raises(SourceError, match="reading failed: Cannot allocate memory") as caught:
        source.poll(0.1)
    assert not isinstance(caught.value, CameraLostError)


def test_a_closed_camera_says_so(start):
    source = start(burst(1))
    source.close()
    with pytest.raises(SourceError, match="was closed"):
        source.poll(0.1)


def test_pictures_outlive_their_buffer_and_the_camera(start):
    source = start(burst(1), burst(2, 3, 4), burst(5, 6, 7))
    first = source.poll(0.1)
    assert values(source, 2) == [4, 7]
    source.close()
    assert (first.image == 1).all()


def test_padding_of_lines_is_no_picture(start):
    rows = np.full((WH[1], WH[0] * 2 + 12), 0xEE, np.uint8)
    truth = np.arange(WH[0] * WH[1], dtype="<u2").reshape(WH[::-1])
    rows[:, : WH[0] * 2] = truth.view(np.uint8).reshape(WH[1], -1)
    source = start(Burst((Shot(rows.tobytes()),)), padding=12)
    np.testing.assert_array_equal(source.poll(0.1).image, truth)


def test_counts_in_disguise(start):
    yuyv = Mode("YUYV", [(WH, [25])])
    source = start(burst(18_500), modes=[yuyv], raw16=True)
    frame = source.poll(0.1)
    assert frame.image.dtype == np.uint16
    assert (frame.image == 18_500).all()
    assert source.info.bit_depth == 16


def test_torn_jpeg_is_a_gap(start):
    picture = np.tile(np.arange(0, 256, 2, np.uint8), (96, 1))
    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
    shots = [Shot(jpeg), Shot(jpeg[: len(jpeg) // 2]), Shot(b""), Shot(jpeg)]
    mode = Mode("MJPG", [((128, 96), [30])])
    source = start(*(Burst((shot,)) for shot in shots), modes=[mode], sensor=Sensor.VIS)
    frames = [source.poll(0.1), source.poll(0.1)]
    assert [frame.seq for frame in frames] == [0, 3]
    for frame in frames:
        np.testing.assert_allclose(frame.image, np.dstack([picture] * 3), atol=6)
    assert len(source._opened.device.queued) == 4


def test_an_error_while_converting_leaves_nothing_mapped(start, monkeypatch):
    source = start(burst(1))

    def fails(data):
        view = data[4:]
        raise MemoryError(f"{len(view)} bytes")

    object.__setattr__(source._opened, "read", fails)
    camera = source._opened.device.camera
    with pytest.raises(MemoryError) as caught:
        source.poll(0.1)
    # The error, and with it its traceback, is alive while the camera is closed.
    source.close()
    assert camera.leaks() == []
    assert "bytes" in str(caught.value)
