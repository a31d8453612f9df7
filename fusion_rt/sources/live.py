"""What every live camera offers, however it is reached."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from ..errors import SourceError
from ..frame import Frame
from .base import SourceInfo

if TYPE_CHECKING:
    from typing_extensions import Self


class CameraLostError(SourceError):
    """The camera, or the way to it, is gone: close it, and open it again after a while."""


class LiveSource(ABC):
    """One camera that runs. Used by one thread at a time; ``close`` may be called twice.

    A camera is never a queue: what `poll` gives is the newest picture there is, and what was
    passed over shows as a gap in `Frame.seq`. No call lasts much longer than it is asked to, so
    that a silent camera is noticed and a run can end.

    A frame's ``captured_ns`` is on the monotonic clock: the driver's or the sender's own time
    where there is one (see ``info.clock``), else that of arrival. Its size may change while the
    camera runs; ``info`` says what it was when opened.
    """

    _info: SourceInfo  # set when opened

    @property
    def info(self) -> SourceInfo:
        """Facts known since opening."""
        return self._info

    @abstractmethod
    def poll(self, timeout_s: float) -> Frame | None:
        """The newest frame not given yet; None where none came in time.

        Infrared frames are (H, W) uint8 or uint16, visible frames (H, W, 3) uint8 BGR. A damaged
        picture is left out and counts as a gap.

        Args:
            timeout_s: how long to wait for one.

        Raises:
            CameraLostError: it is gone; the words say how.
            SourceError: it can never be read so, for instance a wrong setting.
        """

    @abstractmethod
    def close(self) -> None:
        """Release the device, its memory and threads."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
