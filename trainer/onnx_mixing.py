"""Prior and mixing of both networks as ONNX nodes, on places of 2x2 px (`trainer.places`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from trainer.mixing import (
    ADVICE,
    AROUND,
    BLINDING,
    CARRY_FROM,
    CARRY_SOFTNESS,
    DETAIL_AROUND,
    DETAIL_CORE,
    DETAIL_MOST,
    PIXEL_WORTH,
    SOFTNESS,
    TEXTURE_WORTH,
    sobel,
)
from trainer.onnx_graph import GraphWriter
from trainer.places import PIXELS, on_places

# Factor on gradients before they are squared: in FP16 the square of two levels a pixel would lie
# below the normal numbers. The largest possible square of one becomes 2,048.
STRONGER = 64.0


class Sources(NamedTuple):
    """Names of both pictures with a mirrored margin, and of where they end in it.

    Attributes:
        ir_grown: the infrared plane.
        vis_grown: visible luma, of the same size.
        ir: (1, 4, H', W'), places of the infrared; an odd side ends with half a place of repeats.
        vis: the same of the visible luma.
        end: (2,), row and column in px behind the last ones that are no margin.
    """

    ir_grown: str
    vis_grown: str
    ir: str
    vis: str
    end: str


class Prior(NamedTuple):
    """Names of the planes of a `trainer.mixing.Prior`, as places."""

    share: str
    carry: str
    detail: str


@dataclass(frozen=True)
class MixingWriter:
    """What both networks have around their layers.

    Attributes:
        graph: takes the nodes.
        margin: mirrored px around the pictures.
    """

    graph: GraphWriter
    margin: int

    def sources(self, ir_plane: str, vis_y: str) -> Sources:
        """Both pictures (1, 1, H, W), grown by the margin, and that as places."""
        graph, margin = self.graph, self.margin
        around = graph.constant("around", np.array([0, 0, margin, margin] * 2, np.int64))
        size = graph.node("Shape", [vis_y], "size", start=2, end=4)
        across = graph.constant("pixels_across", np.array([2, 2], np.int64))
        odd = graph.node("Mod", [size, across], "odd")
        front = graph.constant("nothing_in_front", np.zeros(6, np.int64))
        behind = graph.node("Concat", [front, odd], "behind", axis=0)
        grown = [
            graph.node("Pad", [plane, around], f"{plane}.reflect", mode="reflect")
            for plane in (ir_plane, vis_y)
        ]
        # Apart from the margin, as layers that look at means would see one more px of it.
        even = [graph.node("Pad", [x, behind], f"{x}.even", mode="edge") for x in grown]
        return Sources(
            ir_grown=grown[0],
            vis_grown=grown[1],
            ir=graph.node("SpaceToDepth", [even[0]], "ir_places", blocksize=2),
            vis=graph.node("SpaceToDepth", [even[1]], "vis_places", blocksize=2),
            end=graph.node("Add", [size, self._margin()], "end"),
        )

    def _margin(self) -> str:
        return self.graph.constant("margin", np.array([self.margin] * 2, np.int64))

    def both(self, sources: Sources) -> str:
        """Places (1, 8, H', W') of both pictures."""
        return self.graph.node("Concat", [sources.ir, sources.vis], "both", axis=1)

    def prior(self, sources: Sources, both: str) -> Prior:
        """`trainer.mixing.prior`."""
        graph = self.graph
        known = graph.node("Min", [sources.vis, graph.scalar(BLINDING)], "vis_known")
        more = graph.node("Sub", [sources.ir, known], "brighter")
        texture_more = self._more_texture(both)
        worth = graph.node(
            "Mul", [texture_more, graph.scalar(TEXTURE_WORTH / STRONGER)], "texture_worth"
        )
        worth = graph.node("Add", [more, worth], "worth")
        worth = self._smoothed(worth, AROUND, "worth", 1 / SOFTNESS)
        here = graph.node("Mul", [more, graph.scalar(PIXEL_WORTH / SOFTNESS)], "worth_here")
        share = graph.node("Add", [worth, here], "share_prior")
        return Prior(share, self._carry(texture_more), self._fine_detail(sources.vis))

    def _more_texture(self, both: str) -> str:
        """By how much the infrared's gradient is the longer one, times `STRONGER`."""
        kernels = np.zeros((4, 2, 3, 3), np.float32)  # ir and vis to the right, then downwards
        for way, kernel in enumerate(sobel(torch.zeros(1)).numpy()[:, 0] * STRONGER):
            kernels[2 * way, 0] = kernels[2 * way + 1, 1] = kernel
        vector = self._conv(both, "gradient", on_places(kernels))
        squares = self.graph.node("Mul", [vector, vector], "gradient_squares")
        eye = np.eye(2 * PIXELS, dtype=np.float32)[..., None, None]
        length = self._conv(squares, "gradient_square", np.concatenate([eye, eye], 1))
        length = self.graph.node("Sqrt", [length], "strength")
        eye = np.eye(PIXELS, dtype=np.float32)[..., None, None]
        return self._conv(length, "more_texture", np.concatenate([eye, -eye], 1))

    def _carry(self, texture_more: str) -> str:
        """One kernel: on places a small square is no more work than down and across."""
        side, slope = DETAIL_AROUND, -1 / CARRY_SOFTNESS / STRONGER
        square = np.full((1, 1, side, side), slope / side**2, np.float32)
        bias = np.full(PIXELS, -CARRY_FROM / CARRY_SOFTNESS, np.float32)
        return self._conv(texture_more, "carry_prior", on_places(square), bias)

    def _fine_detail(self, vis: str) -> str:
        graph = self.graph
        fine = graph.node("Sub", [vis, self._smoothed(vis, DETAIL_AROUND, "vis")], "fine")

        def held(x: str, most: float, name: str) -> str:
            return graph.node("Clip", [x, graph.scalar(-most), graph.scalar(most)], name)

        detail = held(fine, DETAIL_MOST, "detail_and_noise")
        return graph.node("Sub", [detail, held(detail, DETAIL_CORE, "noise")], "detail")

    def _smoothed(self, x: str, side: int, name: str, gain: float = 1.0) -> str:
        """Mean over a square, twice, as one kernel down and one across: far less work."""
        taps = np.convolve(np.ones(side) / side, np.ones(side) / side)
        down, across = (taps.astype(np.float32).reshape(1, 1, *way) for way in ((-1, 1), (1, -1)))
        x = self._conv(x, f"{name}_down", on_places(down))
        return self._conv(x, f"{name}_across", on_places(across * np.float32(gain)))

    def _conv(self, x: str, name: str, kernel: np.ndarray, bias: np.ndarray | None = None) -> str:
        """Convolution that keeps the size."""
        given = [x, self.graph.constant(f"{name}.weight", kernel)]
        if bias is not None:
            given.append(self.graph.constant(f"{name}.bias", bias))
        pads = [side // 2 for side in kernel.shape[2:]] * 2
        return self.graph.node("Conv", given, name, pads=pads)

    def mixed(self, sources: Sources, vis_y: str, prior: Prior, mixing: str) -> str:
        """`trainer.mixing.mixed`: luma (1, 1, H, W) of the pictures without their margin.

        Args:
            sources: of the pair.
            vis_y: visible luma (1, 1, H, W).
            prior: of the pair.
            mixing: places (1, 12, H', W') of what the network says.
        """
        graph = self.graph
        parts = graph.constant("parts", np.array([PIXELS] * ADVICE, np.int64))
        names = ["shift", "offset", "carry_shift"]
        shift, offset, carry = graph.nodes_of("Split", [mixing, parts], names, axis=1)
        carried = graph.node(
            "Sigmoid", [graph.node("Add", [prior.carry, carry], "carry")], "carried"
        )
        laid_over = graph.node("Mul", [carried, prior.detail], "laid_over")
        shown = graph.node("Add", [sources.ir, laid_over], "shown")
        more = graph.node("Sub", [shown, sources.vis], "more")
        share = graph.node("Sigmoid", [graph.node("Add", [prior.share, shift], "logit")], "share")
        change = graph.node("Mul", [share, more], "change")
        change = graph.node("Add", [change, offset], "change_with_offset")
        change = graph.node("DepthToSpace", [change], "change_grown", blocksize=2, mode="CRD")
        axes = graph.constant("rows_and_columns", np.array([2, 3], np.int64))
        cut = [change, self._margin(), sources.end, axes]
        change = graph.node("Slice", cut, "change_inside")
        return graph.node("Relu", [graph.node("Add", [vis_y, change], "mixed")], "mixed.relu")
