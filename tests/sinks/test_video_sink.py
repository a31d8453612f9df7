from __future__ import annotations

import errno
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from full_disk import fill_disk

from fusion_rt.errors import FileWriteError, SinkError, UsageError
from fusion_rt.sinks import video
from fusion_rt.sinks.video import VideoSink, rescue

TICK = Fraction(1, 90_000)


def textured(size_wh: tuple[int, int], seed: int) -> np.ndarray:
    width, height = size_wh
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def write_film(path: Path, times_ns: list[int], size_wh=(64, 48), **options) -> VideoSink:
    sink = VideoSink(path, size_wh, **options)
    for index, time_ns in enumerate(times_ns):
        sink.write(np.full((size_wh[1], size_wh[0], 3), 40 + index % 100, np.uint8), time_ns)
    sink.close()
    return sink


def read_times(path: Path) -> tuple[list[Fraction], Fraction, list[bool]]:
    """Show times, duration of the stream in seconds, and which pictures are keyframes."""
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        frames = list(film.decode(video=0))
        duration = stream.duration * stream.time_base
        assert film.duration == pytest.approx(float(duration) * 1e6, abs=1)
        return [f.pts * f.time_base for f in frames], duration, [f.key_frame for f in frames]


THIRTY = [round(i * 1e9 / 30) for i in range(90)]


@pytest.mark.parametrize(
    ("times_ns", "expected_s", "duration_s"),
    [
        pytest.param(
            [10**15 + t for t in THIRTY],
            [Fraction(i, 30) for i in range(90)],
            Fraction(3),
            id="30-fps-counts-from-the-first-picture",
        ),
        pytest.param(
            [0, 40_000_000, 140_000_000, 150_000_000, 2_150_000_000],
            [Fraction(0), Fraction(1, 25), Fraction(7, 50), Fraction(3, 20), Fraction(43, 20)],
            Fraction(83, 20),  # the last picture lasts two seconds, as the one before it
            id="variable-intervals-are-kept",
        ),
        pytest.param(
            [0, 111_111_111, 222_222_222],
            [Fraction(0), Fraction(1, 9), Fraction(2, 9)],
            Fraction(1, 3),
            id="9-fps-thermal-camera",
        ),
        pytest.param([7], [Fraction(0)], Fraction(1, 20), id="a-single-picture-lasts-1/fps_hint"),
    ],
)
def test_time_stamps_and_duration_are_those_of_the_pictures(
    tmp_path, times_ns, expected_s, duration_s
):
    write_film(tmp_path / "film.mp4", times_ns, fps_hint=20)
    times, duration, _ = read_times(tmp_path / "film.mp4")
    assert len(times) == len(expected_s)
    assert max(abs(a - b) for a, b in zip(times, expected_s, strict=True)) <= TICK / 2
    assert abs(duration - duration_s) <= TICK


def test_two_pictures_within_one_tick_stay_two_pictures(tmp_path):
    write_film(tmp_path / "film.mp4", [0, 1000, 2000, 50_000_000])
    times, _, _ = read_times(tmp_path / "film.mp4")
    assert times == [0 * TICK, 1 * TICK, 2 * TICK, 4500 * TICK]


def test_a_keyframe_comes_each_second_whatever_the_frame_rate(tmp_path):
    times_ns = [i * 100_000_000 for i in range(25)]  # 10 frames/s
    write_film(tmp_path / "film.mp4", times_ns)
    _, _, keys = read_times(tmp_path / "film.mp4")
    assert [i for i, key in enumerate(keys) if key] == [0, 10, 20]


