from __future__ import annotations

import numpy as np
import pytest
import torch

from trainer.errors import DataError
from trainer.latlrr import latent_lrr
from trainer.saliency import (
    PATCH,
    learn_patch_filter,
    patch_saliency,
    reduced,
    saliency,
)
from trainer.targets import salient_mask


def random(*shape: int, seed: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def scene(ground: int = 60, target: int = 220) -> np.ndarray:
    """A warm upright block before noisy ground, (144, 192) uint8."""
    ir = np.random.default_rng(0).integers(ground - 5, ground + 6, (144, 192)).astype(np.uint8)
    ir[50:94, 90:104] = target
    return ir


@pytest.fixture(scope="module")
def kernel() -> np.ndarray:
    rng = np.random.default_rng(1)
    return learn_patch_filter([rng.integers(0, 256, (60, 80), np.uint8) for _ in range(3)])


def test_saliency_treats_rows_and_columns_alike():
    plane = random(18, 26, seed=3)
    torch.testing.assert_close(saliency(plane.T), saliency(plane).T, atol=1e-9, rtol=0)


def test_saliency_is_what_L_makes_of_the_picture_upright_and_turned():
    plane = random(14, 14, seed=4).double()
    turned = (latent_lrr(plane.T).l @ plane.T).T
    expected = (latent_lrr(plane).l @ plane + turned) / 2
    torch.testing.assert_close(saliency(plane), expected, rtol=0, atol=1e-9)


def test_hot_target_is_more_salient_than_its_surroundings():
    plane = 0.2 + 0.05 * random(24, 32, seed=4)
    plane[10:17, 15:19] = 0.95
    found = saliency(plane)
    assert float(found[11:16, 16:18].mean()) > 3 * float(found[:7].mean())


def test_weight_of_the_error_is_0_4_unless_given():
    plane = random(14, 20, seed=7)
    torch.testing.assert_close(saliency(plane), saliency(plane, 0.4), rtol=0, atol=0)
    assert float((saliency(plane) - saliency(plane, 0.2)).abs().max()) > 1e-3


def test_batch_of_pictures_is_taken_one_by_one():
    planes = random(3, 9, 12, seed=8)
    found = saliency(planes)
    for index in range(3):
        torch.testing.assert_close(found[index], saliency(planes[index]), rtol=0, atol=1e-9)


def test_black_picture_has_nothing_salient(kernel):
    assert not saliency(torch.zeros(12, 17)).any()
    assert patch_saliency(np.zeros((40, 60), np.uint8), kernel).max() < 1e-9


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((288, 400), (72, 100)), ((400, 288), (100, 72)), ((50, 60), (50, 60)), ((72, 72), (72, 72))],
)
def test_only_larger_pictures_are_reduced(shape, expected):
    assert reduced(np.zeros(shape, np.uint8), 72).shape == expected


def test_target_stands_out_with_its_own_edges(kernel):
    found = patch_saliency(scene(), kernel)
    assert found.shape == (144, 192)
    assert found.dtype == np.float32
    assert found[50:94, 90:104].min() > 0.2
    around = found.copy()
    around[50:94, 90:104] = 0
    assert around.max() < 0.05


@pytest.mark.parametrize("level", [0, 90, 255])
def test_even_light_is_not_salient_however_bright(kernel, level):
    assert patch_saliency(np.full((90, 120), level, np.uint8), kernel).max() < 1e-6


def test_warm_wall_of_half_the_picture_is_salient_only_along_its_edge(kernel):
    ir = np.full((144, 192), 60, np.uint8)
    ir[:, 96:] = 160
    found = patch_saliency(ir, kernel)
    assert found[:, 100].mean() > 0.05
    assert found[:, 170:].max() < 0.01


def test_target_before_a_warm_wall_stands_out_as_before_a_cold_one(kernel):
    inside = (slice(50, 94), slice(90, 104))
    cold, warm = scene(30, 130), scene(130, 230)
    difference = patch_saliency(warm, kernel)[inside] - patch_saliency(cold, kernel)[inside]
    assert np.abs(difference).max() < 1e-6


def test_cold_object_is_not_salient(kernel):
    found = patch_saliency(scene(120, 20), kernel)
    assert found[50:94, 90:104].max() == 0


@pytest.mark.parametrize("shape", [(PATCH - 1, 30), (30, PATCH - 1)])
def test_picture_without_room_for_a_patch_is_refused(kernel, shape):
    with pytest.raises(DataError, match="too small for patches") as caught:
        patch_saliency(np.zeros(shape, np.uint8), kernel)
    assert caught.value.hint


def test_smallest_picture_is_one_patch(kernel):
    assert patch_saliency(np.zeros((PATCH, PATCH), np.uint8), kernel).shape == (PATCH, PATCH)


def test_mask_of_a_picture_hangs_on_no_other_picture_of_the_batch():
    maps = 0.5 * random(3, 1, 30, 40, seed=9)
    alone = salient_mask(maps[1:2])
    maps[0], maps[2] = 50, 0
    torch.testing.assert_close(salient_mask(maps)[1:2], alone, rtol=0, atol=0)
    assert 0 < float(alone.mean()) < 1
