"""Why a file cannot be written, in words."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ..errors import FileWriteError

_OTHER_PLACE = "name another place to write to"

# What the operating system reports, said plainly, and what to do about it.
_REASONS: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("disk full", "free some space or write to another disk"),
    errno.EDQUOT: ("disk quota used up", "free some space or write to another disk"),
    errno.EFBIG: ("file grew past the size that is allowed here", "check `ulimit -f`"),
    errno.EACCES: ("no permission to write there", f"change its permissions or {_OTHER_PLACE}"),
    errno.EPERM: ("no permission to write there", f"change its permissions or {_OTHER_PLACE}"),
    errno.EROFS: ("read-only file system", _OTHER_PLACE),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", _OTHER_PLACE),
    errno.EEXIST: ("a file of that name is in the way of the folder", _OTHER_PLACE),
    errno.EISDIR: ("there is a folder of that name", "name a file"),
    errno.ENOENT: ("folder does not exist", "make the folder first"),
    errno.ENAMETOOLONG: ("name too long", "choose a shorter name"),
    errno.EIO: ("the disk reports an error", "check the disk, write to another one"),
}


def write_error(path: Path, error: Exception) -> FileWriteError:
    """The error to raise when ``path`` cannot be written.

    Args:
        path: the file or folder that the user knows, not a temporary name.
        error: what Python or FFmpeg raised; its ``errno``, where it has one, gives the reason.
    """
    code = getattr(error, "errno", None)
    if code in _REASONS:
        reason, hint = _REASONS[code]
    elif isinstance(code, int) and code in errno.errorcode:
        reason, hint = os.strerror(code).lower(), _OTHER_PLACE
    else:
        reason, hint = str(error) or type(error).__name__, _OTHER_PLACE
    return FileWriteError(f"cannot write {path}: {reason}", hint=hint)


def make_folder(folder: Path) -> None:
    """Create ``folder`` and its parents where they are missing.

    Raises:
        FileWriteError: it cannot be created, or a file is in the way.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise write_error(folder, exc) from exc


def part_path(path: Path) -> Path:
    """Temporary name beside ``path``: ``fused.mp4`` is written as ``fused.part.mp4``."""
    return path.with_name(f"{path.stem}.part{path.suffix}")


def remove(path: Path) -> None:
    """Delete ``path`` where it is there.

    Raises:
        FileWriteError: it is there and stays there.
    """
    try:
        path.unlink()
    except OSError as exc:
        if os.path.lexists(path):
            raise write_error(path, exc) from exc
