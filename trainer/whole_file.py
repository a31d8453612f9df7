"""Writes files whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from trainer.errors import WriteError

_HINTS = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.ENOENT: "make the folder again, it is gone",
    errno.EACCES: "change its permissions",
    errno.EROFS: "name another place to write to",
}


def replace_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make a file under a temporary name, then move it over ``path``.

    The content is on the disk before the name is: after a loss of power ``path`` holds the old
    file or the new one. Where it is a link, the file that it leads to is written.

    Raises:
        OSError: it cannot be written, or is a device or the like.
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(errno.EINVAL, "a device or the like, not a plain file", str(path))
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        write(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_whole(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, whole or not at all; errors as `replace_whole`."""
    replace_whole(path, lambda temporary: temporary.write_bytes(content))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell what hinders the writing of ``path`` in words.

    Raises:
        WriteError: for any `OSError` inside.
    """
    try:
        yield
    except OSError as exc:
        reason = (exc.strerror or str(exc) or type(exc).__name__).lower()
        hint = _HINTS.get(exc.errno or 0, "name another place to write to")
        raise WriteError(f"cannot write {path}: {reason}", hint=hint) from exc


def check_folder(folder: Path) -> None:
    """Find out whether files can be written to ``folder``, leaving nothing behind.

    Where it is not there yet, the nearest folder above it is asked.

    Raises:
        WriteError: they cannot.
    """
    with writing(folder):
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        probe = there / f".{os.getpid()}.part"
        try:
            probe.touch()
        finally:
            probe.unlink(missing_ok=True)
