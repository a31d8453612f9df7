"""The film of a live run: it may end before the run does, but never ends it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import FileWriteError
from ..sinks.video import VideoSink, rescue


class LiveFilm:
    """A `VideoSink` whose disk may fail; see `fusion_rt.sinks.base.Sink`.

    A full disk ends the film, not the run: what was written stays and can be played, and the
    reason is told.

    Attributes:
        trouble: why the film has ended, in words; empty while it goes on.
    """

    def __init__(
        self,
        path: Path,
        size_wh: tuple[int, int],
        fps_hint: float | None,
        report: Callable[[str], None],
        note: Callable[[str], None],
    ) -> None:
        """Begin the film.

        Args:
            path: see `VideoSink`, as the next two.
            size_wh: width and height in px of the pictures.
            fps_hint: frames/s expected.
            report: told in words what happens beside.
            note: told `trouble` once it is known.

        Raises:
            UsageError, SinkError: it cannot even begin.
        """
        earlier = rescue(path)
        if earlier is not None:
            report(f"the film that an earlier run left unfinished is now {earlier}")
        self.trouble = ""
        self._sink = VideoSink(path, size_wh, fps_hint=fps_hint, keep_whole=True)
        self._report, self._note = report, note

    @property
    def label(self) -> str:
        """What and where, for the summary."""
        if not self.trouble:
            return self._sink.label
        return f"video {self._sink.kept}, which ended before the run did"

    @property
    def pictures(self) -> int:
        """How many pictures were taken; 0 where nothing of them could be kept."""
        return 0 if self.trouble and self._sink.kept is None else self._sink.pictures

    def write(self, picture: np.ndarray, captured_ns: int) -> None:
        """Take one picture; see `Sink.write`. No effect once the film has ended."""
        if self.trouble:
            return
        try:
            self._sink.write(picture, captured_ns)
        except FileWriteError as error:
            self._ended(error)

    def close(self) -> None:
        """Finish the film."""
        try:
            self._sink.close()
        except FileWriteError as error:
            self._ended(error)
            self._report(self.trouble)

    def discard(self) -> None:
        """Drop the film; no effect after ``close``, nor on what was kept."""
        self._sink.discard()

    def _ended(self, error: FileWriteError) -> None:
        kept = self._sink.kept
        what = f"the film ends there: {kept}" if kept else "nothing of the film is left"
        if kept == self._sink.path:
            what = "the film ends there"
        self.trouble = f"{error}; {what}"
        self._note(self.trouble)
