"""How the ``engine`` commands name sizes, GPUs, figures and dates."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engines.parity import Parity
from engines.plan_key import PlanKey
from engines.tensorrt.target import ANY, PORTABLE


def size_words(key: PlanKey) -> str:
    """For instance "640x480 ir 320x256"."""
    warp = "" if key.ir_size_wh is None else " ir {}x{}".format(*key.ir_size_wh)
    return "{}x{}".format(*key.size_wh) + warp


def target_words(key: PlanKey) -> str:
    """For instance "NVIDIA H100 (9.0)"."""
    if key.compute_capability == PORTABLE:
        return "portable"
    return f"{'any GPU' if key.gpu == ANY else key.gpu} ({key.compute_capability})"


def parity_words(parity: dict[str, Any] | None) -> str:
    """All figures in one line."""
    if parity is None:
        return "not measured yet"
    try:
        return str(Parity.from_data(parity))
    except ValueError as error:
        return f"cannot be read: {error}"


def short_parity(parity: dict[str, Any] | None) -> str:
    """The PSNR alone; "-" before it was measured."""
    return "-" if parity is None else parity_words(parity).split(",")[0].split(":")[0]


def date_words(moment: datetime) -> str:
    """In local time, to the minute."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def mib_words(size: int) -> str:
    """Bytes as MiB."""
    return f"{size / 2**20:.1f}"
