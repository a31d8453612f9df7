"""What every source offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..frame import Frame, Sensor
from ..radiometry import Radiometry

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known about a source once it is open.

    Attributes:
        uri: as the user wrote it.
        kind: "video", "images" or "synthetic"; of cameras "network", "v4l2" or "gst".
        sensor: which of the two cameras this stands for.
        size_wh: width and height in px of its frames.
        bit_depth: 8, or 16 for raw thermal pictures.
        fps: nominal or average frames per second; None where unknown.
        frame_count: frames in the recording; None where unknown.
        notes: what the reader should know, one plain sentence each (for instance a conversion).
        clock: where capture times come from: "file"; of cameras "driver", "sender" or "arrival".
        radiometry: what 16-bit counts mean; None where that is not known.
    """

    uri: str
    kind: str
    sensor: Sensor
    size_wh: tuple[int, int]
    bit_depth: int = 8
    fps: float | None = None
    frame_count: int | None = None
    notes: tuple[str, ...] = ()
    clock: str = "file"
    radiometry: Radiometry | None = None


class Source(ABC):
    """One camera or recording. Used by one thread at a time; ``close`` may be called twice."""

    _info: SourceInfo  # set when opened

    @property
    def info(self) -> SourceInfo:
        """Facts known since opening."""
        return self._info

    @abstractmethod
    def read(self) -> Frame | None:
        """The next frame in order of time; None at the end.

        Infrared frames are (H, W) uint8 or uint16, visible frames (H, W, 3) uint8 BGR.

        Raises:
            TruncatedSourceError: the recording breaks off here.
            SourceError: it cannot be read for another reason.
        """

    @abstractmethod
    def close(self) -> None:
        """Release files and threads."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
