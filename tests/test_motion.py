"""Motion of the whole picture: known shifts, things that pass by, what cannot be followed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from shaken import textured

from fusion_rt.clock_offset.motion import MotionTrack, Step, Steps

MS = 1_000_000
WH = (480, 360)
BIG = textured(np.random.default_rng(1), (700, 560))


def view(dx: float = 0.0, dy: float = 0.0, picture: np.ndarray = BIG) -> np.ndarray:
    """The middle of a picture after its content has moved to the right and down, in px."""
    matrix = np.array([[1, 0, 110 - dx], [0, 1, 100 - dy]], np.float64)
    return cv2.warpAffine(picture, matrix, WH, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)


def grey(image: np.ndarray) -> np.ndarray:
    return image


def bgr(image: np.ndarray) -> np.ndarray:
    return cv2.merge([image, image, image])


def counts(image: np.ndarray) -> np.ndarray:
    return image.astype(np.uint16) * 8 + 22_000


def step_between(*images: np.ndarray) -> Step:
    track = MotionTrack()
    for k, image in enumerate(images):
        step = track.add(image, k * 33 * MS)
    assert step is not None
    return step


@pytest.mark.parametrize("dtype", [grey, bgr, counts], ids=["8-bit", "colour", "16-bit"])
@pytest.mark.parametrize(
    ("dx", "dy"),
    [
        pytest.param(0.0, 0.4, id="a-fraction-down"),
        pytest.param(3.3, -1.7, id="right-and-up"),
        pytest.param(-25.0, 10.5, id="far-to-the-left"),
    ],
)
def test_a_known_shift_is_found(dx, dy, dtype):
    step = step_between(dtype(view()), dtype(view(dx, dy)))
    assert step.weight == 1
    # A tenth of a pixel of the small picture, 192 wide.
    assert step.dx * WH[0] == pytest.approx(dx, abs=0.25 + 0.04 * abs(dx))
    assert step.dy * WH[0] == pytest.approx(dy, abs=0.25 + 0.04 * abs(dy))


def test_brightness_and_contrast_do_not_matter():
    after = cv2.convertScaleAbs(view(4, 2), alpha=0.6, beta=60)
    step = step_between(view(), after)
    assert step.dx * WH[0] == pytest.approx(4, abs=0.4)
    assert step.dy * WH[0] == pytest.approx(2, abs=0.4)


def test_what_passes_by_does_not_count():
    other = textured(np.random.default_rng(2), (700, 560))
    pictures = []
    for k in range(2):
        image = view(2 * k, 0)
        image[60:300, 100 + 15 * k : 260 + 15 * k] = other[:240, :160]
        pictures.append(image)
    step = step_between(*pictures)
    assert step.dx * WH[0] == pytest.approx(2, abs=0.4)
    assert step.weight >= 0.5


@pytest.mark.parametrize(
    "images",
    [
        pytest.param(
            [np.hstack([view(9 * k, 0)[:, :240], view(-9 * k, 0)[:, 240:]]) for k in range(2)],
            id="two-halves-that-part",
        ),
        pytest.param(
            [np.random.default_rng(k).integers(0, 255, (360, 480), np.uint8) for k in range(2)],
            id="noise",
        ),
        pytest.param([np.full((360, 480), 50 + k, np.uint8) for k in range(2)], id="flat"),
        pytest.param([view(picture=BIG), view(picture=255 - BIG[::-1])], id="another-scene"),
    ],
)
def test_what_cannot_be_followed_has_little_weight(images):
    assert step_between(*images).weight < 0.5


def test_a_repeated_picture_is_passed_over():
    track = MotionTrack()
    track.add(view(0), 0)
    assert track.add(view(0), 33 * MS) is None
    step = track.add(view(6), 66 * MS)
    assert step is not None
    assert (step.begin_ns, step.end_ns) == (0, 66 * MS)


@pytest.mark.parametrize(
    "disturb",
    [
        pytest.param(lambda track: track.interrupt(), id="interrupted"),
        pytest.param(lambda track: track.clear(), id="cleared"),
        pytest.param(lambda track: track.add(view()[:300], 50 * MS), id="size-changes"),
    ],
)
def test_the_track_breaks(disturb):
    track = MotionTrack()
    track.add(view(0), 33 * MS)
    disturb(track)
    assert track.add(view(3), 66 * MS) is None
    assert track.add(view(6), 99 * MS) is not None


@pytest.mark.parametrize("captured_ms", [500, 33, 10], ids=["long-gap", "same-time", "backwards"])
def test_no_step_over_an_odd_time(captured_ms):
    track = MotionTrack()
    track.add(view(0), 33 * MS)
    assert track.add(view(3), captured_ms * MS) is None


def test_steps_before_time_ran_backwards_are_dropped():
    track = MotionTrack()
    for k, captured_ms in enumerate((1000, 1033, 1066, 200, 233)):
        track.add(view(2 * k), captured_ms * MS)
    assert track.steps.begin_ns.tolist() == [200 * MS]


def test_only_so_much_time_is_kept():
    track = MotionTrack(keep_ns=200 * MS)
    for k in range(20):
        track.add(view(k % 3), k * 33 * MS)
    steps = track.steps
    assert len(steps) == 6
    assert steps.end_ns[-1] - steps.begin_ns[0] <= 200 * MS
    assert steps.moved.shape == (6, 2)


def test_cut_of_time_holds_whole_steps_only():
    edges = np.arange(6) * 10
    steps = Steps(edges[:-1], edges[1:], np.zeros((5, 2)), np.ones(5))
    assert steps.between(10, 40).begin_ns.tolist() == [10, 20, 30]
    assert steps.between(11, 39).begin_ns.tolist() == [20]
    assert len(steps.between(41, 45)) == 0
    assert len(steps.between(60, 90)) == 0


def test_steps_at_other_times():
    steps = Steps(np.array([0, 10]), np.array([10, 20]), np.ones((2, 2)), np.ones(2))
    moved = steps.moved_by(-5)
    assert moved.begin_ns.tolist() == [-5, 5]
    assert moved.end_ns.tolist() == [5, 15]
    assert moved.moved is steps.moved
