from __future__ import annotations

import pytest
import torch

from trainer import memory
from trainer.build import NETWORKS
from trainer.compute import Compute
from trainer.distributed import World
from trainer.errors import TrainerError
from trainer.memory import check_memory
from trainer.settings import TrainSettings

GIB = 2**30


def settings(network, crop, batch):
    phases = [{"share": 0.5, "crop": 112, "batch": 4}, {"share": 0.5, "crop": crop, "batch": batch}]
    return TrainSettings(network=network, phases=phases)


def check(network, crop, batch, precision="fp32", processes=1):
    world = World(0, processes)
    check_memory(settings(network, crop, batch), Compute(torch.device("cpu"), precision), world)


@pytest.fixture(autouse=True)
def _sixteen_gib(monkeypatch):
    monkeypatch.setattr(memory, "_memory_of", lambda device: 16 * GIB)


def test_cuts_that_cannot_fit_are_refused_with_the_numbers():
    words = r"phases\.1: a step on 2 cuts of 2000 px needs about 26 GiB, but there are 16 GiB"
    with pytest.raises(TrainerError, match=words) as caught:
        check("bts", 2000, 2)
    crop = int(caught.value.hint.split("at most ")[1].split()[0])
    assert 1000 < crop < 1200  # half of the memory
    check("bts", crop, 2)


@pytest.mark.parametrize(
    ("network", "crop", "batch", "precision", "processes"),
    [
        pytest.param("bts", 112, 5, "fp32", 1, id="default"),
        pytest.param("bts", 1000, 2, "fp32", 1, id="large"),
        pytest.param("bts-lite", 2000, 2, "fp32", 1, id="small-network"),
        pytest.param("bts", 2000, 2, "bf16", 1, id="half-the-bytes"),
        pytest.param("bts", 2000, 2, "fp32", 2, id="shared-by-processes"),
    ],
)
def test_what_may_fit_is_tried(network, crop, batch, precision, processes):
    check(network, crop, batch, precision, processes)


def test_every_network_has_its_figure():
    assert memory._BYTES_PER_PIXEL.keys() == NETWORKS.keys()


def test_memory_of_this_machine_is_known(monkeypatch):
    monkeypatch.undo()
    assert 0.25 * GIB < memory._memory_of(torch.device("cpu")) < 2**20 * GIB
