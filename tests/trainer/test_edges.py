from __future__ import annotations

from math import exp, pi

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from fusion_rt.quality.edges import edge_artefacts, edge_preservation
from trainer.edges import Edges, edge_losses, edges_of, preserved, strongest

SIDE = 128
CEILING = 0.9994 / (1 + exp(-7.5)) * 0.9879 / (1 + exp(-4.4))  # of equal strength and direction


def texture(seed: int, contrast: float = 60.0) -> np.ndarray:
    """Smooth random picture of high contrast in a black frame, 0..255.

    The frame is there since `fusion_rt.quality` takes the world beyond the border as black.
    """
    plane = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(SIDE, SIDE)), (0, 0), 1.5)
    plane = np.clip(128 + contrast * plane / plane.std(), 1, 255)
    return np.pad(plane[3:-3, 3:-3], 3)


def tensor(plane: np.ndarray) -> Tensor:
    return torch.from_numpy(plane / 255)[None, None]


def edges(plane: np.ndarray) -> Edges:
    return edges_of(tensor(plane))


def losses(fused: np.ndarray, ir: np.ndarray, vis: np.ndarray) -> tuple[float, float]:
    lost, made_up = edge_losses(edges(fused), edges(ir), edges(vis))
    return float(lost), float(made_up)


def stronger(plane: np.ndarray, factor: float) -> np.ndarray:
    """All edges ``factor`` times as strong; not held to 0..255."""
    return plane * factor


def mixtures(ir: np.ndarray, vis: np.ndarray) -> dict[str, np.ndarray]:
    """Fused pictures from good to bad."""
    return {
        "one-source": ir,
        "sharpened": 1.6 * ir - 0.6 * cv2.GaussianBlur(ir, (0, 0), 2),
        "maximum": np.maximum(ir, vis),
        "most-of-one": 0.7 * ir + 0.3 * vis,
        "mean": (ir + vis) / 2,
        "another-picture": texture(3),
    }


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradient_is_sobels(dtype):
    plane = np.random.default_rng(0).random((19, 23))
    found = edges_of(torch.from_numpy(plane)[None, None].to(dtype))
    assert found.vector.dtype == found.strength.dtype == dtype
    for component, (dx, dy) in zip(found.vector[0].numpy(), ((1, 0), (0, 1)), strict=True):
        wanted = cv2.Sobel(plane, cv2.CV_64F, dx, dy, borderType=cv2.BORDER_REFLECT_101) / 8
        np.testing.assert_allclose(component, wanted, atol=1e-6)
    length = np.linalg.norm(found.vector[0].numpy(), axis=0)
    np.testing.assert_allclose(found.strength[0, 0].numpy(), length, atol=1e-4)


@pytest.mark.parametrize(
    ("across", "down"),
    [pytest.param(0.02, 0.0, id="ramp-right"), pytest.param(0.01, -0.03, id="ramp-slanted")],
)
def test_gradient_of_a_ramp_is_its_slope(across, down):
    row, column = torch.meshgrid(torch.arange(9.0), torch.arange(11.0), indexing="ij")
    vector = edges_of((across * column + down * row)[None, None]).vector[0, :, 1:-1, 1:-1]
    torch.testing.assert_close(vector[0], torch.full_like(vector[0], across), atol=1e-6, rtol=0)
    torch.testing.assert_close(vector[1], torch.full_like(vector[1], down), atol=1e-6, rtol=0)


def test_stronger_edge_is_chosen_and_equal_ones_are_averaged():
    first = edges_of(torch.tensor([[0.0, 0.1, 0.2, 0.3]]).expand(1, 1, 4, 4))
    second = edges_of(torch.tensor([[0.0], [0.2], [0.4], [0.6]]).expand(1, 1, 4, 4))
    inside = (..., slice(1, -1), slice(1, -1))
    for pair in ((first, second), (second, first)):
        torch.testing.assert_close(
            strongest(*pair)[inside], second.vector[inside], atol=1e-6, rtol=0
        )
    turned = Edges(first.vector.flip(1), first.strength)
    torch.testing.assert_close(strongest(first, turned), (first.vector + turned.vector) / 2)


def test_equal_pictures_keep_all_their_edges():
    plane = edges(texture(1))
    clear = plane.strength > 3 / 255
    assert float(clear.double().mean()) > 0.7
    kept = preserved(plane, plane)[clear]
    assert float(kept.min()) > CEILING - 0.004
    assert float(kept.max()) <= CEILING


def test_edge_may_run_from_dark_to_light_or_from_light_to_dark():
    source, fused = texture(1), texture(2)
    positive, negative = (preserved(edges(source), edges(f)) for f in (fused, 255 - fused))
    clear = (positive > 0.02)[..., 5:-5, 5:-5]
    assert float(clear.double().mean()) > 0.05
    inside = (..., slice(5, -5), slice(5, -5))
    torch.testing.assert_close(positive[inside], negative[inside], atol=1e-9, rtol=0)


