"""Where plans, compiled models and verdicts are kept from one start to the next."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from .errors import EngineError
from .report import Report, silent, tell_once

VARIABLE = "FUSION_RT_CACHE"
_ELSEWHERE = f"name another folder: export {VARIABLE}=/path/to/folder"


def cache_root() -> Path:
    """The folder under which everything is kept; it need not exist yet.

    ``$FUSION_RT_CACHE``, else ``$XDG_CACHE_HOME/fusion-rt``, else ``~/.cache/fusion-rt``. An
    ``XDG_CACHE_HOME`` that is not absolute is not taken.

    Raises:
        EngineError: something else than a folder lies there, it cannot be looked at, or there is
            no home folder.
    Source: XDG Base Directory Specification, version 0.8.
    """
    try:
        if named := os.environ.get(VARIABLE):
            root = Path(named).expanduser().absolute()
        elif os.path.isabs(shared := os.environ.get("XDG_CACHE_HOME", "")):
            root = Path(shared) / "fusion-rt"
        else:
            root = Path.home() / ".cache" / "fusion-rt"
    except RuntimeError as error:  # no $HOME and no entry for this user
        raise EngineError(f"there is no place for a cache: {error}", hint=_ELSEWHERE) from error
    try:
        in_the_way = root.exists() and not root.is_dir()
    except OSError as error:  # a folder above it is closed to us
        reason = error.strerror or error
        raise EngineError(f"cannot read {root}: {reason}", hint=_ELSEWHERE) from error
    if in_the_way:
        raise EngineError(f"cache {root} is not a folder", hint=_ELSEWHERE)
    return root


def root_or_none(report: Report = silent) -> Path | None:
    """`cache_root`; None where there is none, so that nothing is found and nothing kept.

    Args:
        report: told so, once in the life of the process.
    """
    try:
        return cache_root()
    except EngineError as error:
        tell_once(report, f"{error}; nothing is kept for the next start; {error.hint}")
        return None


def write_whole(path: Path, data: bytes) -> None:
    """Write a file of the cache: whole or not at all, also when two processes write it at once.

    Raises:
        EngineError: it cannot be written; nothing half-written is left.
    """
    part = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False
        ) as file:
            part = Path(file.name)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # or a loss of power may leave the new name with no content
        os.replace(part, path)
    except OSError as error:
        if part is not None:
            with suppress(OSError):  # the folder went away under it
                part.unlink(missing_ok=True)
        raise EngineError(
            f"cannot write {path}: {error.strerror or error}", hint=_ELSEWHERE
        ) from error


def trim_folder(folder: Path, pattern: str, most_bytes: int) -> None:
    """Remove files of the cache until the rest fits, those written or touched last stay.

    The newest one stays whatever its size. What another process removes meanwhile is no fault.

    Args:
        folder: of the cache.
        pattern: of the names, as `Path.glob` takes it.
        most_bytes: that the files may have together.
    """
    found = []
    for path in folder.glob(pattern):
        with suppress(FileNotFoundError):
            facts = path.stat()
            found.append((facts.st_mtime_ns, facts.st_size, path))
    total = 0
    for index, (_, size, path) in enumerate(sorted(found, reverse=True)):
        total += size
        if index and total > most_bytes:
            path.unlink(missing_ok=True)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's content, 64 hex digits.

    Raises:
        EngineError: it cannot be read.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise EngineError(f"cannot read {path}: {error.strerror or error}") from error
