"""Whether there is an NVIDIA GPU to ask at all, before heavy packages are loaded for it."""

from __future__ import annotations

import ctypes

from .errors import BackendUnavailable

_DRIVER = "libcuda.so.1"  # part of the driver on PCs and on Jetson, not of the CUDA toolkit


def check_driver() -> None:
    """Find out in a moment whether the driver is installed; no context is made.

    Raises:
        BackendUnavailable: it is not.
    """
    try:
        ctypes.CDLL(_DRIVER)
    except OSError as error:
        raise BackendUnavailable(
            f"no NVIDIA driver is installed ({error})",
            hint="install the driver of your GPU, or choose --engine openvino or onnxruntime",
        ) from error
