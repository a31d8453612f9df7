from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from trainer.errors import DataError
from trainer.projection import (
    apply_kernel,
    learn_projection,
    learn_projection_from,
    projection_kernel,
    random_patches,
)


def patch_by_patch(plane: Tensor, projection: Tensor, u: int) -> Tensor:
    """Project each overlapping patch, put it back, and average what comes to lie on a pixel."""
    total, count = torch.zeros_like(plane), torch.zeros_like(plane)
    for row in range(plane.shape[0] - u + 1):
        for column in range(plane.shape[1] - u + 1):
            here = (slice(row, row + u), slice(column, column + u))
            total[here] += (projection @ plane[here].flatten()).view(u, u)
            count[here] += 1
    return total / count


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, shape, np.uint8) for shape in ((20, 31), (40, 24))]


@pytest.mark.parametrize("u", [1, 2, 3, 5, 8, 16])
def test_kernel_equals_projecting_each_patch_and_averaging(u):
    generator = torch.Generator().manual_seed(u)
    projection = torch.randn(u * u, u * u, generator=generator, dtype=torch.float64)
    plane = torch.rand(2 * u + 5, 2 * u + 9, generator=generator, dtype=torch.float64)
    expected = patch_by_patch(plane, projection, u)
    found = apply_kernel(plane[None, None], projection_kernel(projection))[0, 0]
    # Here every pixel lies in u² patches, and no mirrored one takes part.
    inner = (slice(u - 1, plane.shape[0] - u + 1), slice(u - 1, plane.shape[1] - u + 1))
    assert expected[inner].numel() >= 25
    torch.testing.assert_close(found[inner], expected[inner], rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("projection", "expected"),
    [
        pytest.param(torch.eye(9), [[0, 0, 0], [0, 1, 0], [0, 0, 0]], id="all-stays"),
        pytest.param(
            torch.ones(9, 9) / 9,
            np.outer([1, 2, 3, 2, 1], [1, 2, 3, 2, 1])[1:-1, 1:-1] / 81,
            id="mean",
        ),
    ],
)
def test_known_kernels(projection, expected):
    found = projection_kernel(projection.double())
    assert found.shape == (5, 5)
    np.testing.assert_allclose(found[1:-1, 1:-1].numpy(), expected, atol=1e-12)


def test_learned_projection_has_the_size_of_a_patch():
    patches = torch.rand(90, 4, 4, generator=torch.Generator().manual_seed(6))
    projection = learn_projection(patches)
    assert projection.shape == (16, 16)
    assert projection.dtype == torch.float64
    assert 0 < float(torch.linalg.matrix_norm(projection, "nuc")) <= 16


def test_patches_come_from_the_pictures(pictures):
    patches = random_patches(pictures, 5, 40, seed=3)
    assert patches.shape == (40, 5, 5)
    cuts = {
        picture[row : row + 5, column : column + 5].tobytes()
        for picture in pictures
        for row in range(picture.shape[0] - 4)
        for column in range(picture.shape[1] - 4)
    }
    chosen = {np.rint(patch.numpy() * 255).astype(np.uint8).tobytes() for patch in patches}
    assert chosen <= cuts
    assert len(chosen) > 30


def test_choice_of_patches_hangs_on_the_seed(pictures):
    first, again, other = (random_patches(pictures, 4, 9, seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_picture_of_exactly_one_patch_will_do():
    picture = np.arange(16, dtype=np.uint8).reshape(4, 4)
    patches = random_patches([picture], 4, 3, seed=0)
    torch.testing.assert_close(patches, torch.from_numpy(picture / 255).expand(3, 4, 4))


def test_learned_from_pictures_it_answers_to_no_even_light(pictures):
    projection = learn_projection_from(pictures, 4, count=120, seed=1)
    bright = torch.ones(16, dtype=torch.float64)
    torch.testing.assert_close(projection @ bright, torch.zeros_like(bright), rtol=0, atol=1e-5)
    assert float(torch.linalg.matrix_norm(projection, 2)) > 0.2


@pytest.mark.parametrize(
    ("shapes", "what"),
    [
        pytest.param([], "no pictures", id="none"),
        pytest.param([(20, 20), (9, 4)], "4x9 has no room for a patch of 5x5", id="too-small"),
    ],
)
def test_pictures_without_patches_are_refused(shapes, what):
    with pytest.raises(DataError, match=what) as caught:
        random_patches([np.zeros(shape, np.uint8) for shape in shapes], 5, 10, seed=0)
    assert caught.value.hint


def test_filter_mirrors_at_the_border_without_repeating_it():
    from_the_left = torch.zeros(3, 3)
    from_the_left[1, 0] = 1
    plane = torch.tensor([[1.0, 2.0, 5.0]]).expand(1, 1, 3, 3)
    found = apply_kernel(plane, from_the_left)
    torch.testing.assert_close(found, torch.tensor([[2.0, 1.0, 2.0]]).expand(1, 1, 3, 3))
