"""Failures of the geometry, told in one line with one line of remedy."""

from __future__ import annotations

from typing import ClassVar


class RigError(Exception):
    """A rig file cannot be used.

    Attributes:
        hint: what to do now.
        exit_code: 2, as a rig is configuration.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class BoardError(RigError):
    """A calibration board that cannot be used."""


class CalibrationError(RigError):
    """Views from which no geometry can be found."""

    exit_code: ClassVar[int] = 1
