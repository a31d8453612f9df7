"""Standstill of the infrared: recognised in every way, and never where it is none."""

from __future__ import annotations

import io
from collections.abc import Sequence

import av
import cv2
import numpy as np
import pytest

from fusion_rt.frame import Frame, FrameFlags
from fusion_rt.thermal.shutter import ShutterWatch
from fusion_rt.thermal.standstill import Standstill, StandstillJudge
from fusion_rt.thermal.telemetry import Calibration, Telemetry

SIGN = {Standstill.NONE: ".", Standstill.SUSPECTED: "?", Standstill.FROZEN: "F"}


def frame(image: np.ndarray, index: int, fps: float, flags: FrameFlags = FrameFlags.NONE) -> Frame:
    return Frame(image, round(index * 1e9 / fps), index, 0, 0, flags)


def watched(
    images: Sequence[np.ndarray], fps: float, vis: Sequence[np.ndarray] | None = None
) -> str:
    """One sign a frame: ``.`` live, ``?`` suspected, ``F`` frozen."""
    watch = ShutterWatch()
    return "".join(
        SIGN[watch.observe(frame(image, i, fps), None, None if vis is None else vis[i]).standstill]
        for i, image in enumerate(images)
    )


def raw(count: int, seed: int = 0) -> list[np.ndarray]:
    """A static scene seen by a raw camera: noise of 2 counts."""
    rng = np.random.default_rng(seed)
    base = np.linspace(3000, 3300, 160)[None, :] + np.zeros((120, 1))
    return [(base + rng.normal(0, 2, base.shape)).astype(np.uint16) for _ in range(count)]


def repeated(images: Sequence[np.ndarray], source_fps: float, fps: float) -> list[np.ndarray]:
    """What a stream of ``fps`` frames gives of a camera that makes ``source_fps`` pictures."""
    count = int(len(images) * fps / source_fps)
    return [images[int(i * source_fps / fps)] for i in range(count)]


def frozen_for(images: Sequence[np.ndarray], begin: int, length: int) -> list[np.ndarray]:
    return [*images[:begin], *[images[begin - 1]] * length, *images[begin:]]


@pytest.mark.parametrize(
    ("images", "fps"),
    [
        pytest.param(raw(60), 30, id="live"),
        pytest.param(raw(20), 1, id="very-slow"),
        pytest.param(repeated(raw(40), 15, 30), 30, id="every-picture-twice"),
        pytest.param(repeated(raw(40), 9, 27), 27, id="every-picture-three-times"),
        pytest.param(repeated(raw(60), 9, 30), 30, id="three-or-four-times"),
        pytest.param(repeated(raw(60), 8.7, 60), 60, id="six-or-seven-times"),
        pytest.param(repeated(raw(20), 1, 30), 30, id="one-picture-a-second-in-a-fast-stream"),
        pytest.param(frozen_for(raw(60), 30, 1), 30, id="a-single-repeat"),
        pytest.param([np.full((120, 160), 65_535, np.uint16)] * 30, 30, id="overexposed"),
    ],
)
def test_raw_pictures_without_a_shutter_event(images, fps):
    assert set(watched(images, fps)) == {"."}


@pytest.mark.parametrize(
    ("images", "fps", "expected"),
    [
        pytest.param(
            frozen_for(raw(30), 10, 9), 9, "." * 11 + "F" * 9 + "." * 19, id="one-second-at-9-hz"
        ),
        pytest.param(
            frozen_for(raw(60), 20, 15), 30, "." * 21 + "F" * 15 + "." * 39, id="half-at-30-hz"
        ),
        pytest.param(
            frozen_for(repeated(raw(30), 9, 27), 60, 27),
            27,
            # Two repeats are usual, so five make a standstill; the second new picture ends it.
            "." * 60 + "??" + "F" * 28 + "." * 27,
            id="every-picture-three-times",
        ),
    ],
)
def test_raw_pictures_that_stand_still(images, fps, expected):
    assert watched(images, fps) == expected


def test_a_camera_that_becomes_slower_is_learnt():
    signs = watched([*raw(40), *repeated(raw(30, seed=1), 10, 30)], 30)
    assert set(signs[:42]) == {"."}
    assert set(signs[50:]) == {"."}


def test_why_it_is_taken_for_frozen():
    watch = ShutterWatch()
    for index, image in enumerate(frozen_for(raw(20), 10, 5)[:14]):
        state = watch.observe(frame(image, index, 9))
    assert state.frozen
    assert state.why == "the same raw picture came 5 times in a row"


