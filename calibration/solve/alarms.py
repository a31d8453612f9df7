"""What may be wrong with a calibration, each told in one line with a remedy."""

from __future__ import annotations

from collections.abc import Iterator

from .alarm import Alarm
from .crosscheck import CrossCheck
from .geometry_alarms import geometry_alarms
from .predict import Prediction
from .solution import Solution
from .view_alarms import view_alarms

HALVES_DIFFER = 1.8


def alarms_of(
    solution: Solution, prediction: Prediction, cross: CrossCheck | None
) -> tuple[Alarm, ...]:
    """All doubts, the serious ones first."""
    found = [
        *view_alarms(solution),
        *geometry_alarms(solution),
        *_halves(cross),
        *_coverage(prediction),
    ]
    return tuple(sorted(found, key=lambda alarm: not alarm.serious))


def _halves(cross: CrossCheck | None) -> Iterator[Alarm]:
    if cross is not None and cross.ratio > HALVES_DIFFER:
        yield Alarm(
            "halves",
            f"two halves of the views differ by {cross.difference_px.max():.2f} px, "
            f"{cross.ratio:.1f} times what chance gives",
            "the errors said here are enlarged by that; look for views that do not fit",
        )


def _coverage(prediction: Prediction) -> Iterator[Alarm]:
    if prediction.no_data:
        yield Alarm(
            "coverage",
            f"no data: {', '.join(prediction.no_data)}",
            "take views with the board there, in both pictures",
        )
