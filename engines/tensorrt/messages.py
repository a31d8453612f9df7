"""What TensorRT says through its logger: collected while a job runs, then told in words."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..errors import BackendUnavailable, EngineError
from .cuda import OutOfDeviceMemory
from .flavour import Flavour

_KEPT = 2000  # messages of one job; a build says some hundred
_LONGEST = 300  # letters of a message that an error repeats

_LEVELS = {"INTERNAL_ERROR": "error", "ERROR": "error", "WARNING": "warning", "INFO": "info"}

_NO_MEMORY = re.compile(
    r"out ?of ?memory|insufficient memory|could not be allocated|cuda failure: 2\b|memory alloc",
    re.IGNORECASE,
)
_AMOUNT = re.compile(r"\((\d+) bytes\)|requested size of (\d+)|of size (\d+) bytes")
_OLD_DRIVER = re.compile(r"driver version is insufficient|error(?: code)?:? 35\b", re.IGNORECASE)
_NO_DEVICE = re.compile(r"no cuda-capable device|error(?: code)?:? 100\b", re.IGNORECASE)


class BuildOutOfMemory(OutOfDeviceMemory):
    """The GPU has too little memory for what the library wants.

    Attributes:
        asked_bytes: the largest request that failed; None where the library does not tell.
    """

    def __init__(self, message: str, hint: str, asked_bytes: int | None) -> None:
        super().__init__(message, hint)
        self.asked_bytes = asked_bytes


class LibraryReport(Exception):
    """The cause of an error of ours: all that the library said, for ``--debug``."""


@dataclass(frozen=True)
class Message:
    """One line of the library.

    Attributes:
        level: "error", "warning" or "info".
        text: as the library gave it, on one line.
    """

    level: str
    text: str


class Messages:
    """What the library said while one job ran; filled from any thread."""

    def __init__(self) -> None:
        self._kept: deque[Message] = deque(maxlen=_KEPT)

    def add(self, message: Message) -> None:
        """Keep it; the oldest goes when there are very many."""
        self._kept.append(message)

    def texts(self, *levels: str) -> list[str]:
        """The lines of these levels in order."""
        return [message.text for message in tuple(self._kept) if message.level in levels]

    def lines(self) -> list[str]:
        """All of them for people, each with its level."""
        return [f"{message.level}: {message.text}" for message in tuple(self._kept)]


_loggers: dict[str, Any] = {}
_sinks: list[Messages] = []
_lock = threading.Lock()


def logger_of(flavour: Flavour) -> Any:
    """The one logger of this process for that library; it lives as long as the process.

    TensorRT takes one logger for all that is made while others of its objects live, and ignores a
    second one (docs/tensorrt.md). So there is one, which hands its lines to `collecting`.
    """
    with _lock:
        if flavour.name not in _loggers:
            _loggers[flavour.name] = _make_logger(flavour.module)
        return _loggers[flavour.name]


def _make_logger(trt: Any) -> Any:
    class Logger(trt.ILogger):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, text: str) -> None:
            level = _LEVELS.get(severity.name)  # verbose ones are thousands: left out
            if level is None:
                return
            message = Message(level, " ".join(str(text).split()))
            for sink in tuple(_sinks):
                sink.add(message)

    return Logger()


@contextmanager
def collecting() -> Iterator[Messages]:
    """Keeps all that the libraries say from here to the end of the block.

    Two jobs at the same time both get the lines of both: the logger does not tell them apart.
    """
    messages = Messages()
    with _lock:
        _sinks.append(messages)
    try:
        yield messages
    finally:
        with _lock:
            _sinks.remove(messages)


def explain(flavour: Flavour, doing: str, messages: Messages) -> EngineError:
    """The error to raise when the library gave up; ``raise explain(...) from report_of(messages)``.

    Args:
        flavour: the library.
        doing: what failed, to follow its name: "cannot build bts".
        messages: what it said meanwhile.

    Returns:
        `BackendUnavailable` without a GPU or with an old driver, `BuildOutOfMemory`, or an
        `EngineError` with the first error that was said.
    """
    said = messages.texts("error")
    everything = "\n".join([*said, *messages.texts("warning")])
    if _OLD_DRIVER.search(everything):
        return BackendUnavailable(
            f"{flavour.title} {doing}: there is no NVIDIA driver, or it is too old",
            hint="look with nvidia-smi; CUDA 12 needs driver 525 or newer, CUDA 13 needs 580",
        )
    if _NO_DEVICE.search(everything):
        return BackendUnavailable(
            f"{flavour.title} {doing}: it finds no NVIDIA GPU",
            hint="look with nvidia-smi, and at the variable CUDA_VISIBLE_DEVICES",
        )
    if _NO_MEMORY.search(everything):
        amounts = [int(next(filter(None, found))) for found in _AMOUNT.findall(everything)]
        asked = max(amounts, default=None)
        much = "" if asked is None else f", {asked / 2**20:.0f} MiB were asked for"
        return BuildOutOfMemory(
            f"{flavour.title} {doing}: the GPU has too little free memory{much}",
            "close other programs that use the GPU (nvidia-smi lists them), or take a smaller size",
            asked,
        )
    # What is said first is the cause; the following ones say what could not go on for it.
    reason = said[0][:_LONGEST] if said else "it does not say why"
    return EngineError(
        f"{flavour.title} {doing}: {reason}",
        hint="`fusion-rt --debug ...` shows all that it said; --engine openvino does without it",
    )


def report_of(messages: Messages) -> LibraryReport:
    """All lines as the cause of an error."""
    return LibraryReport("\n".join(messages.lines()) or "the library said nothing")
