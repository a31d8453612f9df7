"""The one way to import PyAV, so that windows of OpenCV still work afterwards.

The packages of PyAV and OpenCV on PyPI both bring X11 libraries, in part under the same names but
built against different copies of libxcb. Loaded after PyAV, the Qt of OpenCV gets some of PyAV's
and hangs when it opens the first window. Loading Qt's X11 plugin before PyAV avoids that; the
plugin alone opens no connection to a display and does no harm without one.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from types import ModuleType

import cv2

_qt_came_first = False


def import_av() -> ModuleType:
    """PyAV, loaded after the window libraries of OpenCV."""
    load_window_libraries()
    import av

    return av


def load_window_libraries() -> bool:
    """Load what OpenCV's windows need, unless PyAV was imported by other means before.

    Returns:
        Whether a window can be opened beside PyAV without danger of a hang.
    """
    global _qt_came_first
    if not _qt_came_first and "av" not in sys.modules:
        plugin = Path(cv2.__file__).parent / "qt/plugins/platforms/libqxcb.so"
        if plugin.exists():  # only where OpenCV came with a Qt of its own
            ctypes.CDLL(str(plugin))
        _qt_came_first = True
    return _qt_came_first