@pytest.mark.parametrize("size_wh", [(640, 480), (1280, 720)], ids=["sd", "hd"])
def test_colours_come_back(tmp_path, size_wh):
    colours = np.array(list(itertools.product((0, 85, 170, 255), repeat=3)), np.uint8)
    width, height = size_wh
    chart = np.kron(
        colours.reshape(8, 8, 3), np.ones((height // 8, width // 8, 1), np.uint8)
    ).astype(np.uint8)
    sink = VideoSink(tmp_path / "film.mp4", size_wh)
    for index in range(3):
        sink.write(chart, index * 40_000_000)
    sink.close()
    with av.open(str(tmp_path / "film.mp4")) as film:
        codec = film.streams.video[0].codec_context
        frame = next(film.decode(video=0))
        back = frame.to_ndarray(format="bgr24")
        # ITU-T H.273: matrix 6 is BT.601, primaries and transfer 1 are BT.709, range 1 is limited.
        tags = (codec.colorspace, codec.color_primaries, codec.color_trc, codec.color_range)
    assert tags == (6, 1, 1, 1)
    middles = back[height // 16 :: height // 8, width // 16 :: width // 8].reshape(-1, 3)
    assert np.abs(middles.astype(int) - colours).max() <= 6
    # The luma plane by the formula of BT.601: independent of how the reader converts.
    luma = 16 + colours @ np.array([0.114, 0.587, 0.299]) * 219 / 255
    plane = frame.to_ndarray()[:height]
    got = plane[height // 16 :: height // 8, width // 16 :: width // 8].ravel()
    assert np.abs(got - luma).max() <= 3


@pytest.mark.parametrize(
    ("size_wh", "coded_wh"),
    [
        pytest.param((65, 64), (66, 64), id="odd-width"),
        pytest.param((64, 67), (64, 68), id="odd-height"),
        pytest.param((81, 65), (82, 66), id="both"),
    ],
)
def test_odd_sizes_get_their_edge_twice(tmp_path, size_wh, coded_wh):
    width, height = size_wh
    ramp = np.linspace(30, 220, width)[None, :, None] + np.zeros((height, 1, 3))
    sink = VideoSink(tmp_path / "film.mp4", size_wh)
    sink.write(ramp.astype(np.uint8), 0)
    sink.close()
    assert sink.coded_wh == coded_wh
    with av.open(str(tmp_path / "film.mp4")) as film:
        back = next(film.decode(video=0)).to_ndarray(format="bgr24").astype(int)
    assert back.shape == (coded_wh[1], coded_wh[0], 3)
    assert np.abs(back[:height, :width] - ramp).max() <= 12
    assert np.abs(back[:, -1] - back[:, width - 1]).max() <= 12


def test_odd_sizes_stay_where_they_are(tmp_path):
    picture = np.full((65, 65, 3), 40, np.uint8)
    picture[:, 33:] = 210  # an edge between columns 32 and 33
    sink = VideoSink(tmp_path / "film.mp4", (65, 65), crf=1)
    sink.write(picture, 0)
    sink.close()
    with av.open(str(tmp_path / "film.mp4")) as film:
        back = next(film.decode(video=0)).to_ndarray(format="gray")
    assert back[30, 32] < 90
    assert back[30, 33] > 160


def test_encoder_that_does_not_start_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setitem(video._ENCODER_OPTIONS, "preset", "no-such-preset")
    with pytest.raises(SinkError, match=r"cannot write .*film\.mp4"):
        VideoSink(tmp_path / "film.mp4", (64, 48))
    assert os.listdir(tmp_path) == []


def test_the_picture_is_not_changed_and_may_be_a_view(tmp_path):
    picture = textured((128, 96), 1)
    before = picture.copy()
    sink = VideoSink(tmp_path / "film.mp4", (64, 48))
    sink.write(picture[::2, ::2], 0)
    sink.close()
    np.testing.assert_array_equal(picture, before)


def test_the_file_appears_only_when_closed(tmp_path):
    target = tmp_path / "new" / "folder" / "film.mp4"
    sink = VideoSink(target, (64, 48))
    sink.write(textured((64, 48), 0), 0)
    assert os.listdir(target.parent) == ["film.part.mp4"]
    sink.close()
    assert os.listdir(target.parent) == ["film.mp4"]
    sink.close()
    sink.discard()
    assert os.listdir(target.parent) == ["film.mp4"]
    with pytest.raises(SinkError, match="closed already"):
        sink.write(textured((64, 48), 0), 1)


def test_discard_leaves_nothing_and_spares_an_older_file(tmp_path):
    target = tmp_path / "film.mp4"
    target.write_bytes(b"older")
    sink = VideoSink(target, (64, 48))
    sink.write(textured((64, 48), 0), 0)
    sink.discard()
    sink.discard()
    sink.close()
    assert os.listdir(tmp_path) == ["film.mp4"]
    assert target.read_bytes() == b"older"


def test_without_any_picture_there_is_no_file(tmp_path):
    VideoSink(tmp_path / "film.mp4", (64, 48)).close()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        pytest.param(np.zeros((48, 66, 3), np.uint8), r"64x48 .* \(48, 66, 3\)", id="other-size"),
        pytest.param(np.zeros((48, 64), np.uint8), r"64x48 .* \(48, 64\)", id="grey"),
        pytest.param(np.zeros((48, 64, 3), np.uint16), "64x48 .* uint16", id="16-bit"),
    ],
)
def test_another_picture_than_promised_is_refused(tmp_path, picture, said):
    sink = VideoSink(tmp_path / "film.mp4", (64, 48))
    with pytest.raises(SinkError, match=said):
        sink.write(picture, 0)
    sink.discard()


def test_time_that_stands_still_is_refused(tmp_path):
    sink = VideoSink(tmp_path / "film.mp4", (64, 48))
    sink.write(textured((64, 48), 0), 5)
    with pytest.raises(SinkError, match="at 5 ns came after one at 5 ns"):
        sink.write(textured((64, 48), 0), 5)
    sink.discard()


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        pytest.param("film.avi", {}, "MP4 only", id="other-format"),
        pytest.param("film.mp4", {"crf": 60}, "from 0 to 51", id="quality-out-of-range"),
    ],
)
def test_wrong_use_is_told_at_opening(tmp_path, name, options, said):
    with pytest.raises(UsageError, match=said):
        VideoSink(tmp_path / name, (64, 48), **options)
    assert os.listdir(tmp_path) == []


