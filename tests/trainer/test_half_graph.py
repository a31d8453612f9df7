"""The torch network that the benchmark times computes the shipped picture, in FP16."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from gpu_bench.torch_turn import half_graph

from engines.parity_pairs import parity_pairs
from trainer.deploy import DeployGraph
from trainer.shipped import shipped_network

WH = (96, 64)


@pytest.mark.parametrize("model", ["bts", "bts-lite"])
@torch.inference_mode()
def test_half_graph_shows_the_same_picture(model):
    half, whole = half_graph(model), DeployGraph(shipped_network(model))
    kinds = {parameter.dtype for parameter in half.parameters()}
    assert kinds == {torch.float16}
    weight = torch.full((1, 1, WH[1], WH[0]), 255, dtype=torch.uint8)
    differs = False
    for ir, vis in parity_pairs(WH):
        pair = torch.from_numpy(ir)[None, None], torch.from_numpy(vis)[None]
        expected, found = (graph(*pair, weight).numpy().astype(int) for graph in (whole, half))
        assert 10 * np.log10(255**2 / max(np.square(found - expected).mean(), 1e-9)) >= 50
        differs |= bool((found != expected).any())
    assert differs  # it is not FP32 under another name
