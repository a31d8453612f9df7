"""Whether a window can be opened here, found out without risk to this process."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys

import cv2

from .pyav import load_window_libraries

_PROBE_TIMEOUT_S = 10.0

# The Qt of OpenCV aborts the whole process where it finds no display, so the first window is
# opened in a process of its own; with PyAV loaded, as it will be beside the real window.
_PROBE = """
import cv2, numpy
from fusion_rt.pyav import import_av
import_av()
cv2.namedWindow("probe", cv2.WINDOW_NORMAL)
cv2.resizeWindow("probe", 64, 64)
cv2.moveWindow("probe", 0, 0)
cv2.imshow("probe", numpy.zeros((64, 64, 3), numpy.uint8))
cv2.waitKey(1)
cv2.destroyAllWindows()
"""


def probe_display() -> str | None:
    """Find out whether OpenCV can open a window here.

    The first call opens one in a child process for a moment, which takes well under a second;
    later calls with the same display answer at once.

    Returns:
        None if a window can be opened, otherwise the reason and what to do, in one line.
    """
    if not load_window_libraries():
        return (
            "PyAV was imported before the window libraries of OpenCV, which then hang; "
            "import it by fusion_rt.pyav.import_av"
        )
    return _probe(os.environ.get("DISPLAY"), os.environ.get("WAYLAND_DISPLAY"))


@functools.cache
def _probe(x_display: str | None, wayland_display: str | None) -> str | None:
    toolkit = _toolkit(cv2.getBuildInformation())
    if toolkit == "NONE":
        return (
            "this build of OpenCV has no windows; "
            "pip uninstall opencv-python-headless && pip install --force-reinstall opencv-python"
        )
    if sys.platform == "linux" and not x_display and not wayland_display:
        return "no display: DISPLAY is not set; log in at the screen or with ssh -X"
    where = x_display or wayland_display
    try:
        done = subprocess.run(
            [sys.executable, "-c", _PROBE],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return (
            f"display {where} did not answer within {_PROBE_TIMEOUT_S:.0f} s; "
            "check the connection to the screen"
        )
    if done.returncode == 0:
        return None
    return f"display {where} cannot be used ({_first_line(done.stderr)}); check DISPLAY"


def _toolkit(build_information: str) -> str:
    """Name of the window toolkit in OpenCV's build information, "NONE" where it has none."""
    found = re.search(r"^\s*GUI:\s*(\S+)", build_information, re.MULTILINE)
    return found.group(1) if found else "NONE"


def _first_line(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return lines[0] if lines else "it failed without a message"
