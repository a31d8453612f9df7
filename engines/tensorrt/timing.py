"""The timing cache: what the builder measured on a GPU, so that the next build need not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ..cache_dir import write_whole
from ..errors import EngineError
from .flavour import Flavour
from .target import Target

FOLDER = "timing"


def timing_file(root: Path, flavour: Flavour, target: Target) -> Path | None:
    """Where the measurements for that library and that GPU are kept; None where none are taken.

    Args:
        root: of the cache.
        flavour: that builds; measurements of another version are not taken.
        target: the GPU on which it measures.
    """
    if not flavour.timing_cache:
        return None
    words = f"{flavour.name}-{flavour.version}-{target.gpu}-{target.compute_capability}"
    return root / FOLDER / f"{re.sub(r'[^A-Za-z0-9.-]+', '_', words)}.timing"


def attach(config: Any, path: Path) -> str:
    """Let the builder use what the file holds, if it does, and note what it measures.

    Returns:
        A line where the file could not be used; else "".
    """
    note = ""
    try:
        known = path.read_bytes()
    except FileNotFoundError:
        known = b""
    except OSError as error:
        known, note = b"", f"cannot read {path}: {error.strerror}; measuring anew"
    cache = config.create_timing_cache(known)
    if known and (cache is None or not config.set_timing_cache(cache, False)):
        note = f"{path} does not fit this TensorRT and GPU; measuring anew"
        known, cache = b"", config.create_timing_cache(b"")
    if not known and cache is not None:
        config.set_timing_cache(cache, False)
    return note


def keep(config: Any, path: Path) -> str:
    """Write what is known now.

    Returns:
        A line where it cannot be written, which costs time and nothing else; else "".
    """
    cache = config.get_timing_cache()
    if cache is None:
        return ""
    try:
        write_whole(path, bytes(cache.serialize()))
    except EngineError as error:
        return f"{error}; the next build measures anew"
    return ""
