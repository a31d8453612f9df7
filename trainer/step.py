"""One update of the weights."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, isfinite, pi

import torch
from torch import nn

from trainer.cuts import Batch
from trainer.distributed import World
from trainer.objective import Objective
from trainer.settings import TrainSettings

# FP16 loses single steps while its scale is sought; below this it is not the scale's fault.
MIN_SCALE = 1.0


class NotFinite(ArithmeticError):
    """The loss or its gradient is not finite; the weights are as they were before the step."""

    def __init__(self, loss: float, norm: float) -> None:
        super().__init__(f"loss {loss}, gradient {norm}")


@dataclass
class Updater:
    """Applies the gradient of the objective to the model.

    Attributes:
        model: as `World.shared` gives it.
        optimizer: of its weights.
        scaler: of the precision, see `Compute.scaler`.
        objective: what to minimise.
        clip_norm: largest norm of the gradient; a longer one is shortened to it.
        world: processes that share the batch.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    objective: Objective
    clip_norm: float
    world: World

    def __call__(self, batch: Batch, rate: float, stop: bool) -> tuple[dict[str, float], bool]:
        """One step.

        Args:
            batch: this process's share.
            rate: learning rate.
            stop: whether this process was asked to stop.
        Returns:
            The loss and its terms, means over all processes; whether any was asked to stop.
        Raises:
            NotFinite: on all processes at once.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        loss, terms = self.objective(self.model, batch, self.world.scenes(batch.scene))
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        self.scaler.unscale_(self.optimizer)
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.clip_norm)
        asked = torch.tensor(float(stop), device=loss.device)
        shared = self.world.mean(torch.stack([loss, *terms.values(), asked]).detach())
        values = [*shared.tolist(), float(norm)]
        self._check(values[0], values[-1])
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return dict(zip(["loss", *terms], values, strict=False)), values[-2] > 0

    def _check(self, loss: float, norm: float) -> None:
        searching = self.scaler.is_enabled() and self.scaler.get_scale() >= MIN_SCALE
        if not isfinite(loss) or not (isfinite(norm) or searching):
            raise NotFinite(loss, norm)


def learning_rate(step: int, settings: TrainSettings) -> float:
    """Linear warm-up, then half a cosine down to 1 percent."""
    warm = min(1.0, (step + 1) / settings.warm_up_steps)
    fall = 0.5 * (1 + cos(pi * step / settings.steps))
    return settings.learning_rate * warm * (0.01 + 0.99 * fall)
