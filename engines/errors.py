"""Failures of models and back ends, told in one line with one line of remedy."""

from __future__ import annotations

from typing import ClassVar


class EngineError(Exception):
    """A model cannot be opened or run.

    Attributes:
        hint: what to do now.
        exit_code: 1 for a failure while running, 2 for an unknown name or setting.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class BackendUnavailable(EngineError):
    """A back end cannot work on this machine: package, driver or device is missing."""


class PictureRefused(EngineError):
    """An engine runs, but does not show the reference's picture; the message has the figures."""


class Stopped(EngineError):
    """Opening or building was given up, as its user wished."""

    exit_code = 130


class UnknownNameError(EngineError):
    """An engine, model or precision that does not exist."""

    exit_code = 2
