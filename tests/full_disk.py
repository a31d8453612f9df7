"""A disk that becomes full while a film is written, for tests of what is then left of it."""

from __future__ import annotations

import errno
import io
from pathlib import Path

import pytest

_plain_open = Path.open


class _FullDisk(io.FileIO):
    """A file that takes so many bytes and no more; the last write is taken in part."""

    room = 0

    def write(self, data):
        room = type(self).room - self.tell()
        if room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(bytes(data)[:room])


def fill_disk(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """From now on films find room for so many bytes each; other files are written as ever."""

    def opened(path, mode="r", *given, **named):
        if path.name.endswith(".part.mp4") and mode == "wb":
            return io.BufferedWriter(_FullDisk(path, "w"))
        return _plain_open(path, mode, *given, **named)

    monkeypatch.setattr(_FullDisk, "room", room)
    monkeypatch.setattr(Path, "open", opened)
