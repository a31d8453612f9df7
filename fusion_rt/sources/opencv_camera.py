"""A camera by OpenCV, for systems without Video4Linux.

OpenCV tells neither the time at which a picture was taken nor how many were lost, and gives 8-bit
colour alone: what is left is the newest picture and its time of arrival.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Protocol

import cv2
import numpy as np

from ..camera_settings import CameraSettings
from ..errors import SourceError, UsageError
from ..frame import Frame, Sensor
from .base import SourceInfo
from .live import CameraLostError, LiveSource
from .pixels import as_ir, as_vis

_CLOSE_S: Final = 2.0  # how long a reading that hangs in its driver is waited for


class Capture(Protocol):
    """The part of ``cv2.VideoCapture`` that is used."""

    def isOpened(self) -> bool: ...  # noqa: D102
    def read(self) -> tuple[bool, np.ndarray | None]: ...  # noqa: D102
    def get(self, propId: int) -> float: ...  # noqa: D102
    def set(self, propId: int, value: float) -> bool: ...  # noqa: D102
    def release(self) -> None: ...  # noqa: D102


def open_opencv(
    camera: CameraSettings,
    sensor: Sensor,
    *,
    capture_type: Callable[[int], Capture] = cv2.VideoCapture,
    now_ns: Callable[[], int] = time.monotonic_ns,
) -> LiveSource:
    """Open a camera by its number, as in ``camera:0``.

    ``size`` and ``fps`` are asked for where they are set; what the camera makes of them stands in
    ``info`` and its notes.

    Args:
        capture_type: opens a camera; replaced in tests, as is ``now_ns``.

    Raises:
        UsageError: no number, or a pixel format or layout is asked for.
        CameraLostError: there is no such camera, or it gives no picture.
    """
    number = camera.uri.partition(":")[2]
    if not (number.isascii() and number.isdecimal()):
        raise UsageError(
            f"{camera.name}: '{number}' is no number of a camera", hint="camera:0 is the first one"
        )
    if camera.format is not None or camera.layout is not None:
        raise UsageError(
            f"{camera.name}: OpenCV gives 8-bit colour alone, without format and layout",
            hint="raw thermal pictures take Linux (v4l2:) or a GStreamer pipeline (gst:)",
        )
    with _quiet():
        capture = capture_type(int(number))
    try:
        return OpencvCamera(capture, camera, sensor, now_ns)
    except BaseException:
        capture.release()
        raise


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what OpenCV prints of each back end that fails: a lost camera is tried for ever."""
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        cv2.utils.logging.setLogLevel(before)


class OpencvCamera(LiveSource):
    """A thread reads all the time and keeps the newest picture; `poll` takes it."""

    def __init__(
        self,
        capture: Capture,
        camera: CameraSettings,
        sensor: Sensor,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        if not capture.isOpened():
            raise CameraLostError(
                f"{camera.name} cannot be opened",
                hint="check plug and number, and whether another program has it",
            )
        self._name = camera.name
        self._capture = capture
        self._now_ns = now_ns
        self._convert = as_ir if sensor is Sensor.IR else as_vis
        _ask(capture, camera)
        first, note = self._convert(self._read())
        size_wh = (first.shape[1], first.shape[0])
        fps = capture.get(cv2.CAP_PROP_FPS)
        self._info = SourceInfo(
            uri=camera.name,
            kind="camera",
            sensor=sensor,
            size_wh=size_wh,
            fps=fps if fps > 0 else None,
            notes=_notes(camera, size_wh, note),
            clock="arrival",
        )
        self._changed = threading.Condition()
        self._newest: Frame | None = None
        self._count = 0
        self._error: Exception | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"read {self._name}", daemon=True)
        self._thread.start()

    def poll(self, timeout_s: float) -> Frame | None:
        """See `LiveSource.poll`."""
        with self._changed:
            if self._stopping:
                raise SourceError(f"{self._name} was closed", hint="open it again")
            self._changed.wait_for(lambda: self._newest or self._error, timeout_s)
            frame, self._newest = self._newest, None
            if frame is None and self._error is not None:
                raise self._error
            return frame

    def close(self) -> None:
        """Stop reading; the thread itself gives the camera back, as it alone uses it."""
        with self._changed:
            self._stopping = True
        self._thread.join(_CLOSE_S)

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._put(self._read())
        except Exception as error:  # `poll` raises it again
            with self._changed:
                self._error = error
                self._changed.notify()
        finally:
            self._capture.release()

    def _put(self, pixels: np.ndarray) -> None:
        taken_ns = self._now_ns()
        image, _ = self._convert(pixels)
        frame = Frame(image, taken_ns, self._count, taken_ns, self._now_ns())
        self._count += 1
        with self._changed:
            self._newest = frame
            self._changed.notify()

    def _read(self) -> np.ndarray:
        there, pixels = self._capture.read()
        if not there or pixels is None:
            raise CameraLostError(
                f"{self._name}: the camera gives no more pictures", hint="check plug and power"
            )
        return pixels


def _ask(capture: Capture, camera: CameraSettings) -> None:
    """Ask for what is set; drivers do not say honestly whether they do so."""
    if camera.size_wh is not None:
        capture.set(cv2.CAP_PROP_FRAME_WIDTH, camera.size_wh[0])
        capture.set(cv2.CAP_PROP_FRAME_HEIGHT, camera.size_wh[1])
    if camera.fps is not None:
        capture.set(cv2.CAP_PROP_FPS, camera.fps)
    with suppress(cv2.error):  # not known to every back end
        capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)


def _notes(camera: CameraSettings, size_wh: tuple[int, int], note: str | None) -> tuple[str, ...]:
    notes = ["times are those of arrival: OpenCV tells no others"]
    if camera.size_wh is not None and camera.size_wh != size_wh:
        given, asked = ("{}x{}".format(*wh) for wh in (size_wh, camera.size_wh))
        notes.append(f"it gives {given}, not {asked}")
    return (*notes, note) if note else tuple(notes)
