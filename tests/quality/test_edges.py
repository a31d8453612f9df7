"""Qabf and Nabf against known answers and against their definitions written out by pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fusion_rt.quality.edges import edge_artefacts, edge_preservation

SHAPE = (14, 17)
BLACK = np.zeros(SHAPE)
ALIGNED = 0.9879 / (1 + math.exp(-22 * (1 - 0.8)))  # orientations agree
CEILING = ALIGNED * 0.9994 / (1 + math.exp(-15 * (1 - 0.5)))
HALF = ALIGNED * 0.9994 / 2  # one edge half as strong as the other


def rough(seed: int, low: int = 0, high: int = 256) -> np.ndarray:
    return np.random.default_rng(seed).integers(low, high, SHAPE).astype(np.float64)


def sobel(picture: np.ndarray) -> list[tuple[float, float]]:
    """Strength and angle at each pixel, black beyond the border."""
    height, width = picture.shape
    edges = []
    for row in range(height):
        for column in range(width):
            across = down = 0.0
            for r in (-1, 0, 1):
                for c in (-1, 0, 1):
                    y, x = row + r, column + c
                    if 0 <= y < height and 0 <= x < width:
                        across += c * (2 - abs(r)) * picture[y, x] / 8
                        down += r * (2 - abs(c)) * picture[y, x] / 8
            angle = math.atan(down / across) if across else math.pi / 2
            edges.append((math.hypot(across, down), angle))
    return edges


def by_definition(ir, vis, fused) -> tuple[float, float]:
    """Qabf and Nabf."""
    kept = edges = artefacts = weights = 0.0
    for of_ir, of_vis, (strength, angle) in zip(sobel(ir), sobel(vis), sobel(fused), strict=True):
        for source_strength, source_angle in (of_ir, of_vis):
            big, small = max(strength, source_strength), min(strength, source_strength)
            ratio = small / big if big else 0.0
            agreement = 1 - abs(angle - source_angle) / (math.pi / 2)
            preserved = (0.9994 / (1 + math.exp(-15 * (ratio - 0.5)))) * (
                0.9879 / (1 + math.exp(-22 * (agreement - 0.8)))
            )
            kept += preserved * source_strength
            edges += source_strength
            weight = source_strength if source_strength >= 2 else 0.001
            weights += weight
            if strength > of_ir[0] and strength > of_vis[0]:
                artefacts += (1 - preserved) * weight
    return kept / edges, artefacts / weights


@pytest.mark.parametrize(
    ("ir", "vis", "fused"),
    [
        pytest.param(rough(1), rough(2), rough(3), id="strong-edges"),
        pytest.param(rough(1, 0, 9), rough(2, 0, 9), rough(3, 0, 30), id="around-the-weak-limit"),
        pytest.param(rough(1), rough(2, 0, 40), rough(1) * 0.7 + 40, id="mostly-infrared"),
        pytest.param(BLACK, rough(2), rough(3), id="black-infrared"),
    ],
)
def test_edge_figures_by_definition(ir, vis, fused):
    qabf, nabf = by_definition(ir, vis, fused)
    assert edge_preservation(ir, vis, fused) == pytest.approx(qabf, rel=1e-9)
    assert edge_artefacts(ir, vis, fused) == pytest.approx(nabf, rel=1e-9)
    # None of the sources comes first.
    assert edge_preservation(vis, ir, fused) == pytest.approx(qabf, rel=1e-9)
    assert edge_artefacts(vis, ir, fused) == pytest.approx(nabf, rel=1e-9)


@pytest.mark.parametrize(
    ("ir", "vis", "fused", "qabf"),
    [
        pytest.param(rough(1), rough(1), rough(1), CEILING, id="equal-to-both"),
        pytest.param(rough(1), BLACK, rough(1), CEILING, id="nothing-in-the-other"),
        pytest.param(rough(1), BLACK, rough(1) / 2, HALF, id="half-the-contrast"),
        pytest.param(rough(1, 0, 128), BLACK, 2 * rough(1, 0, 128), HALF, id="twice-the-contrast"),
        pytest.param(rough(1), rough(2), BLACK, 0, id="all-lost"),
    ],
)
def test_qabf(ir, vis, fused, qabf):
    assert edge_preservation(ir, vis, fused) == pytest.approx(qabf, abs=1e-3 if not qabf else 1e-9)


def test_qabf_is_undefined_for_black_sources():
    assert math.isnan(edge_preservation(BLACK, BLACK, rough(1)))


@pytest.mark.parametrize(
    ("ir", "vis", "fused", "nabf"),
    [
        pytest.param(rough(1), rough(2), rough(1), 0, id="never-above-the-infrared"),
        pytest.param(rough(1), rough(1), 0.9 * rough(1), 0, id="weaker"),
        pytest.param(BLACK, BLACK, BLACK, 0, id="black"),
        # Twice both: each edge is an artefact, of which half the contrast is preserved.
        pytest.param(
            rough(1, 0, 128), rough(1, 0, 128), 2 * rough(1, 0, 128), 1 - HALF, id="twice-both"
        ),
    ],
)
def test_nabf(ir, vis, fused, nabf):
    assert edge_artefacts(ir, vis, fused) == pytest.approx(nabf, abs=1e-9)
