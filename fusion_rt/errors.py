"""What can go wrong, told in one line with one line of remedy."""

from __future__ import annotations

from typing import ClassVar


class FusionError(Exception):
    """A failure that its reader can do something about.

    Attributes:
        hint: what to do now; the command line prints it on a line of its own.
        exit_code: 1 for a failure while running, 2 for wrong usage or configuration.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(FusionError):
    """Command line or configuration ask for something that cannot be."""

    exit_code = 2


class SourceError(FusionError):
    """A camera, video file or image folder cannot be read."""


class TruncatedSourceError(SourceError):
    """A recording breaks off; everything before the break was delivered."""


class SinkError(FusionError):
    """A window or file cannot be written."""


class FileWriteError(SinkError):
    """The disk, or whatever else holds a file, does not take it: full, read-only, gone."""


class PipelineError(FusionError):
    """The run as a whole cannot go on."""
