"""Where pictures come from: video files, folders of pictures and a built-in scene."""

from __future__ import annotations

from .base import Source, SourceInfo
from .open import open_source

__all__ = ["Source", "SourceInfo", "open_source"]
