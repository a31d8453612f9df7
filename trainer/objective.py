"""What a step minimises: the fusion loss, and the distance to a teacher where there is one."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainer.compute import Compute
from trainer.cuts import Batch
from trainer.losses import LossWeights, fusion_loss
from trainer.targets import fusion_target


@dataclass(frozen=True)
class Objective:
    """The loss of a model on a batch.

    Attributes:
        weights: of the terms of the fusion loss.
        compute: precision of the forward pass; the loss is always computed in FP32.
        teacher: network whose pictures are imitated; None without.
        teacher_weight: factor of that term.
    """

    weights: LossWeights
    compute: Compute
    teacher: nn.Module | None = None
    teacher_weight: float = 0.0

    def __call__(
        self, model: nn.Module, batch: Batch, scenes: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Weighted sum, and each term before weighting under its name.

        Args:
            model: to be judged.
            batch: cuts; this process's share where several have part in it.
            scenes: as of `fusion_loss`.
        """
        target = fusion_target(batch.ir, batch.vis_y, batch.mask)
        with self.compute.autocast():
            fused = model(batch.ir, batch.vis_y)
        fused = fused.float()
        loss, terms = fusion_loss(
            fused, batch.ir, batch.vis_y, target, self.weights, batch.scene, scenes
        )
        if self.teacher is not None:
            terms["teacher"] = teacher_loss(fused, self._taught(batch), batch.scene)
            loss = loss + self.teacher_weight * terms["teacher"]
        return loss, terms

    @torch.no_grad()
    def _taught(self, batch: Batch) -> Tensor:
        assert self.teacher is not None
        with self.compute.autocast():
            return self.teacher(batch.ir, batch.vis_y).float()


def teacher_loss(fused: Tensor, taught: Tensor, scene: Tensor) -> Tensor:
    """Mean absolute distance to the teacher's luma, both (B, 1, H, W), over pictures of scenes.

    What test cards are to look like is known better than any teacher does. What the teacher gives
    above 1 is stored as 1 and counts so.

    Args:
        fused: about 0..1.
        taught: same shape.
        scene: (B,), 1 for pictures, 0 for test cards.
    """
    distance = (fused - taught.clamp(max=1)).abs().mean((1, 2, 3))
    return (distance * scene).sum() / scene.sum().clamp(min=1)