@pytest.mark.parametrize(
    ("telemetry", "flags", "frozen"),
    [
        pytest.param(None, FrameFlags.NONE, False, id="says-nothing"),
        pytest.param(Telemetry(), FrameFlags.NONE, False, id="tells-no-state"),
        pytest.param(Telemetry(Calibration.NEVER), FrameFlags.NONE, False, id="never"),
        pytest.param(Telemetry(Calibration.IMMINENT), FrameFlags.NONE, False, id="imminent"),
        pytest.param(Telemetry(Calibration.RUNNING), FrameFlags.NONE, True, id="running"),
        pytest.param(Telemetry(Calibration.DONE), FrameFlags.NONE, False, id="done"),
        pytest.param(None, FrameFlags.SHUTTER, True, id="flag-of-the-source"),
    ],
)
def test_what_the_camera_says_counts_at_once(telemetry, flags, frozen):
    watch = ShutterWatch()
    images = raw(6)
    for index in range(5):
        watch.observe(frame(images[index], index, 9), Telemetry(Calibration.DONE))
    state = watch.observe(frame(images[5], 5, 9, flags), telemetry)
    assert state.frozen is frozen
    assert ("calibrates itself" in state.why) is frozen


def test_an_event_that_the_camera_tells_ends_when_it_says_so():
    watch = ShutterWatch()
    images = frozen_for(raw(30), 10, 9)
    signs = ""
    for index, image in enumerate(images):
        told = Calibration.RUNNING if 10 <= index < 19 else Calibration.DONE
        signs += SIGN[watch.observe(frame(image, index, 9), Telemetry(told)).standstill]
    assert signs == "." * 10 + "F" * 9 + "." * 20


@pytest.mark.parametrize(
    "second",
    [
        pytest.param([image[:60, :80] for image in raw(20)], id="another-size"),
        pytest.param([image.astype(np.uint8) for image in raw(20)], id="another-depth"),
    ],
)
def test_a_changed_picture_begins_anew(second):
    assert set(watched([*raw(20), *second], 30)) == {"."}


def test_time_that_goes_backwards_begins_anew():
    watch = ShutterWatch()
    images = raw(10)
    for index in (*range(10), *range(10)):
        assert not watch.observe(frame(images[index], index, 9)).frozen


# Compressed and other 8-bit streams


def shake(count: int, fps: float, amplitude: float = 8.0) -> np.ndarray:
    """Places of a rig that is held by hand, in px of the picture, (N, 2)."""
    t = np.arange(count) / fps
    across = np.sin(2 * np.pi * 1.7 * t) + 0.5 * np.sin(2 * np.pi * 0.6 * t + 1)
    return amplitude * np.stack([across, 0.8 * np.sin(2 * np.pi * 1.3 * t)], axis=1)