def test_a_build_without_encoder_is_told_with_its_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(av, "codecs_available", {"mpeg4", "h264"})
    with pytest.raises(SinkError, match=r"no H\.264 encoder") as caught:
        VideoSink(tmp_path / "film.mp4", (64, 48))
    assert "pip install" in caught.value.hint
    assert os.listdir(tmp_path) == []


# --- what the disk does -------------------------------------------------------------------------


def test_a_file_in_the_way_of_the_folder(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(SinkError, match=r"out.*: a file of that name is in the way"):
        VideoSink(tmp_path / "out" / "film.mp4", (64, 48))
    with pytest.raises(SinkError, match=r"deeper.*: a part of the path is a file"):
        VideoSink(tmp_path / "out" / "deeper" / "film.mp4", (64, 48))


def test_a_folder_under_the_name_of_the_film(tmp_path):
    (tmp_path / "film.mp4").mkdir()
    with pytest.raises(SinkError, match="there is a folder of that name"):
        VideoSink(tmp_path / "film.mp4", (64, 48))


@pytest.fixture(params=[0o555, 0o000], ids=["not-writable", "not-even-readable"])
def locked_folder(request):
    """A folder in which this process, root or not, may not create files."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(request.param)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(65534)  # the user "nobody"; root may write everywhere
        yield folder
        if is_root:
            os.seteuid(0)
        folder.chmod(0o755)
        assert os.listdir(folder) == []


def test_a_folder_without_permission_is_found_at_opening(locked_folder):
    with pytest.raises(SinkError, match="no permission") as caught:
        VideoSink(locked_folder / "film.mp4", (64, 48))
    assert "permission" in caught.value.hint


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the device /dev/full")
def test_disk_full_is_told_and_nothing_is_left(tmp_path):
    # The temporary file is the device that has no space left, ever.
    (tmp_path / "film.part.mp4").symlink_to("/dev/full")
    with pytest.raises(SinkError, match=r"film\.mp4: disk full") as caught:
        write_film(tmp_path / "film.mp4", THIRTY, size_wh=(128, 96))
    assert "free some space" in caught.value.hint
    assert os.listdir(tmp_path) == []


FILL = """
import resource, sys
from pathlib import Path
import numpy as np
from fusion_rt.errors import SinkError
from fusion_rt.sinks.video import VideoSink
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
sink = VideoSink(Path(sys.argv[1]), (320, 240))
rng = np.random.default_rng(0)
try:
    for index in range(int(sys.argv[3])):
        sink.write(rng.integers(0, 256, (240, 320, 3), dtype=np.uint8), index * 100_000_000)
    where = "close"
    sink.close()
except SinkError as error:
    print(index, error)
"""


@pytest.mark.parametrize(
    ("limit", "pictures", "fails_at"),
    [
        pytest.param(300_000, 60, range(10, 60), id="in-the-middle"),
        pytest.param(20_000, 5, [4], id="at-the-very-end"),
    ],
)
def test_a_disk_that_fills_up_leaves_no_half_film(tmp_path, limit, pictures, fails_at):
    command = [sys.executable, "-c", FILL, str(tmp_path / "film.mp4"), str(limit), str(pictures)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    index, message = done.stdout.split(maxsplit=1)
    assert "grew past the size" in message
    assert int(index) in fails_at
    assert os.listdir(tmp_path) == []


def write_noise(sink: VideoSink, count: int, fps: int = 10) -> int:
    """Pictures that hardly compress; returns how many were taken before the disk was full."""
    taken = 0
    try:
        for index in range(count):
            sink.write(textured(sink.size_wh, index), round(index * 1e9 / fps))
            taken += 1
        sink.close()
    except FileWriteError as error:
        if "disk full" not in str(error):
            raise
    return taken


@pytest.mark.parametrize(
    ("room", "least_whole_s"),
    [
        pytest.param(150_000, 1, id="in-the-second-fragment-or-so"),
        pytest.param(1_000_000, 5, id="after-some-seconds"),
    ],
)
def test_film_that_cannot_be_made_again_is_kept_up_to_where_the_disk_was_full(
    tmp_path, monkeypatch, room, least_whole_s
):
    fill_disk(monkeypatch, room)
    (tmp_path / "film.mp4").write_bytes(b"older")
    sink = VideoSink(tmp_path / "film.mp4", (128, 96), keep_whole=True)
    taken = write_noise(sink, 300)
    assert taken < 300
    assert sink.kept == tmp_path / "film.mp4"
    assert os.listdir(tmp_path) == ["film.mp4"]
    times, _, keys = read_times(tmp_path / "film.mp4")
    assert len(times) % 10 == 0  # whole seconds
    assert taken - 21 <= len(times) <= taken
    assert len(times) >= 10 * least_whole_s
    assert keys[0]
    sink.discard()
    sink.close()
    assert os.listdir(tmp_path) == ["film.mp4"]


def test_film_whose_end_finds_no_room_is_kept_but_for_its_last_second(tmp_path, monkeypatch):
    fill_disk(monkeypatch, 10**9)
    write_noise(VideoSink(tmp_path / "whole.mp4", (128, 96)), 35)
    size = (tmp_path / "whole.mp4").stat().st_size
    fill_disk(monkeypatch, size - 5000)
    sink = VideoSink(tmp_path / "film.mp4", (128, 96), keep_whole=True)
    assert write_noise(sink, 35) == 35
    assert sink.kept == tmp_path / "film.mp4"
    times, _, _ = read_times(tmp_path / "film.mp4")
    assert len(times) == 30


def test_film_of_which_not_one_second_was_written_is_not_kept(tmp_path, monkeypatch):
    fill_disk(monkeypatch, 3000)
    sink = VideoSink(tmp_path / "film.mp4", (128, 96), keep_whole=True)
    assert write_noise(sink, 60) < 25
    assert sink.kept is None
    assert os.listdir(tmp_path) == []


def test_film_that_cannot_be_given_its_name_stays_under_the_other(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(video.os, "replace", refused)
    fill_disk(monkeypatch, 300_000)
    sink = VideoSink(tmp_path / "film.mp4", (128, 96), keep_whole=True)
    write_noise(sink, 300)
    assert sink.kept == tmp_path / "film.part.mp4"
    times, _, _ = read_times(sink.kept)
    assert times


LONG_RUN = """
import sys
from pathlib import Path
import numpy as np
from fusion_rt.sinks.video import VideoSink
sink = VideoSink(Path(sys.argv[1]), (64, 48))
for index in range(55):  # 5.5 s at 10 frames/s
    sink.write(np.full((48, 64, 3), index, np.uint8), index * 100_000_000)
print("written", flush=True)
sys.stdin.read()
"""


def test_a_kill_loses_about_one_second(tmp_path):
    target = tmp_path / "film.mp4"
    child = subprocess.Popen(
        [sys.executable, "-c", LONG_RUN, str(target)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout.readline() == "written\n"
        child.send_signal(signal.SIGKILL)
    times, _, _ = read_times(tmp_path / "film.part.mp4")
    assert len(times) >= 55 - 10 - 5
    assert not target.exists()
    # A run that begins would write over it.
    os.utime(tmp_path / "film.part.mp4", (0, 0))
    name = time.strftime("film-%Y%m%d-%H%M%S.mp4", time.localtime(0))
    assert rescue(target) == tmp_path / name
    assert len(read_times(tmp_path / name)[0]) == len(times)
    assert rescue(target) is None


def test_film_that_is_rescued_replaces_no_other(tmp_path):
    for number in ("", "-2", "-3"):
        (tmp_path / "film.part.mp4").write_bytes(b"....ftyp....moof....")
        os.utime(tmp_path / "film.part.mp4", (0, 0))
        name = time.strftime(f"film-%Y%m%d-%H%M%S{number}.mp4", time.localtime(0))
        assert rescue(tmp_path / "film.mp4") == tmp_path / name


@pytest.mark.parametrize(
    "left", [None, b"", b"....ftyp....moov...."], ids=["none", "empty", "head"]
)
def test_nothing_to_rescue(tmp_path, left):
    if left is not None:
        (tmp_path / "film.part.mp4").write_bytes(left)
    assert rescue(tmp_path / "film.mp4") is None
    assert rescue(tmp_path / "no" / "folder" / "film.mp4") is None


def test_memory_stays_flat(tmp_path):
    picture = textured((64, 48), 0)
    sink = VideoSink(tmp_path / "film.mp4", (64, 48))
    resident = []
    for index in range(3000):
        sink.write(picture, index * 33_333_333)
        if index % 1000 == 999:
            resident.append(resident_bytes())
    sink.close()
    assert resident[-1] - resident[0] < 8 * 2**20  # 2000 pictures of raw BGR would be 18 MiB


def resident_bytes():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.parametrize("grey", [0, 16, 77, 128, 200, 255])
def test_grey_stays_grey(tmp_path, grey):
    """No colour cast: luma at its place in 16..235, both chroma planes exactly neutral."""
    sink = VideoSink(tmp_path / "film.mp4", (64, 48))
    sink.write(np.full((48, 64, 3), grey, np.uint8), 0)
    sink.close()
    with av.open(str(tmp_path / "film.mp4")) as film:
        yuv = next(film.decode(video=0)).to_ndarray(format="yuv420p")
    luma, chroma = yuv[:48], yuv[48:]
    assert np.abs(luma.astype(float) - (16 + grey * 219 / 255)).max() <= 1
    assert (chroma == 128).all()
