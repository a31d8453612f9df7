"""One training shared by several processes, as `torchrun` starts them."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch import distributed as dist

from trainer.errors import TrainerError
from trainer.settings import TrainSettings


class World:
    """This process among those that train together; alone unless `torchrun` started it.

    Attributes:
        rank: number of the process; 0 alone writes files and talks.
        size: number of processes.
    """

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and talks."""
        return self.rank == 0

    def mean(self, values: Tensor) -> Tensor:
        """Mean over all processes, on each of them."""
        if self.size > 1:
            dist.all_reduce(values)
            values /= self.size
        return values

    def total(self, values: Tensor) -> Tensor:
        """Sum over all processes, on each of them."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def scenes(self, scene: Tensor) -> Tensor:
        """Mean over all processes of how many cuts are pictures, (), never quite 0.

        Args:
            scene: of this process's cuts, see `trainer.cuts.Batch`.
        """
        return self.total(scene.sum()).clamp(min=1) / self.size

    def gather(self, item: Any) -> list[Any]:
        """``item`` of every process, by rank, on each of them."""
        if self.size == 1:
            return [item]
        items: list[Any] = [None] * self.size
        dist.all_gather_object(items, item)
        return items

    def shared(self, model: nn.Module, device: torch.device) -> nn.Module:
        """``model`` with gradients that are the mean over all processes."""
        if self.size == 1:
            return model
        devices = [device] if device.type == "cuda" else None
        return nn.parallel.DistributedDataParallel(model, device_ids=devices, **_NO_BUFFERS)


# Buffers are the frozen statistics of batch norms, the same everywhere; to send them around in
# each forward pass would forbid a second pass in one step. Torch 2.13 renamed the argument.
_ARGUMENTS = inspect.signature(nn.parallel.DistributedDataParallel).parameters
_NO_BUFFERS: dict[str, Any] = {
    "forward_sync_buffers" if "forward_sync_buffers" in _ARGUMENTS else "broadcast_buffers": False
}


@contextmanager
def joined_world(device: torch.device) -> Iterator[World]:
    """The processes of this training, joined while the context lasts.

    Args:
        device: where this process computes; decides between nccl and gloo.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World()
        return
    # Loaded while there is no group: its functions keep the group of that moment as a default, and
    # DistributedDataParallel loads it. A group so kept outlives its end, and its threads then reach
    # into an interpreter that is gone, which aborts a process that has done all its work.
    importlib.import_module("torch.distributed.nn.functional")
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield World(dist.get_rank(), size)
    finally:
        dist.destroy_process_group()


def local_rank() -> int:
    """Number of this process on its machine, and of its GPU."""
    return int(os.environ.get("LOCAL_RANK", "0"))


def check_shares(settings: TrainSettings, world: World) -> None:
    """Each process must get as many cuts of a step as the others.

    Raises:
        TrainerError: a batch cannot be shared out evenly.
    """
    for phase in settings.phases:
        if phase.batch % world.size:
            raise TrainerError(
                f"a batch of {phase.batch} cannot be shared evenly by {world.size} processes",
                hint="the batch of a phase counts the cuts of all processes together: choose a "
                f"multiple of {world.size}",
            )