def seen(scene, places: np.ndarray, seed: int, sigma: float = 2.0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [
        np.clip(scene(x, y) + rng.normal(0, sigma, (216, 288)), 0, 255).astype(np.uint8)
        for x, y in places
    ]


def compressed(images: Sequence[np.ndarray], gop: int = 30) -> list[np.ndarray]:
    """Through H.264, as a network camera sends it."""
    memory = io.BytesIO()
    with av.open(memory, "w", format="matroska") as out:
        track = out.add_stream("libx264", rate=30)
        track.width, track.height, track.pix_fmt = images[0].shape[1], images[0].shape[0], "yuv420p"
        track.options = {
            "crf": "30",
            "preset": "ultrafast",
            "tune": "zerolatency",
            "g": str(gop),
            "threads": "1",
        }
        for image in images:
            out.mux(track.encode(av.VideoFrame.from_ndarray(image, format="gray8")))
        out.mux(track.encode(None))
    memory.seek(0)
    with av.open(memory) as file:
        return [picture.to_ndarray(format="gray8") for picture in file.decode(video=0)]


WAYS = {"plain": lambda images: images, "compressed": compressed}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("ir_repeats", "vis_repeats"), [(1, 1), (1, 2), (3, 1)], ids=["all-new", "vis-twice", "ir-3x"]
)
@pytest.mark.parametrize(
    "places",
    [
        pytest.param(shake(90, 30), id="shake"),
        pytest.param(shake(90, 30, 1.5), id="slight-shake"),
        pytest.param(np.zeros((90, 2)), id="static"),
        pytest.param(np.linspace((-30, 0), (30, 10), 90), id="pan"),
    ],
)
def test_8_bit_pictures_without_a_shutter_event(scene, places, ir_repeats, vis_repeats, way):
    index = np.arange(90)
    ir = seen(scene(1), places[::ir_repeats], 1)
    ir = WAYS[way]([ir[i] for i in index // ir_repeats])
    vis = seen(scene(2), places[::vis_repeats], 2)
    assert "F" not in watched(ir, 30, [vis[i] for i in index // vis_repeats])


def jolts(count: int, fps: float, px_per_s: float = 90.0) -> np.ndarray:
    """Places of a rig that is panned to and fro, and stops at once each time: (N, 2) in px."""
    t = np.arange(count) / fps
    across = np.abs(np.mod(t, 2.0) - 1.0)
    return px_per_s * np.stack([np.clip(across, 0.3, 0.7) - 0.5, np.zeros(count)], axis=1)


@pytest.mark.parametrize("late", [-2, -1, 0, 1, 2], ids=lambda n: f"visible-{n}-frames-late")
def test_pictures_of_a_pair_that_are_not_quite_of_one_moment(scene, late):
    """After each stop the later picture goes on moving for a moment."""
    places = jolts(180, 30)
    ir, vis = seen(scene(1), places, 1), seen(scene(2), np.roll(places, late, axis=0), 2)
    assert "F" not in watched(ir[3:-3], 30, vis[3:-3])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "places",
    [
        pytest.param(shake(120, 30), id="shake"),
        pytest.param(np.linspace((-35, 0), (35, 10), 120), id="pan"),
    ],
)
def test_infrared_that_stands_still_while_the_rig_moves(scene, places, way):
    ir, vis = seen(scene(1), places, 1), seen(scene(2), places, 2)
    signs = watched(WAYS[way]([*ir[:50], *[ir[49]] * 30, *ir[80:]]), 30, vis)
    assert set(signs[:50]) == {"."}
    assert set(signs[64:80]) == {"F"}  # within half a second
    assert set(signs[84:]) == {"."}


def test_still_infrared_of_a_static_scene_is_none():
    """A network camera's picture of a room at night: the very same again and again."""
    room = np.random.default_rng(1).integers(0, 255, (216, 288)).astype(np.uint8)
    vis = [np.roll(room, i % 2, 1) for i in range(60)]
    assert set(watched([room] * 60, 30, [room] * 60)) == {"."}
    assert set(watched([room] * 60, 30, vis)) == {"."}


@pytest.mark.parametrize(
    "vis_change",
    [
        pytest.param(lambda image, i: image * (0.6 + 0.4 * np.sin(i / 3)), id="flicker"),
        pytest.param(lambda image, i: image * 0.5 + 100 * (i > 30), id="lights-on"),
        pytest.param(lambda image, i: np.roll(image, 40 * i, 0) * (i > 20), id="wild-pictures"),
    ],
)
def test_the_visible_picture_alone_proves_nothing(scene, vis_change):
    """Textured infrared that live compression shows as the very same picture."""
    ir = scene(1)(0, 0)
    vis = [
        np.clip(vis_change(v, i), 0, 255).astype(np.uint8)
        for i, v in enumerate(seen(scene(2), np.zeros((60, 2)), 2))
    ]
    places = shake(20, 30)  # so that the watch has learnt how infrared changes
    moved = seen(scene(1), places, 1)
    images, companions = [*moved, *[ir] * 60], [*seen(scene(2), places, 3), *vis]
    assert set(watched(images, 30, companions)) == {"."}


def test_infrared_without_texture_proves_nothing(scene):
    """The pattern of a sensor before a plain wall does not move with the rig."""
    places = shake(90, 30)
    pattern = 120 + np.random.default_rng(5).normal(0, 3, (216, 288))
    ir = [pattern.astype(np.uint8)] * 90
    assert set(watched(ir, 30, seen(scene(2), places, 2))) == {"."}


def test_infrared_that_moves_again_ends_it_though_the_rig_rests(scene):
    """The rig stops while the picture stands still; then the live picture comes back."""
    places = np.concatenate([shake(70, 30), np.repeat(shake(70, 30)[69:], 60, axis=0)])
    ir, vis = seen(scene(1), places, 1, 0.0), seen(scene(2), places, 2)
    signs = watched([*ir[:50], *[ir[49]] * 40, *ir[90:]], 30, vis)
    assert set(signs[70:90]) == {"F"}
    assert set(signs[110:]) == {"."}


@pytest.mark.parametrize("folder", ["v2", "v2-latlon"])
@pytest.mark.parametrize("repeats", [1, 3])
def test_real_lepton_recording(real_data, folder, repeats):
    """9 pictures a second, each once, or three times as some USB boards deliver them."""
    paths = sorted((real_data / "thermal16/lepton_cptv" / folder / "ir16").glob("*.png"))
    images = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in paths]
    stream = [image for image in images for _ in range(repeats)]
    assert set(watched(stream, 9 * repeats)) == {"."}
    for begin in range(20 * repeats, len(stream) - 20, 20 * repeats):
        signs = watched(frozen_for(stream, begin, 9 * repeats), 9 * repeats)
        event = slice(begin + 2 * repeats, begin + 9 * repeats)
        assert set(signs[event]) == {"F"}, begin
        assert set(signs[:begin]) | set(signs[begin + 12 * repeats :]) == {"."}, begin


def test_no_false_alarm_on_real_clips(real_data):
    """Every second visible frame is a repeat; two clips show foliage, four people who walk."""
    for clip in sorted((real_data / "video").iterdir()):
        ir = [cv2.imread(str(p), cv2.IMREAD_GRAYSCALE) for p in sorted(clip.glob("ir/*.png"))]
        vis = [cv2.imread(str(p)) for p in sorted(clip.glob("vis/*.png"))]
        there_and_back = [*ir, *ir[::-1], *ir], [*vis, *vis[::-1], *vis]
        assert set(watched(there_and_back[0], 30, there_and_back[1])) == {"."}, clip.name


def test_nothing_is_judged_before_three_runs():
    """A camera that begins by repeating one picture for 5 s may be slow, or be starting."""
    judge = StandstillJudge(least=2)
    for index in range(50):
        state = judge.observe(is_new=index in (0, 1), is_sign=index > 1, now_ns=index * 10**8)
    assert state is Standstill.NONE
