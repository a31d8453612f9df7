"""The models of a training: the one that learns, as it begins, and the one it may learn from."""

from __future__ import annotations

import torch
from torch import nn

from trainer.build import Network, build_network
from trainer.checkpoint import load_model
from trainer.compute import Compute
from trainer.settings import TrainSettings


def start_model(settings: TrainSettings, compute: Compute) -> Network:
    """The network before its first step: the same for the same settings, on every process.

    Raises:
        CheckpointError: ``settings.init`` is no checkpoint of the network.
    """
    torch.manual_seed(settings.seed)
    if settings.init is None:
        model = build_network(settings.network)
    else:
        model = load_model(settings.init, settings.network)
    return prepare(model.to(compute.device, memory_format=torch.channels_last))  # type: ignore[call-overload]


def prepare(model: Network) -> Network:
    """Training mode, except for batch norms: they use their stored statistics.

    A few cuts are no fair sample of brightness: normalised by their own statistics, the same
    grey would mean something else in each batch, and fusion is about absolute brightness. The
    weights of the batch norms go on learning.
    """
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    return model


def load_teacher(settings: TrainSettings, compute: Compute) -> nn.Module | None:
    """The network whose pictures are imitated, without gradients; None where none is set.

    Raises:
        CheckpointError: ``settings.teacher`` is no checkpoint.
    """
    if settings.teacher is None:
        return None
    teacher = load_model(settings.teacher).requires_grad_(False)
    return teacher.to(compute.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