@pytest.mark.parametrize("turn", [0, 30, 60, 90, 120, 150, 180, 270])
@pytest.mark.parametrize("ratio", [0.2, 0.5, 1.0, 2.0])
def test_preservation_is_the_published_formula(turn, ratio):
    """A turn of 120 degrees is one of 60 the other way, as the edge is a line."""
    angle = turn * pi / 180
    source = Edges(torch.tensor([0.2, 0.0]).view(1, 2, 1, 1), torch.full((1, 1, 1, 1), 0.2))
    vector = 0.2 * ratio * torch.tensor([np.cos(angle), np.sin(angle)]).float().view(1, 2, 1, 1)
    fused = Edges(vector, torch.full((1, 1, 1, 1), 0.2 * ratio))
    line = min(turn % 180, 180 - turn % 180) / 90
    strength = 0.9994 / (1 + exp(-15 * (min(ratio, 1 / ratio) - 0.5)))
    direction = 0.9879 / (1 + exp(-22 * ((1 - line) - 0.8)))
    found = float(preserved(source, fused))
    assert found == pytest.approx(strength * direction, abs=0.004)


@pytest.mark.parametrize("name", mixtures(texture(1), texture(2)))
def test_edges_lost_follow_the_measure(name):
    """The measure is up to 0.05 lower: an angle near 90 degrees it takes for two directions."""
    ir, vis = texture(1), texture(2)
    fused = mixtures(ir, vis)[name]
    above = 1 - losses(fused, ir, vis)[0] - edge_preservation(ir, vis, fused)
    assert 0 < above < 0.05


def test_edges_lost_and_the_measure_agree_on_the_order():
    ir, vis = texture(1), texture(2)
    fused = mixtures(ir, vis).values()
    by_loss = sorted(range(len(fused)), key=[losses(f, ir, vis)[0] for f in fused].__getitem__)
    measured = [-edge_preservation(ir, vis, f) for f in fused]
    assert by_loss == sorted(range(len(fused)), key=measured.__getitem__)


@pytest.mark.parametrize(
    ("name", "tolerance"),
    [
        pytest.param("sharpened", 0.04, id="sharpened"),
        pytest.param("another-picture", 0.04, id="another-picture"),
        pytest.param("most-of-one", 0.002, id="most-of-one"),
        pytest.param("mean", 0.002, id="mean"),
        # The soft step counts edges of just the strength of the source by half.
        pytest.param("maximum", 0.05, id="maximum"),
    ],
)
def test_artefacts_follow_the_measure(name, tolerance):
    ir, vis = texture(1), texture(2)
    fused = mixtures(ir, vis)[name]
    found, wanted = losses(fused, ir, vis)[1], edge_artefacts(ir, vis, fused)
    assert found == pytest.approx(wanted, abs=tolerance)


def test_one_source_has_no_artefacts_but_for_the_soft_step():
    ir, vis = texture(1), texture(2)
    lost, made_up = losses(ir, ir, vis)
    assert made_up < 0.5 * lost  # where its edges are the stronger ones, by half
    assert losses(stronger(ir, 0.9), ir, vis)[1] < 0.01
    assert losses(stronger(ir, 1.2), ir, vis)[1] > 2 * made_up


def test_equal_pictures_lose_and_make_up_next_to_nothing():
    plane = texture(1)
    lost, made_up = losses(plane, plane, plane)
    assert lost < 1 - CEILING + 0.02
    assert made_up < 0.02
    assert losses(np.full_like(plane, 128), plane, plane)[0] > 0.95


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "fused",
    [
        pytest.param(torch.full((1, 1, 12, 12), 0.5), id="flat"),
        pytest.param(torch.zeros(1, 1, 12, 12), id="black"),
        pytest.param(torch.eye(12)[None, None], id="diagonal"),
        pytest.param(torch.arange(144.0).view(1, 1, 12, 12) / 144, id="ramp"),
    ],
)
def test_slopes_are_finite_everywhere(fused, dtype):
    sources = [torch.full((1, 1, 12, 12), 0.5), torch.eye(12)[None, None], fused]
    for ir in sources:
        for vis in sources:
            plane = fused.to(dtype).requires_grad_()
            of_both = [edges_of(source.to(dtype)) for source in (ir, vis)]
            for loss in edge_losses(edges_of(plane), *of_both):
                assert loss.dtype == dtype
                assert bool(torch.isfinite(loss).all())
                assert 0 <= float(loss.detach()) <= 1
                (slope,) = torch.autograd.grad(loss.sum(), plane, retain_graph=True)
                assert bool(torch.isfinite(slope).all())


def test_flat_pictures_cost_nothing():
    flat = edges_of(torch.full((1, 1, 12, 12), 0.4))
    lost, made_up = edge_losses(flat, flat, flat)
    assert float(lost) < 0.06  # what there is of edges is a fortieth of a level
    assert float(made_up) < 0.03


def test_steps_along_the_slope_bring_edges_back():
    ir, vis = tensor(texture(1)).float(), tensor(texture(2)).float()
    fused = ((ir + vis) / 2).requires_grad_()
    optimizer = torch.optim.Adam([fused], 0.005)
    costs = []
    for _ in range(20):
        optimizer.zero_grad()
        lost, made_up = edge_losses(edges_of(fused), edges_of(ir), edges_of(vis))
        (lost + made_up).sum().backward()
        optimizer.step()
        costs.append(float(lost.detach()))
    assert costs[-1] < costs[0] - 0.05
