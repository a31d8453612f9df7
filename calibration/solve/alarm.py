"""One doubt about a calibration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Alarm:
    """One doubt.

    Attributes:
        code: noise, moments, few-views, parallel, half-out, outliers, left-out, aspect, spacing,
            baseline, focal, rotation, model, halves or coverage.
        message: what is wrong, one line.
        hint: what to do, one line.
        serious: whether the geometry should not be used as it is.
    """

    code: str
    message: str
    hint: str
    serious: bool = False
