"""Keeps one live camera running: opens it, reads it, and opens it again when it is gone."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ..channel import Channel
from ..errors import FusionError
from ..frame import Frame, Sensor
from ..ledger import DropReason, Ledger
from ..sources.live import CameraLostError, LiveSource
from ..stage import Stage
from .backoff import Backoff
from .camera_record import CameraRecord
from .fit import fitted, misfit

_POLL_S = 0.1

# Opens the camera; raises what `LiveSource.poll` raises.
CameraOpener = Callable[[], LiveSource]
# Makes of a frame as the camera gave it what the run uses; None leaves it out.
Prepare = Callable[[Frame], "Frame | None"]


class LiveCapture(Stage):
    """Reads a camera into its channel until the run ends; loss is not an end.

    A camera that was never there is an ordinary thing too: it may boot later than we do. Only what
    cannot be mended by waiting ends the run, and only before the first picture: afterwards the
    camera may be in another mode and come back.

    Attributes:
        sensor: which of the two cameras.
        channel: takes the frames.
        record: how the camera fares.
        size_wh: width and height in px of the frames handed on; None before the first where it
            was not given.
    """

    def __init__(
        self,
        sensor: Sensor,
        opener: CameraOpener,
        prepare: Prepare,
        record: CameraRecord,
        channel: Channel[Frame],
        ledger: Ledger,
        stopping: threading.Event,
        *,
        timeout_s: float,
        size_wh: tuple[int, int] | None = None,
        seen: bool = False,
    ) -> None:
        """Wire it; nothing is opened yet.

        Args:
            sensor: which of the two cameras.
            opener: opens it.
            prepare: what to make of each frame.
            record: told how the camera fares.
            channel: takes the frames.
            ledger: counts them.
            stopping: ends the run.
            timeout_s: silence after which the camera is opened again.
            size_wh: see the class.
            seen: whether a picture came before, read by another thread.
        """
        super().__init__(f"capture-{sensor.value}", stopping)
        self.sensor = sensor
        self.channel = channel
        self.record = record
        self.size_wh = size_wh
        self._opener = opener
        self._prepare = prepare
        self._ledger = ledger
        self._timeout_s = timeout_s
        self._abandoned = threading.Event()
        self._seen = seen

    def abandon(self) -> LiveCapture:
        """Give up on this thread, which hangs in a driver; returns its successor, not started.

        Should the driver ever answer, this thread ends and touches nothing any more.
        """
        self._abandoned.set()
        return LiveCapture(
            self.sensor,
            self._opener,
            self._prepare,
            self.record,
            self.channel,
            self._ledger,
            self.stopping,
            timeout_s=self._timeout_s,
            size_wh=self.size_wh,
            seen=self._seen,
        )

    def work(self) -> None:
        """See `Stage.work`."""
        backoff = Backoff()
        try:
            while not self._over:
                refused = False
                try:
                    self._run_once(backoff)
                except CameraLostError as error:
                    self._lost(error)
                except FusionError as error:
                    if not self._seen:
                        raise
                    refused = True
                    self._lost(error)
                if not self._over:
                    self.stopping.wait(backoff.next_s(refused=refused))
                    self._alive()
        except BaseException:
            if not self._abandoned.is_set():  # else its successor meets and tells the same
                raise
        finally:
            if not self._abandoned.is_set():
                self.channel.end()

    @property
    def _over(self) -> bool:
        return self.stopping.is_set() or self._abandoned.is_set()

    def _run_once(self, backoff: Backoff) -> None:
        """Open the camera and read it until it is lost or the run ends."""
        with self._opener() as source:
            if self._over:
                return
            info = source.info
            self.record.opened(info, time.monotonic_ns())
            heard_ns = time.monotonic_ns()
            while not self._over:
                frame = source.poll(_POLL_S)
                if self._over:
                    return
                now_ns = time.monotonic_ns()
                if frame is not None:
                    heard_ns = now_ns
                    backoff.reset()
                    self._take(frame, now_ns)
                    if source.info is not info:  # a clock may be found while the camera runs
                        info = source.info
                        self.record.learned(info)
                elif now_ns - heard_ns > self._timeout_s * 1e9:
                    raise CameraLostError(
                        f"no picture for {(now_ns - heard_ns) / 1e9:.1f} s",
                        hint="check the cable, and that no other program holds the camera",
                    )
                else:
                    self._alive()

    def _take(self, frame: Frame, now_ns: int) -> None:
        """Use the frame, and count it whatever becomes of it."""
        self._ledger.captured(self.sensor)
        try:
            dropped, reason = self._use(frame, now_ns)
        except BaseException:
            self._ledger.dropped(self.sensor, frame, DropReason.STOPPED)
            raise
        self._ledger.dropped(self.sensor, dropped, reason)

    def _use(self, frame: Frame, now_ns: int) -> tuple[Frame | None, DropReason]:
        """Hand it on where it fits; returns what had to go for it, or itself, and why."""
        try:
            prepared = self._prepare(frame)
        except FusionError as error:
            if not self._seen:
                raise
            self.record.misfit(frame, str(error), now_ns)
            return frame, DropReason.MISFIT
        if prepared is None:
            self.record.passed_over(frame, now_ns)
            return frame, DropReason.MISFIT
        why = self._misfit(prepared)
        if why:
            self.record.misfit(frame, why, now_ns)
            return frame, DropReason.MISFIT
        self._seen = True
        self.record.frame(prepared, now_ns)
        return self.channel.put(self._fitted(prepared)), DropReason.OVERWRITTEN

    def _misfit(self, frame: Frame) -> str:
        if self.size_wh is None:
            self.size_wh = frame.size_wh
        return misfit(frame, self.size_wh)

    def _fitted(self, frame: Frame) -> Frame:
        assert self.size_wh is not None
        if frame.size_wh == self.size_wh:
            self.record.note("")
            return frame
        (width, height), (want_w, want_h) = frame.size_wh, self.size_wh
        self.record.note(f"sends {width}x{height}, scaled to {want_w}x{want_h}")
        return fitted(frame, self.size_wh)

    def _lost(self, error: FusionError) -> None:
        if not self._abandoned.is_set():
            self.record.lost(str(error), time.monotonic_ns())

    def _alive(self) -> None:
        if not self._abandoned.is_set():
            self.record.alive(time.monotonic_ns())
