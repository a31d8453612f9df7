"""An average of the weights over the last steps: steadier than any one of them."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from trainer.build import Network


class WeightAverage:
    """Exponential moving average of a model's weights.

    Source of the warm-up, which lets the average forget the start quickly: the moving average of
    TensorFlow, decay min(d, (1 + n) / (10 + n)) at update n.

    Args:
        model: its weights are the first average.
        decay: share that an update keeps, below 1.
        updates: number of updates done before.

    Attributes:
        model: a copy that holds the average, in eval mode, without gradients.
    """

    def __init__(self, model: Network, decay: float, updates: int = 0) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay, self.updates = decay, updates

    @torch.no_grad()
    def update(self, model: Network) -> None:
        """Take the weights of ``model`` in."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        ours: list[Tensor] = list(self.model.parameters())
        theirs: list[Tensor] = list(model.parameters())
        torch._foreach_lerp_(ours, theirs, 1 - decay)
        for kept, new in zip(self.model.buffers(), model.buffers(), strict=True):
            kept.copy_(new)
        self.updates += 1
