"""Good, degraded or down: one word for how the run fares, and why."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

from ..frame import Sensor
from .camera_record import CameraState

_NAMES = {Sensor.IR: "infrared", Sensor.VIS: "visible"}
# Changes that are kept for the report; a camera that flaps for days must not fill the memory.
_KEPT = 200


class Level(str, Enum):
    """How the run fares."""

    GOOD = "good"
    DEGRADED = "degraded"  # something is shown, but not the fused picture as it should be
    DOWN = "down"  # nothing live can be shown


@dataclass(frozen=True)
class Health:
    """How the run fares.

    Attributes:
        level: one word.
        reasons: in words, worst first; empty when all is good.
    """

    level: Level
    reasons: tuple[str, ...] = ()

    @property
    def banner(self) -> str:
        """One line for a picture; empty when all is good."""
        return "; ".join(self.reasons)

    def __str__(self) -> str:
        return self.level.value + (f": {self.banner}" if self.reasons else "")


def judge_health(
    cameras: dict[Sensor, CameraState], extra: tuple[str, ...] = (), nothing: str = ""
) -> Health:
    """From the cameras' states.

    Args:
        cameras: state of both.
        extra: other reasons why the picture is not what it should be, for instance a shutter
            event.
        nothing: why nothing is shown although a camera delivers; empty where something is.
    """
    missing = [sensor for sensor in Sensor if not cameras[sensor].running]
    reasons = [nothing] if nothing else []
    reasons += [f"{_NAMES[sensor]} camera {cameras[sensor].words}" for sensor in missing]
    notes = [
        f"{_NAMES[sensor]}: {cameras[sensor].note}"
        for sensor in Sensor
        if cameras[sensor].running and cameras[sensor].note
    ]
    reasons += [*extra, *notes]
    if nothing or len(missing) == len(Sensor):
        return Health(Level.DOWN, tuple(reasons))
    return Health(Level.DEGRADED if reasons else Level.GOOD, tuple(reasons))


@dataclass(frozen=True)
class Change:
    """The run began to fare otherwise.

    Attributes:
        at_s: since the start of the run.
        health: from then on.
    """

    at_s: float
    health: Health


class HealthHistory:
    """Remembers the changes of level and cause, and how long each level lasted."""

    def __init__(self, now_ns: int) -> None:
        self._begun_ns = self._since_ns = now_ns
        self._now: Health | None = None
        self.changes: deque[Change] = deque(maxlen=_KEPT)
        self.count = 0
        self._seconds = dict.fromkeys(Level, 0.0)

    def observe(self, health: Health, now_ns: int) -> bool:
        """Take note of it; returns whether level or the kind of cause has changed."""
        before = self._now
        if before is not None:
            self._seconds[before.level] += (now_ns - self._since_ns) / 1e9
        self._since_ns, self._now = now_ns, health
        if before is not None and _kind(before) == _kind(health):
            return False
        self.changes.append(Change((now_ns - self._begun_ns) / 1e9, health))
        self.count += 1
        return True

    @property
    def now(self) -> Health | None:
        """As last observed."""
        return self._now

    def summary(self) -> dict[str, object]:
        """Keys seconds (level -> s), changes (count), last (the newest, at most 200)."""
        return {
            "seconds": {level.value: round(s, 1) for level, s in self._seconds.items()},
            "changes": self.count,
            "last": [{"at_s": round(c.at_s, 1), "health": str(c.health)} for c in self.changes],
        }


def _kind(health: Health) -> tuple[object, ...]:
    """Level and reasons without their numbers, which change all the time."""
    words = (reason.partition(" (")[0] for reason in health.reasons)
    return (health.level, *("".join(c for c in text if not c.isdigit()) for text in words))
