"""Loss on pairs that are not trained on: the middle of each picture, always the same."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from trainer.cuts import centre_square, stack
from trainer.distributed import World
from trainer.objective import Objective
from trainer.pictures import PictureStore


@torch.no_grad()
def validate(
    model: nn.Module,
    store: PictureStore,
    crop: int,
    objective: Objective,
    world: World,
    judged: Callable[[], object] = lambda: None,
) -> dict[str, float]:
    """Mean loss and terms over all pictures, each by itself.

    Args:
        model: in the mode it is to be judged in.
        store: pictures.
        crop: side of the square that is taken from the middle of each, px.
        objective: the loss.
        world: processes that share the pictures.
        judged: called after each picture of this process.
    """
    device = objective.compute.device
    names: list[str] = []
    sums: torch.Tensor | None = None
    for number in range(world.rank, len(store), world.size):
        batch = stack([centre_square(store[number], crop)]).to(device)
        loss, terms = objective(model, batch)
        names = ["loss", *terms]
        values = torch.stack([loss, *terms.values()])
        sums = values if sums is None else sums + values
        judged()
    # A process without a picture of its own does not know the terms; the first always has one.
    names = world.gather(names)[0]
    if sums is None:
        sums = torch.zeros(len(names), device=device)
    means = world.total(sums) / len(store)
    return dict(zip(names, means.tolist(), strict=True))
