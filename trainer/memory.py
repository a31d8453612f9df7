"""Refuses a training that plainly does not fit into memory, before it dies without a word."""

from __future__ import annotations

import os

import torch

from trainer.compute import Compute
from trainer.distributed import World
from trainer.errors import TrainerError
from trainer.settings import TrainSettings

# Of one step, for a pixel of a cut, in FP32: measured as the growth of the process on a CPU, with
# cuts of 400 px. Smaller ones take more, as do the pictures and the weights: it is a lower bound.
_BYTES_PER_PIXEL = {"bts": 3500, "bts-lite": 950}


def check_memory(settings: TrainSettings, compute: Compute, world: World) -> None:
    """A step's cuts must fit into the memory of the device.

    Raises:
        TrainerError: they plainly do not.
    """
    there = _memory_of(compute.device)
    # Other formats halve what is kept for the backward pass, if not all of it.
    bytes_per_pixel = _BYTES_PER_PIXEL[settings.network] / (1 if compute.precision == "fp32" else 2)
    for number, phase in enumerate(settings.phases):
        share = phase.batch // world.size
        need = share * phase.crop**2 * bytes_per_pixel
        if need > there:
            side = int((there / 2 / bytes_per_pixel / share) ** 0.5)
            raise TrainerError(
                f"phases.{number}: a step on {share} cuts of {phase.crop} px needs about "
                f"{need / 2**30:.0f} GiB, but there are {there / 2**30:.0f} GiB",
                hint=f"choose a crop of at most {side} px or a smaller batch; the default is "
                "{crop: 112, batch: 5}",
            )


def _memory_of(device: torch.device) -> int:
    """All of it, bytes."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
