"""The least distance that pictures are matched at; kept apart, as the command line wants it too."""

from __future__ import annotations

from typing import Final

NEAREST_M: Final = 0.1
