"""Edges carried over from the sources (Qabf), and edges that no source has (Nabf)."""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

# Xydeas and Petrovic: ceiling, slope and middle of the two sigmoids, for strength and orientation.
_STRENGTH = (0.9994, 15.0, 0.5)
_ORIENTATION = (0.9879, 22.0, 0.8)
# Shreyamsha Kumar: edges of the sources below 2 grey levels per px weigh next to nothing.
_WEAK_EDGE = 2.0
_WEAK_WEIGHT = 0.001


class _Edges(NamedTuple):
    strength: np.ndarray  # grey levels per px
    angle: np.ndarray  # of the gradient, in (-pi/2, pi/2]


def edge_preservation(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray) -> float:
    """Qabf: how well strength and orientation of the sources' edges come through.

    At each pixel a source's edge is preserved by the product of two sigmoids, of the ratio of
    the two strengths (weaker to stronger) and of the agreement of the two orientations. The mean
    over all pixels and both sources is weighted by the source's edge strength to the power L = 1.
    Gradients are Sobel's, with black beyond the border, as in the usual programs for this figure:
    the frame that this adds to all three pictures counts as a preserved edge.

    Args:
        ir: (H, W), float, 0..255.
        vis: same.
        fused: same.
    Returns:
        0 (no edge kept) to 0.975 (equal to both sources); NaN where both sources are black.
    Source: Xydeas and Petrovic, "Objective image fusion performance measure", Electronics
    Letters 36(4), 2000.
    """
    edges_fused = _edges(fused)
    kept = total = 0.0
    for source in (ir, vis):
        edges = _edges(source)
        kept += float((_preserved(edges, edges_fused) * edges.strength).sum())
        total += float(edges.strength.sum())
    return kept / total if total > 0 else math.nan


def edge_artefacts(ir: np.ndarray, vis: np.ndarray, fused: np.ndarray) -> float:
    """Nabf: edges of the fused picture that are stronger than both sources', modified form.

    Over those pixels the part of each source's edge that is not preserved (see
    `edge_preservation`) is summed, weighted by the strength of the source's edge, and divided by
    the sum of all weights. The weight of edges below 2 grey levels per px is 0.001, so noise in
    flat parts hardly counts.

    Args:
        ir: (H, W), float, 0..255.
        vis: same.
        fused: same.
    Returns:
        0 (no such edges) to 1.
    Source: Shreyamsha Kumar, "Image fusion based on pixel significance using cross bilateral
    filter", Signal, Image and Video Processing 9(5), 2015, with the constants and the weighting
    (L = 1) of `edge_preservation`.
    """
    edges_fused = _edges(fused)
    sources = [_edges(ir), _edges(vis)]
    added = np.logical_and.reduce([edges_fused.strength > edges.strength for edges in sources])
    artefacts = total = 0.0
    for edges in sources:
        weight = np.where(edges.strength >= _WEAK_EDGE, edges.strength, _WEAK_WEIGHT)
        lost = 1 - _preserved(edges, edges_fused)
        artefacts += float((lost * weight)[added].sum())
        total += float(weight.sum())
    return artefacts / total


def _edges(plane: np.ndarray) -> _Edges:
    across, down = (
        cv2.Sobel(plane, cv2.CV_64F, dx, dy, scale=1 / 8, borderType=cv2.BORDER_CONSTANT)
        for dx, dy in ((1, 0), (0, 1))
    )
    angle = np.full_like(plane, math.pi / 2)
    slanted = across != 0
    angle[slanted] = np.arctan(down[slanted] / across[slanted])
    return _Edges(np.sqrt(across * across + down * down), angle)


def _preserved(source: _Edges, fused: _Edges) -> np.ndarray:
    """Share of the source's edge at each pixel that the fused picture holds, (H, W), 0..1."""
    stronger = np.maximum(source.strength, fused.strength)
    weaker = np.minimum(source.strength, fused.strength)
    ratio = np.divide(weaker, stronger, out=np.zeros_like(stronger), where=stronger > 0)
    agreement = 1 - np.abs(source.angle - fused.angle) / (math.pi / 2)
    return _sigmoid(ratio, *_STRENGTH) * _sigmoid(agreement, *_ORIENTATION)


def _sigmoid(x: np.ndarray, ceiling: float, slope: float, middle: float) -> np.ndarray:
    return ceiling / (1 + np.exp(-slope * (x - middle)))
