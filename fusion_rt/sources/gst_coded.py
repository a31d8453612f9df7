"""Coded pictures on their way to the decoder: which are too old, which damaged."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Any

from .network_guards import DamageGuard

WATCHED = "coded"  # name of the element whose output is watched: whole coded pictures
_REMEMBERED = 256  # damaged pictures between there and the sink are never so many
# Pictures that waited longer than this are left out undecoded, until hardly any wait.
_TOO_LATE_NS, _CAUGHT_UP_NS = 500_000_000, 100_000_000
# What waits is left out within moments. Pictures that stay late had their time stamps moved.
_SKIPS_AT_MOST_NS = 1_000_000_000
_NONE = 2**64 - 1  # GST_CLOCK_TIME_NONE


class CodedWatch:
    """Follows the coded pictures of a stream, so that neither old nor damaged ones are shown.

    A decoder that is too slow lets pictures pile up before it, without bound. Leaving them out
    costs next to nothing, so it is soon up with the stream again.

    A lost packet leaves a mark on the coded picture it is missing from. The ones after it build on
    that picture until a key frame, which decoders do not tell. Decoded pictures have the time
    stamps of the coded ones, so these name them.
    """

    def __init__(self, gst: Any, patience_s: float) -> None:
        """Nothing is late or damaged.

        Args:
            patience_s: pictures are shown again so long after the first damage, whatever comes.
        """
        self._gst = gst
        self._guard = DamageGuard(round(patience_s * 1e9))
        self._begun = False
        self._least_age_ns: int | None = None
        self._skipping_since_ns: int | None = None
        self._damaged: OrderedDict[int, None] = OrderedDict()
        self._lock = threading.Lock()

    def watch(self, element: Any) -> None:
        """Follow what an element gives; call before it runs."""
        pad = element.get_static_pad("src")
        pad.add_probe(self._gst.PadProbeType.BUFFER, self._look)

    def damaged(self, buffer: Any) -> bool:
        """Whether a decoded picture is to be left out."""
        if buffer.has_flags(self._gst.BufferFlags.CORRUPTED):
            return True
        with self._lock:
            return buffer.pts in self._damaged

    def decodes(self, pts: int, *, key: bool, lost: bool, now_ns: int) -> bool:
        """Whether a coded picture is worth decoding; told in the order of the stream.

        Args:
            pts: its time stamp in ns.
            key: it needs no other picture.
            lost: packets are missing from it or before it.
            now_ns: time on any steady clock.
        """
        lost = lost and self._begun  # every stream begins with such a mark
        self._begun = True
        late = pts != _NONE and self._too_late(now_ns - pts, now_ns)
        if self._guard.passes(now_ns, key=key, corrupt=lost or late):
            return True
        with self._lock:
            self._damaged[pts] = None
            if len(self._damaged) > _REMEMBERED:
                self._damaged.popitem(last=False)
        return not late

    def _too_late(self, age_ns: int, now_ns: int) -> bool:
        since_ns = self._skipping_since_ns
        moved = since_ns is not None and now_ns - since_ns > _SKIPS_AT_MOST_NS
        if self._least_age_ns is None or age_ns < self._least_age_ns or moved:
            self._least_age_ns = age_ns
        waited_ns = age_ns - self._least_age_ns
        if waited_ns <= (_TOO_LATE_NS if since_ns is None else _CAUGHT_UP_NS):
            self._skipping_since_ns = None
            return False
        self._skipping_since_ns = now_ns if since_ns is None else since_ns
        return True

    def _look(self, _pad: Any, info: Any) -> Any:
        """Runs on GStreamer's thread, before the decoder."""
        buffer, flags, answer = info.get_buffer(), self._gst.BufferFlags, self._gst.PadProbeReturn
        decodes = self.decodes(
            buffer.pts,
            key=not buffer.has_flags(flags.DELTA_UNIT),
            lost=buffer.has_flags(flags.DISCONT),
            now_ns=time.monotonic_ns(),
        )
        return answer.OK if decodes else answer.DROP
