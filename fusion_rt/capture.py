"""The capture stage: one thread that reads one source."""

from __future__ import annotations

import threading

from .channel import Channel, ChannelClosed
from .errors import TruncatedSourceError
from .frame import Frame
from .ledger import DropReason, Ledger
from .pace import RealtimePace
from .sources.base import Source
from .stage import Stage


class CaptureStage(Stage):
    """Reads frames into its channel until the source ends; then closes the source.

    Attributes:
        broken: how the recording broke off, when it did; what came before is used.
    """

    def __init__(
        self,
        source: Source,
        channel: Channel[Frame],
        ledger: Ledger,
        stopping: threading.Event,
        pace: RealtimePace | None,
    ) -> None:
        super().__init__(f"capture-{source.info.sensor.value}", stopping)
        self.source = source
        self.channel = channel
        self.broken: TruncatedSourceError | None = None
        self._ledger = ledger
        self._pace = pace

    def work(self) -> None:
        """See `Stage.work`."""
        sensor = self.source.info.sensor
        try:
            while not self.stopping.is_set():
                frame = self._read()
                if frame is None:
                    break
                self._ledger.captured(sensor)
                if self._pace is not None:
                    frame = self._pace.hold(frame, self.stopping)
                try:
                    overwritten = self.channel.put(frame)
                except ChannelClosed:
                    self._ledger.dropped(sensor, frame, DropReason.STOPPED)
                    raise
                self._ledger.dropped(sensor, overwritten, DropReason.OVERWRITTEN)
        finally:
            self.channel.end()
            self.source.close()

    def _read(self) -> Frame | None:
        try:
            return self.source.read()
        except TruncatedSourceError as error:
            self.broken = error
            return None
