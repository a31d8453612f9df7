"""Small text files, each there wholly or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from .file_errors import make_folder, part_path, remove, write_error


def check_writable(path: Path) -> None:
    """Find out before a long run whether `write_text` will be able to write there.

    Raises:
        SinkError: the folder cannot be made or written.
    """
    make_folder(path.parent)
    part = part_path(path)
    try:
        part.touch()
        if path.is_dir():
            raise IsADirectoryError(21, "is a folder")
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        if os.path.lexists(part):
            remove(part)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 under a temporary name and move it into place.

    Raises:
        SinkError: it cannot be written; nothing half-written is left.
    """
    make_folder(path.parent)
    part = part_path(path)
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        if os.path.lexists(part):
            remove(part)
        raise write_error(path, error) from error
