from __future__ import annotations

import numpy as np
import pytest
import torch
from networks import OURS, random_network
from training_data import write_pairs

from trainer.deploy import DeployGraph
from trainer.layouts import find_pairs
from trainer.pairs import read_colour
from trainer.sheet import PictureSheet, deployed

CPU = torch.device("cpu")


def scene() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return rng.integers(0, 256, (40, 50), np.uint8), rng.integers(0, 256, (40, 50, 3), np.uint8)


@pytest.mark.parametrize("kind", OURS)
def test_shown_is_what_is_deployed_contrast_curve_included(kind):
    model = random_network(kind)
    ir, bgr = scene()
    shown = deployed(model, ir, bgr, CPU)
    planes = torch.from_numpy(ir)[None, None], torch.from_numpy(bgr)[None]
    with torch.no_grad():
        wanted = DeployGraph(model)(*planes, torch.full_like(planes[0], 255))[0].numpy()
    np.testing.assert_array_equal(shown, wanted)
    assert model.contrast > 0
    model.contrast = 0.0
    assert not np.array_equal(deployed(model, ir, bgr, CPU), shown)


def test_sheet_holds_before_and_now(tmp_path):
    pairs = find_pairs(write_pairs(tmp_path, 1)).pairs
    before, now = random_network("bts-lite", 1), random_network("bts-lite", 2)
    sheet = PictureSheet(pairs, before, CPU).draw(now)
    height, width = 200, 220
    ir, bgr = read_colour(pairs[0])
    for column, model in ((2, before), (3, now)):
        left = 6 + column * (width + 6)
        found = sheet[30 : 30 + height, left : left + width]
        np.testing.assert_array_equal(found, deployed(model, ir, bgr, CPU))
