"""Networks by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from trainer.errors import CheckpointError
from trainer.lite import LiteNet
from trainer.network import FusionNet

Network: TypeAlias = FusionNet | LiteNet

NETWORKS: dict[str, Callable[[], Network]] = {"bts": FusionNet, "bts-lite": LiteNet}


def build_network(name: str) -> Network:
    """A fresh network in training form.

    Raises:
        CheckpointError: no such network.
    """
    if name not in NETWORKS:
        known = ", ".join(NETWORKS)
        raise CheckpointError(f"there is no network '{name}'", hint=f"known: {known}")
    return NETWORKS[name]()
