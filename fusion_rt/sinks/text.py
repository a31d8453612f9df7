"""Small files, each there wholly or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ..errors import SinkError
from .file_errors import make_folder, write_error


def check_writable(path: Path) -> None:
    """Find out before a long run whether `write_bytes` will be able to write there.

    Raises:
        SinkError: the folder cannot be made or written, or what is there is no plain file.
    """
    with _beside(path) as (part, _):
        part.unlink()


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8; errors as `write_bytes`."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` under a temporary name and move it into place.

    Where ``path`` is a link, the file that it leads to is written and the link stays.

    Raises:
        SinkError: it cannot be written, or what is there is no plain file; nothing half-written
            is left.
    """
    with _beside(path) as (part, file):
        file.write(data)
        file.flush()
        os.replace(part, os.path.realpath(path))


@contextmanager
def _beside(path: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """A new file beside the one that ``path`` leads to, under a name that nobody has.

    Raises:
        SinkError: it cannot be made, or an `OSError` comes up inside; the new file is gone then.
    """
    make_folder(path.parent)
    try:
        target = Path(os.path.realpath(path))
        _check_kind(path, target)
        part = target.with_name(f".{secrets.token_hex(8)}.part")
        with part.open("xb") as file:
            try:
                yield part, file
            except BaseException:
                part.unlink(missing_ok=True)
                raise
    except OSError as error:
        raise write_error(path, error) from error


def _check_kind(path: Path, target: Path) -> None:
    if target.is_dir():
        raise IsADirectoryError(21, "is a folder")
    if target.exists() and not target.is_file():
        raise SinkError(
            f"cannot write {path}: it is a device or the like, not a plain file",
            hint="name a file; leave the option out to write none",
        )
