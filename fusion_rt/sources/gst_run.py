"""A running pipeline: started, asked for samples, stopped within bounds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from ..errors import SourceError
from .gst_errors import error_words, failure
from .gst_library import GstLibrary
from .live import CameraLostError

_SLICE_NS = 100_000_000
_STOP_S = 2.0
_ERROR_WAIT_NS = 500_000_000  # a failed start has left its reason on the bus, or does so at once


class GstRun:
    """Owner of one pipeline and all its native objects. Used by one thread at a time.

    Attributes:
        pipeline: the Gst.Pipeline.
        name: of the camera, for messages.
        live: whether GStreamer takes the source for a live one; False plays it at its own pace.
    """

    def __init__(
        self,
        library: GstLibrary,
        pipeline: Any,
        sink: Any,
        name: str,
        closing: Callable[[], None] = lambda: None,
    ) -> None:
        """Take over a pipeline that is built but stopped.

        Args:
            sink: its appsink.
            name: of the camera, for messages.
            closing: called once when it has stopped: lets go of callbacks into the pipeline.
        """
        self.live = True
        self._library = library
        self.pipeline = pipeline
        self.name = name
        self._sink = sink
        self._closing = closing
        self._failed: SourceError | None = None
        self._warning = ""

    def start(self, timeout_s: float) -> Any:
        """Play, and wait for the first sample; `stop` is the caller's, whatever happens.

        Raises:
            CameraLostError: it is not there, ends at once, or nothing comes in time.
            SourceError: the pipeline cannot work.
        """
        deadline_ns = time.monotonic_ns() + round(timeout_s * 1e9)
        self.live = self._pause(deadline_ns)
        if not self.live:
            # As fast as it can be read it would run through, with stamps in the future.
            self._sink.set_property("sync", True)
        self._change(self._library.gst.State.PLAYING)
        while time.monotonic_ns() < deadline_ns:
            sample = self.pull(_SLICE_NS / 1e9)
            if sample is not None:
                return sample
        hint = "check that the camera sends; key frames must come at least every few seconds"
        raise CameraLostError(
            f"{self.name}: no picture within {timeout_s:g} s of opening",
            hint=f"GStreamer said: {self._warning}" if self._warning else hint,
        )

    def pull(self, timeout_s: float) -> Any | None:
        """The newest sample; None where none comes in time.

        Raises:
            CameraLostError: the stream ended or broke.
            SourceError: the pipeline cannot work.
        """
        self.check()
        sample = self._sink.try_pull_sample(max(0, round(timeout_s * 1e9)))
        if sample is None:
            self.check()
            if self._sink.is_eos():
                raise CameraLostError(
                    f"{self.name}: the stream has ended",
                    hint="the sender stopped it, or it is a recording that is over",
                )
        return sample

    def check(self) -> None:
        """Raise what went wrong, if anything did: see `pull`."""
        if self._failed is not None:
            raise self._failed
        gst, bus = self._library.gst, self.pipeline.get_bus()
        while (message := bus.pop()) is not None:  # all of them, or they would pile up
            if message.type == gst.MessageType.ERROR:
                self._failed = self._failure(message)
                raise self._failed
            if message.type == gst.MessageType.WARNING:
                warning, debug = message.parse_warning()
                self._warning = error_words(warning.message, debug)

    def fail(self, error: SourceError) -> None:
        """Let the next `pull` raise this; for callbacks, which run on GStreamer's threads."""
        self._failed = error

    def stop(self) -> bool:
        """Stop all threads of the pipeline and free it.

        A driver that does not answer keeps its thread; it is left behind then, and never blocks
        the caller for more than two seconds.

        Returns:
            Whether it has stopped.
        """
        pipeline, null = self.pipeline, self._library.gst.State.NULL
        stopping = threading.Thread(
            target=pipeline.set_state, args=(null,), name=f"stop {self.name}", daemon=True
        )
        stopping.start()
        stopping.join(_STOP_S)
        self._closing()
        # Both refer back to us: such a circle would keep the pipeline's sockets open.
        self._closing, self._failed = (lambda: None), None
        return not stopping.is_alive()

    def _pause(self, deadline_ns: int) -> bool:
        """Bring it to where the first picture waits; returns whether it is live."""
        gst = self._library.gst
        result = self._change(gst.State.PAUSED)
        while result == gst.StateChangeReturn.ASYNC and time.monotonic_ns() < deadline_ns:
            self.check()
            result, _, _ = self.pipeline.get_state(_SLICE_NS)
        if result == gst.StateChangeReturn.FAILURE:
            self._raise_reason()
        return result == gst.StateChangeReturn.NO_PREROLL

    def _change(self, state: Any) -> Any:
        result = self.pipeline.set_state(state)
        if result == self._library.gst.StateChangeReturn.FAILURE:
            self._raise_reason()
        return result

    def _raise_reason(self) -> None:
        gst, bus = self._library.gst, self.pipeline.get_bus()
        message = bus.timed_pop_filtered(_ERROR_WAIT_NS, gst.MessageType.ERROR)
        if message is not None:
            raise self._failure(message)
        raise CameraLostError(
            f"{self.name}: GStreamer cannot start the pipeline and gives no reason",
            hint="try it by gst-launch-1.0 -v",
        )

    def _failure(self, message: Any) -> SourceError:
        return failure(self._library, message, self.name, self._misfit())

    def _misfit(self) -> str:
        """What reaches the sink but is not taken by it, in words; empty where it would fit."""
        pad = self._sink.get_static_pad("sink")
        peer = pad.get_peer()
        if peer is None:
            return ""
        offered = peer.query_caps(None)
        if offered.is_any() or offered.is_empty() or offered.can_intersect(pad.query_caps(None)):
            return ""
        kind = offered.get_structure(0)
        return kind.get_string("format") or kind.get_name()
