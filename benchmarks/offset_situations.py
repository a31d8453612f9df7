"""Situations that an offset estimate meets, drawn at random: some tell the time, most must not.

Each gives the motion of the infrared and of the visible camera, and the true offset in ms, or
None where there is none to be told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from shaken import Camera, Path, measured, only_in, passing, shake, still, swing, together

from fusion_rt.clock_offset.motion import Steps

_RATES = ((30, 30), (25, 30), (9, 30), (9, 25), (30, 25), (60, 30), (15, 30), (27, 60))
_BANDS_HZ = ((0.5, 8.0), (0.3, 3.0), (1.0, 12.0), (0.5, 5.0))


@dataclass(frozen=True)
class Situation:
    """What the two cameras see, and how.

    Attributes:
        ir_path, vis_path: motion that each camera sees.
        offset_ms: how far the infrared clock is ahead.
        told: whether the two motions are one, so that there is an offset to be told.
    """

    ir_path: Path
    vis_path: Path
    offset_ms: float
    told: bool = True


def _offset_ms(rng: np.random.Generator) -> float:
    return float(rng.uniform(-480, 480))


def _speed(rng: np.random.Generator, least: float = 0.005, most: float = 0.4) -> float:
    return float(np.exp(rng.uniform(np.log(least), np.log(most))))


def _shake(rng: np.random.Generator, least: float = 0.005, most: float = 0.4) -> Path:
    return shake(rng, _speed(rng, least, most), _BANDS_HZ[rng.integers(len(_BANDS_HZ))])


def shaken(rng: np.random.Generator) -> Situation:
    path = _shake(rng)
    return Situation(path, path, _offset_ms(rng))


def well_shaken(rng: np.random.Generator) -> Situation:
    path = shake(rng, _speed(rng, 0.04, 0.4), (0.5, 8.0))
    return Situation(path, path, _offset_ms(rng))


def tilted_only(rng: np.random.Generator) -> Situation:
    path = shake(rng, _speed(rng), down=0.1)
    return Situation(path, path, _offset_ms(rng))


def in_bursts(rng: np.random.Generator) -> Situation:
    spans = [(begin, begin + rng.uniform(0.5, 2)) for begin in rng.uniform(0, 9, 3)]
    path = only_in(_shake(rng, 0.02), spans)
    return Situation(path, path, _offset_ms(rng))


def one_jolt(rng: np.random.Generator) -> Situation:
    begin = rng.uniform(1, 8)
    path = only_in(_shake(rng, 0.02), [(begin, begin + 0.6)])
    return Situation(path, path, _offset_ms(rng))


def walking(rng: np.random.Generator) -> Situation:
    step_hz, reach = rng.uniform(1.5, 2.2), rng.uniform(0.03, 0.15)
    sway = swing(rng, step_hz / 2, reach)
    bounce = swing(rng, step_hz, reach)
    wander = shake(rng, 0.3, (0.1, 0.5))

    def gait(times_s: np.ndarray) -> np.ndarray:
        uneven = np.asarray(times_s) + 0.05 * wander(times_s)[0]
        return sway(uneven) + bounce(uneven)

    path = together(gait, shake(rng, rng.uniform(0.003, 0.05)))
    return Situation(path, path, _offset_ms(rng))


def one_pan(rng: np.random.Generator) -> Situation:
    begin = rng.uniform(-2, 6)
    path = passing([(begin, begin + rng.uniform(1, 8), rng.choice([-1, 1]) * _speed(rng))])
    return Situation(path, path, _offset_ms(rng))


def at_rest(rng: np.random.Generator) -> Situation:
    return Situation(still, still, 0, told=False)


def two_shakes(rng: np.random.Generator) -> Situation:
    return Situation(_shake(rng), _shake(rng), 0, told=False)


def two_slow_motions(rng: np.random.Generator) -> Situation:
    return Situation(*(shake(rng, _speed(rng), (0.1, 0.6)) for _ in "12"), 0, told=False)


def swinging(rng: np.random.Generator) -> Situation:
    path = swing(rng, rng.uniform(0.3, 5), _speed(rng, 0.03, 0.2), rng.choice([0, 0.3, 1]))
    return Situation(path, path, rng.uniform(-1400, 1400))


def swinging_and_a_little_shake(rng: np.random.Generator) -> Situation:
    path = together(swing(rng, rng.uniform(0.3, 5), 0.12), shake(rng, rng.uniform(0.001, 0.03)))
    return Situation(path, path, rng.uniform(-1400, 1400))


def swinging_with_two_shakes(rng: np.random.Generator) -> Situation:
    path = swing(rng, rng.uniform(0.3, 5), 0.12)
    paths = (together(path, shake(rng, rng.uniform(0.001, 0.03))) for _ in "12")
    return Situation(*paths, rng.uniform(-1400, 1400))


def _objects(rng: np.random.Generator, count: int) -> list[tuple[float, float]]:
    """Moment in the middle of the view, and speed, of things that pass by."""
    return [(rng.uniform(0, 10), rng.choice([-1, 1]) * rng.uniform(0.1, 0.5)) for _ in range(count)]


def _view(objects: list[tuple[float, float]], left: float, right: float) -> Path:
    """What a camera sees of them whose picture begins and ends there; whole is -0.5 to 0.5."""
    spans = []
    for middle_s, speed in objects:
        times_s = sorted((middle_s + left / speed, middle_s + right / speed))
        spans.append((times_s[0], times_s[1], speed))
    return passing(spans)


def objects_before_one(rng: np.random.Generator) -> Situation:
    seen = _view(_objects(rng, rng.integers(1, 5)), -0.5, 0.5)
    paths = [seen, still] if rng.uniform() < 0.5 else [still, seen]
    return Situation(*paths, 0, told=False)


def objects_before_both(rng: np.random.Generator) -> Situation:
    """They fill most of both pictures, whose fields of view differ in size and place."""
    objects = _objects(rng, rng.integers(1, 6))
    width, place = rng.uniform(0.4, 1.0), rng.uniform(-0.3, 0.3)
    ir = _view(objects, place - width / 2, place + width / 2)
    return Situation(ir, _view(objects, -0.5, 0.5), _offset_ms(rng))


def shaken_while_objects_pass_one(rng: np.random.Generator) -> Situation:
    path = _shake(rng, 0.03)
    passed = together(path, _view(_objects(rng, 2), -0.5, 0.5))
    return Situation(path, passed, _offset_ms(rng))


def beyond_the_range(rng: np.random.Generator) -> Situation:
    path = _shake(rng, 0.02)
    return Situation(path, path, rng.choice([-1, 1]) * rng.uniform(520, 1400))


def far_beyond_the_range(rng: np.random.Generator) -> Situation:
    path = _shake(rng, 0.02)
    return Situation(path, path, rng.choice([-1, 1]) * rng.uniform(1500, 4500))


SITUATIONS: tuple[Callable[[np.random.Generator], Situation], ...] = (
    well_shaken,
    shaken,
    tilted_only,
    in_bursts,
    walking,
    shaken_while_objects_pass_one,
    one_jolt,
    one_pan,
    at_rest,
    two_shakes,
    two_slow_motions,
    swinging,
    swinging_and_a_little_shake,
    swinging_with_two_shakes,
    objects_before_one,
    objects_before_both,
    beyond_the_range,
    far_beyond_the_range,
)


def draw(
    make: Callable[[np.random.Generator], Situation], seed: int
) -> tuple[Steps, Steps, float | None]:
    """Ten seconds of motion of both cameras, and the true offset in ms where there is one."""
    rng = np.random.default_rng([seed, SITUATIONS.index(make)])
    situation = make(rng)
    rates = _RATES[rng.integers(len(_RATES))]
    common = Camera(
        jitter_ms=rng.choice([0, 2, 8]),
        loss=rng.choice([0, 0.05, 0.2]),
        error=rng.uniform(5e-5, 3.5e-4),
    )
    ir = replace(
        common,
        fps=rates[0],
        phase=rng.uniform(),
        offset_ms=situation.offset_ms,
        scale=rng.uniform(0.4, 2.5),
        roll=rng.uniform(-0.2, 0.2) + rng.choice([0, 0, np.pi]),
    )
    vis = replace(common, fps=rates[1], phase=rng.uniform())
    return (
        measured(situation.ir_path, ir, rng),
        measured(situation.vis_path, vis, rng),
        situation.offset_ms if situation.told else None,
    )
