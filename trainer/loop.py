"""Trains the fusion network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch

from trainer.board import require_board
from trainer.compute import choose_compute
from trainer.distributed import check_shares, joined_world
from trainer.memory import check_memory
from trainer.resume import check_place
from trainer.session import Outcome, Training
from trainer.settings import TrainSettings
from trainer.state import LAST


def train(
    settings: TrainSettings,
    *,
    resume: bool = False,
    stop: Callable[[], bool] = lambda: False,
    machine: Mapping[str, Any] | None = None,
) -> Outcome:
    """Train, from the beginning or from the checkpoint in ``settings.out``.

    Args:
        settings: recipe, data and places.
        resume: go on.
        stop: asked before each step; True ends the training after it, with a checkpoint, and
            while pictures are read at once.
        machine: what the report is to say of it.
    Raises:
        TrainerError: no usable data, a checkpoint in the way, none to go on with or one of other
            settings or data, a file that cannot be written, or a loss that is not finite; the
            last good checkpoint stays.
        KeyboardInterrupt: stopped while pictures were read.
    """
    compute = choose_compute(settings)
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    if settings.tensorboard:
        require_board()  # before the pictures are read, which may take long
    with joined_world(compute.device) as world:
        check_shares(settings, world)
        check_memory(settings, compute, world)
        check_place(settings.out / LAST, resume)
        return Training(settings, compute, world, stop, resume).run(machine or {})
