"""Edges of a fused picture against those of its sources, differentiable, each picture by itself.

Source of the edge measure: Xydeas and Petrovic, "Objective image fusion performance measure",
Electronics Letters 36 (2000); of the artefact measure: Shreyamsha Kumar, "Image fusion based on
pixel significance using cross bilateral filter", Signal, Image and Video Processing 9 (2015).
"""

from __future__ import annotations

from math import pi
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from trainer.mixing import sobel

# Slopes and middles of the two sigmoids, as published: strength and direction of an edge.
_STRENGTH_PEAK, _STRENGTH_SLOPE, _STRENGTH_MIDDLE = 0.9994, 15.0, 0.5
_DIRECTION_PEAK, _DIRECTION_SLOPE, _DIRECTION_MIDDLE = 0.9879, 22.0, 0.8

# Added to the sum of edge strengths, a pixel: where there are next to no edges they must not be
# the only thing that counts. Half a grey level.
_FAINT = 0.5 / 255

# An edge counts as made up where it is stronger than those of both sources by 1.5 levels, and the
# step between the two is a quarter level wide. Without the room an edge that is kept exactly would
# count by half, and all edges would be drawn below their strength.
_ROOM, _STEP = 1.5 / 255, 0.25 / 255

# Steepness of the choice between two edges: even for equal strength, clear at 5 of 255 levels.
_CHOICE = 200.0


class Edges(NamedTuple):
    """Sobel gradient of a plane.

    Attributes:
        vector: (B, 2, H, W), to the right and downwards, in units of the plane a pixel.
        strength: its length, (B, 1, H, W), never quite 0.
    """

    vector: Tensor
    strength: Tensor


def edges_of(plane: Tensor) -> Edges:
    """Gradient of (B, 1, H, W), mirrored at the border."""
    mirrored = functional.pad(plane, (1, 1, 1, 1), mode="reflect")
    vector = functional.conv2d(mirrored, sobel(plane))
    return Edges(vector, vector.square().sum(1, keepdim=True).add(1e-8).sqrt())


def strongest(first: Edges, second: Edges) -> Tensor:
    """At each pixel the vector (B, 2, H, W) of the stronger of the two, with a soft transition."""
    share = torch.sigmoid(_CHOICE * (first.strength - second.strength))
    return share * first.vector + (1 - share) * second.vector


def preserved(source: Edges, fused: Edges) -> Tensor:
    """How well each edge of ``source`` shows in ``fused``, (B, 1, H, W), 0..0.99.

    The direction of an edge counts as a line, light to dark or dark to light.
    """
    weaker = torch.minimum(source.strength, fused.strength)
    strength = weaker / torch.maximum(source.strength, fused.strength)
    product = (source.vector * fused.vector).sum(1, keepdim=True)
    cosine = (product / (source.strength * fused.strength)).abs()
    direction = 1 - torch.arccos(cosine.clamp(max=1 - 1e-4)) * 2 / pi
    kept = _STRENGTH_PEAK * torch.sigmoid(_STRENGTH_SLOPE * (strength - _STRENGTH_MIDDLE))
    turned = torch.sigmoid(_DIRECTION_SLOPE * (direction - _DIRECTION_MIDDLE))
    return kept * _DIRECTION_PEAK * turned


def edge_losses(fused: Edges, ir: Edges, vis: Edges) -> tuple[Tensor, Tensor]:
    """Edges lost and edges made up, each (B,): 1 - Qabf, about 0.01..1, and Nabf, 0..1.

    Both weigh an edge of a source by its strength.
    """
    total = (ir.strength + vis.strength + 2 * _FAINT).sum((1, 2, 3))
    excess = fused.strength - torch.maximum(ir.strength, vis.strength)
    made_up = torch.sigmoid((excess - _ROOM) / _STEP)
    lost, artefacts = torch.zeros_like(total), torch.zeros_like(total)
    for source in (ir, vis):
        missing = (1 - preserved(source, fused)) * source.strength
        lost = lost + missing.sum((1, 2, 3))
        artefacts = artefacts + (made_up * missing).sum((1, 2, 3))
    return lost / total, artefacts / total
