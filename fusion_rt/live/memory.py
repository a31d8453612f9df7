"""Keeps a process that runs for days from growing."""

from __future__ import annotations

import ctypes

# glibc's number for the setting, from malloc.h.
_M_ARENA_MAX = -8
_ARENAS = 2


def limit_arenas() -> bool:
    """Let all threads take memory from two places instead of eight for each core.

    Each camera that is opened anew brings decoder threads, each of which glibc gives a place of
    its own; what is freed there stays with the process, and memory grows with every reconnect.

    Returns:
        Whether the C library knows the setting; others than glibc do not need it.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(mallopt(_M_ARENA_MAX, _ARENAS))
