"""What to do where a camera is missing or cannot be used as it is."""

from __future__ import annotations

from pathlib import Path

from ..sources.v4l2.nodes import SYSTEM, Roots
from ..sources.v4l2.survey import Survey
from ..sources.v4l2.thermal_clues import Verdict, driverless, judge

_TEGRA = ("tegra-video", "vi-output")


def advice(found: Survey, roots: Roots = SYSTEM) -> tuple[str, ...]:
    """Sentences for the user, most helpful first; none where all is well."""
    lines = []
    if found.hidden:
        nodes = " ".join(f"--device /dev/{name}" for name in found.hidden)
        lines.append(
            f"the kernel has {len(found.hidden)} video node(s) that are not below /dev here, as in "
            f"a container: start it with {nodes} --group-add video"
        )
    elif not found.cameras:
        lines += _nothing_found(roots)
    if any(judge(camera).verdict is Verdict.RAW for camera in found.cameras):
        lines.append(_raw_words(found))
    if driverless(found.usb):
        lines.append(
            "a thermal camera without a video driver needs a program that feeds a v4l2loopback "
            "device, or a network stream"
        )
    return tuple(lines)


def _raw_words(found: Survey) -> str:
    drivers = {camera.card.driver for camera in found.cameras if camera.card}
    if drivers & set(_TEGRA):
        return "the raw sensor on the ribbon cable of a Jetson is read as csi:0"
    return (
        "a raw sensor needs an image processor: on a Jetson it is read as csi:0, on a Raspberry "
        "Pi as gst:libcamerasrc ! ..."
    )


def _nothing_found(roots: Roots) -> list[str]:
    lines = ["no camera was found"]
    interfaces = (roots.sys / "bus/usb/devices").glob("*/bInterfaceClass")
    if any(_first_line(path) == "0e" for path in interfaces):  # USB class of video
        lines.append("a USB camera is plugged in, but has no driver: sudo modprobe uvcvideo")
    elif "microsoft" in _first_line(roots.top / "proc/sys/kernel/osrelease").lower():
        lines.append(
            "WSL sees no USB by itself: in Windows run usbipd bind and usbipd attach --wsl, and "
            "use a WSL kernel with uvcvideo; network cameras need none of that"
        )
    elif any((roots.top / name).exists() for name in (".dockerenv", "run/.containerenv")):
        lines.append("in a container: start it with --device /dev/video0 --group-add video")
    else:
        lines.append("check plug and power; lsusb shows whether the machine sees it at all")
    return lines


def _first_line(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
