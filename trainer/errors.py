"""Failures of training and export, told in one line with one line of remedy."""

from __future__ import annotations

from typing import ClassVar


class TrainerError(Exception):
    """Training or export cannot go on.

    Attributes:
        hint: what to do now.
        exit_code: 1 for a failure while running, 2 for wrong usage or settings.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ExportError(TrainerError):
    """A network cannot be folded or written as a model file."""


class DataError(TrainerError):
    """Training pairs are missing or do not fit each other."""


class CheckpointError(TrainerError):
    """A checkpoint cannot be read or belongs to something else."""


class WriteError(TrainerError):
    """A file of the training cannot be written."""


class MissingPackage(TrainerError):
    """A package is not installed; the runtime does without it, the trainer does not."""

    exit_code = 2


class ResumeError(TrainerError):
    """The output folder holds a training already, or none to go on with."""

    exit_code = 2
