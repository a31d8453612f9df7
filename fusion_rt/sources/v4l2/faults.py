"""What the kernel's error numbers mean to the user of a camera."""

from __future__ import annotations

import errno
import os

from ...errors import SourceError
from ..live import CameraLostError

# The camera was unplugged, was reset, or does not answer on its bus. After a while it may be back.
_LOST = {
    errno.ENODEV,
    errno.ENXIO,
    errno.ENOENT,
    errno.EIO,
    errno.EPIPE,
    errno.EPROTO,
    errno.ETIMEDOUT,
    errno.ESHUTDOWN,
    errno.EREMOTEIO,
}


def camera_fault(error: OSError, doing: str, path: str, remedy: str = "") -> SourceError:
    """The error to raise in place of the kernel's.

    Args:
        error: as the kernel reports it.
        doing: what was tried, for instance "starting the stream".
        path: of the device, for instance /dev/video0.
        remedy: what to do when the camera is gone.
    Returns:
        `CameraLostError` where the camera is gone; otherwise a plain `SourceError`.
    """
    number = error.errno or 0
    if number in _LOST:
        return CameraLostError(
            f"{path}: the camera is gone ({doing}: {os.strerror(number)})",
            hint=remedy or "check plug and power; fusion-rt sources shows what is there",
        )
    if number == errno.EBUSY:
        return SourceError(
            f"{path} is in use by another program",
            hint=f"close it; `fuser -v {path}` tells which one it is",
        )
    if number in (errno.EACCES, errno.EPERM):
        return SourceError(
            f"{path} may not be opened by this user",
            hint="sudo usermod -aG video $USER and log in again; in a container: --device "
            f"{path} --group-add video",
        )
    if number == errno.ENOTTY:
        return SourceError(f"{path} is no camera", hint="fusion-rt sources lists the cameras")
    if number == errno.ENOSPC:
        return SourceError(
            f"{path}: the USB bus has no bandwidth left for this camera",
            hint="set format: MJPG, a smaller size or a lower fps, or plug it into a port of "
            "another controller",
        )
    return SourceError(
        f"{path}: {doing} failed: {os.strerror(number)}",
        hint="fusion-rt sources shows what the camera offers; dmesg what its driver says",
    )
