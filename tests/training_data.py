"""Small training data and a small network, for tests of the trainer."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from trainer.losses import MS_SSIM_MIN_SIDE
from trainer.settings import TrainSettings

SIDE = MS_SSIM_MIN_SIDE  # least cut that the loss takes, px


def write_picture(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def write_pairs(folder: Path, count: int = 3, seed: int = 0) -> Path:
    """Pairs of a textured visible scene and infrared with one warm block, 220x200."""
    for number in range(count):
        rng = np.random.default_rng(seed + number)
        vis = cv2.GaussianBlur(rng.normal(110, 40, (200, 220, 3)), (0, 0), 2)
        ir = rng.normal(60, 4, (200, 220))
        ir[60:120, 40 + 20 * number : 90 + 20 * number] = 230
        for kind, plane in (("ir", ir), ("vis", vis)):
            image = np.clip(plane, 0, 255).astype(np.uint8)
            write_picture(folder / kind / f"{number}.png", image)
    return folder


def small_settings(data: Path, out: Path, cache: Path, **changes: object) -> TrainSettings:
    """Four steps in two phases, a checkpoint after each, on one thread in FP32."""
    given = {
        "data": [data],
        "out": out,
        "cache": cache,
        "steps": 4,
        "warm_up_steps": 2,
        "phases": [
            {"share": 0.5, "crop": SIDE, "batch": 2},
            {"share": 0.5, "crop": SIDE + 1, "batch": 1},
        ],
        "saliency": "whole",  # for so few pictures quicker than to learn the projection
        "precision": "fp32",
        "device": "cpu",
        "threads": 1,
        "log_every": 1,
        "checkpoint_every": 1,
        "validate_every": 2,
        "panel": 1,
        "tensorboard": False,
    }
    return TrainSettings.model_validate({**given, **changes})


class TinyNet(nn.Module):
    """Learns a share of each input at every pixel; has a batch norm and random dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(2, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.drop = nn.Dropout(0.1)
        self.head = nn.Conv2d(4, 1, 1)
        self.contrast = 0.0

    def forward(self, ir: torch.Tensor, vis_y: torch.Tensor) -> torch.Tensor:
        features = torch.relu(self.norm(self.mix(torch.cat([ir, vis_y], 1))))
        return torch.relu(torch.maximum(ir, vis_y) + 0.1 * self.head(self.drop(features)))


def use_tiny_network(patch: pytest.MonkeyPatch) -> None:
    """Let a `TinyNet` stand in for every network of a training."""
    for module in ("trainer.models", "trainer.checkpoint"):
        patch.setattr(f"{module}.build_network", lambda name: TinyNet())
