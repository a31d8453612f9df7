"""The networks as ONNX nodes: luma planes of both cameras in, fused luma out, all in 0..1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from trainer import lite
from trainer.blocks import CELL, RIM
from trainer.build import Network
from trainer.errors import ExportError
from trainer.mixing import (
    AROUND,
    BLINDING,
    CARRY_FROM,
    CARRY_SOFTNESS,
    DETAIL_AROUND,
    DETAIL_CORE,
    DETAIL_MOST,
    MIDDLE,
    PIXEL_WORTH,
    SOFTNESS,
    TEXTURE_WORTH,
    sobel,
)
from trainer.network import MARGIN, FusionNet
from trainer.onnx_graph import GraphWriter
from trainer.reparam import NetworkT, reparameterize

# Factor on gradients before they are squared: in FP16 the square of two levels a pixel would lie
# below the normal numbers. The largest possible one becomes 2,048.
STRONGER = 64.0


def write_network(graph: GraphWriter, model: Network, ir_plane: str, vis_y: str) -> str:
    """Append ``model`` in deploy form, with its contrast, held to 0..1; returns the result's name.

    Args:
        graph: holds both planes already.
        model: training or deploy form, in eval mode.
        ir_plane: name of a tensor (1, 1, H, W), 0..1.
        vis_y: the same for the visible picture's luma.
    Raises:
        ExportError: the model is in train mode or holds values that are not finite.
    """
    if isinstance(model, FusionNet):
        fusion = FusionWriter(graph, _deploy_weights(model), model.published)
        luma = fusion.clamped(fusion.fused(ir_plane, vis_y))
        return fusion.with_contrast(luma, model.contrast)
    small = LiteWriter(graph, _deploy_weights(model))
    luma = small.clamped(small.fused(ir_plane, vis_y))
    return small.with_contrast(luma, model.contrast)


def _deploy_weights(model: NetworkT) -> dict[str, np.ndarray]:
    deploy = model if model.deploy else reparameterize(model)
    weights = {key: tensor.cpu().numpy() for key, tensor in deploy.state_dict().items()}
    for key, value in weights.items():
        if not np.isfinite(value).all():
            raise ExportError(
                f"weight '{key}' holds values that are not finite",
                hint="the training diverged; take an earlier checkpoint",
            )
    return weights


class Prior(NamedTuple):
    """Names of the planes of a `trainer.mixing.Prior`."""

    share: str
    carry: str
    detail: str


@dataclass(frozen=True)
class LayerWriter:
    """Layers of a network in deploy form, each written under the name of its weights.

    Attributes:
        graph: takes the nodes.
        weights: by name.
    """

    graph: GraphWriter
    weights: dict[str, np.ndarray]

    def conv(self, x: str, layer: str, pad: int = 0, name: str = "", stride: int = 1) -> str:
        """Convolution with ``pad`` zeros on all sides; ``name`` where a layer is used again."""
        names = [x, self.graph.constant(f"{layer}.weight", self.weights[f"{layer}.weight"])]
        if f"{layer}.bias" in self.weights:
            names.append(self.graph.constant(f"{layer}.bias", self.weights[f"{layer}.bias"]))
        return self.graph.node("Conv", names, name or layer, pads=[pad] * 4, strides=[stride] * 2)

    def relu(self, x: str) -> str:
        """Not below 0."""
        return self.graph.node("Relu", [x], f"{x}.relu")

    def pad(self, x: str, begin: int, end: int, mode: str) -> str:
        """Grow height and width by ``begin`` in front and ``end`` behind."""
        sizes = np.array([0, 0, begin, begin, 0, 0, end, end], np.int64)
        amount = self.graph.constant(f"pad_{begin}_{end}", sizes)
        return self.graph.node("Pad", [x, amount], f"{x}.{mode}", mode=mode)

    def cut(self, x: str, begin: int, end: int | str) -> str:
        """Rows and columns from ``begin`` to ``end``.

        Args:
            x: (B, C, H, W).
            begin: first one.
            end: behind the last one, negative from the end; or the name of a tensor (2,).
        """
        ends = end if isinstance(end, str) else self._pair("cut_to", end)
        axes = self.graph.constant("rows_and_columns", np.array([2, 3], np.int64))
        return self.graph.node("Slice", [x, self._pair("cut_from", begin), ends, axes], f"{x}.cut")

    def clamped(self, x: str) -> str:
        """Held to 0..1."""
        return self.graph.node("Clip", [x, self.graph.scalar(0), self.graph.scalar(1)], "luma")

    def with_contrast(self, luma: str, contrast: float) -> str:
        """`trainer.mixing.with_contrast`."""
        if not contrast:
            return luma
        graph = self.graph
        above = graph.node("Sub", [luma, graph.scalar(MIDDLE)], "above_middle")
        below = graph.node("Sub", [graph.scalar(1), luma], "below_white")
        curve = graph.node("Mul", [luma, below], "curve_ends")
        curve = graph.node("Mul", [curve, above], "curve")
        curve = graph.node("Mul", [curve, graph.scalar(4 * contrast)], "contrast")
        return graph.node("Add", [luma, curve], "fused_y")

    def local_gate(self, x: str, part: str) -> str:
        """`trainer.blocks.LocalGate`."""
        graph = self.graph
        size = graph.node("Shape", [x], f"{part}.size", start=2, end=4)
        inside = self.cut(self.conv(x, f"{part}.squeeze"), RIM, -RIM)
        grown = self.pad(inside, RIM, RIM + CELL - 1, "edge")
        cells = graph.node(
            "AveragePool", [grown], f"{part}.cells", kernel_shape=[CELL] * 2, strides=[CELL] * 2
        )
        cells = self.pad(self.relu(cells), 1, 1, "edge")
        cells = graph.node("AveragePool", [cells], f"{part}.smooth", kernel_shape=[3, 3])
        scales = graph.constant("cell_scales", np.array([1, 1, CELL, CELL], np.float32))
        grown = graph.node(
            "Resize",
            [cells, "", scales],
            f"{part}.grown",
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )
        logits = self.conv(self.cut(grown, 0, size), f"{part}.excite")
        return graph.node("Sigmoid", [logits], f"{part}.gate")

    def prior(self, ir_plane: str, vis_y: str) -> Prior:
        """`trainer.mixing.prior`."""
        graph = self.graph
        kernels = graph.constant("sobel", sobel(torch.zeros(1)).numpy() * STRONGER)

        def strength(plane: str, name: str) -> str:
            vector = graph.node("Conv", [plane, kernels], f"{name}.gradient", pads=[1] * 4)
            return graph.node("ReduceL2", [vector], f"{name}.strength", axes=[1])

        known = graph.node("Min", [vis_y, graph.scalar(BLINDING)], "vis_known")
        more = graph.node("Sub", [ir_plane, known], "brighter")
        texture = [strength(ir_plane, "ir"), strength(vis_y, "vis")]
        texture_more = graph.node("Sub", texture, "more_texture")
        worth = graph.node(
            "Mul", [texture_more, graph.scalar(TEXTURE_WORTH / STRONGER)], "texture_worth"
        )
        worth = graph.node("Add", [more, worth], "worth")
        worth = self._smoothed(worth, AROUND, 2, "worth")
        here = graph.node("Mul", [more, graph.scalar(PIXEL_WORTH)], "worth_here")
        worth = graph.node("Add", [worth, here], "worth_all")
        share = graph.node("Mul", [worth, graph.scalar(1 / SOFTNESS)], "share_prior")
        carry = self._smoothed(texture_more, DETAIL_AROUND, 1, "texture")
        carry = graph.node(
            "Mul", [carry, graph.scalar(-1 / CARRY_SOFTNESS / STRONGER)], "carry_slope"
        )
        carry = graph.node("Sub", [carry, graph.scalar(CARRY_FROM / CARRY_SOFTNESS)], "carry_prior")
        return Prior(share, carry, self._fine_detail(vis_y))

    def _fine_detail(self, plane: str) -> str:
        graph = self.graph
        smooth = self._smoothed(plane, DETAIL_AROUND, 2, "vis")
        fine = graph.node("Sub", [plane, smooth], "fine")

        def held(x: str, most: float, name: str) -> str:
            return graph.node("Clip", [x, graph.scalar(-most), graph.scalar(most)], name)

        detail = held(fine, DETAIL_MOST, "detail_and_noise")
        return graph.node("Sub", [detail, held(detail, DETAIL_CORE, "noise")], "detail")

    def mixed(self, ir_plane: str, vis_y: str, prior: Prior, mixing: str) -> str:
        """`trainer.mixing.mixed`."""
        graph = self.graph
        parts = graph.constant("parts", np.array([1, 1, 1], np.int64))
        names = ["shift", "offset", "carry_shift"]
        shift, offset, carry = graph.nodes_of("Split", [mixing, parts], names, axis=1)
        carried = graph.node(
            "Sigmoid", [graph.node("Add", [prior.carry, carry], "carry")], "carried"
        )
        laid_over = graph.node("Mul", [carried, prior.detail], "laid_over")
        shown = graph.node("Add", [ir_plane, laid_over], "shown")
        more = graph.node("Sub", [shown, vis_y], "more")
        share = graph.node("Sigmoid", [graph.node("Add", [prior.share, shift], "logit")], "share")
        change = graph.node("Mul", [share, more], "change")
        change = graph.node("Add", [change, offset], "change_with_offset")
        return self.relu(graph.node("Add", [vis_y, change], "mixed"))

    def _smoothed(self, x: str, side: int, times: int, name: str) -> str:
        """Mean over a square, once or again, as one kernel down and one across: far less work."""
        taps = square = np.ones(side) / side
        for _ in range(times - 1):
            taps = np.convolve(taps, square)
        pad = len(taps) // 2
        for way, shape, pads in (
            ("down", (len(taps), 1), [pad, 0, pad, 0]),
            ("across", (1, len(taps)), [0, pad, 0, pad]),
        ):
            kernel = taps.astype(np.float32).reshape(1, 1, *shape)
            given = self.graph.constant(f"mean_{side}_{times}_{way}", kernel)
            x = self.graph.node("Conv", [x, given], f"{name}_{way}", pads=pads)
        return x

    def _pair(self, name: str, value: int) -> str:
        return self.graph.constant(f"{name}_{value}", np.array([value, value], np.int64))


@dataclass(frozen=True)
class FusionWriter(LayerWriter):
    """`trainer.network.FusionNet`.

    Attributes:
        published: see there.
    """

    published: bool

    def fused(self, ir_plane: str, vis_y: str) -> str:
        """Fused luma."""
        with self.graph.roughly():
            if self.published:
                return self.relu(self._decoded(ir_plane, vis_y))
            grown = [self.pad(plane, MARGIN, MARGIN, "reflect") for plane in (ir_plane, vis_y)]
            prior = Prior(*(self.cut(plane, MARGIN, -MARGIN) for plane in self.prior(*grown)))
            mixing = self.cut(self._decoded(*grown), MARGIN, -MARGIN)
        return self.mixed(ir_plane, vis_y, prior, mixing)

    def _decoded(self, ir_plane: str, vis_y: str) -> str:
        parts = [self._encoder(ir_plane, "encoder_ir"), self._encoder(vis_y, "encoder_vis")]
        features = self._attention(self.graph.node("Concat", parts, "features", axis=1))
        features = self._block(self._block(features, "decoder.block1"), "decoder.block2")
        return self._edge_conv(features, "decoder.head")

    def _edge_conv(self, x: str, layer: str) -> str:
        """First or last convolution."""
        if self.published:
            return self.conv(self.pad(x, 1, 1, "reflect"), layer)
        return self.conv(x, layer, pad=1)

    def _block(self, x: str, layer: str) -> str:
        return self.relu(self.conv(x, f"{layer}.conv", pad=1))

    def _encoder(self, plane: str, part: str) -> str:
        x = self.relu(self._edge_conv(plane, f"{part}.stem"))
        return self._block(self._block(x, f"{part}.block1"), f"{part}.block2")

    def _attention(self, x: str) -> str:
        graph = self.graph
        gate = self._frame_gate if self.published else self.local_gate
        factors = gate(x, "attention.channel")
        gated = graph.node("Mul", [x, factors], "attention.channel.gated")
        part = "attention.spatial"
        peak = graph.node("ReduceMax", [gated], f"{part}.peak", axes=[1])
        mean = graph.node("ReduceMean", [gated], f"{part}.mean", axes=[1])
        both = graph.node("Concat", [peak, mean], f"{part}.both", axis=1)
        gate_1 = graph.node("Sigmoid", [self.conv(both, f"{part}.conv", pad=1)], f"{part}.gate")
        correction = graph.node("Mul", [gated, gate_1], f"{part}.gated")
        return graph.node("Add", [x, correction], "attention")

    def _frame_gate(self, x: str, part: str) -> str:
        graph = self.graph

        def mlp(pooled: str, which: str) -> str:
            squeezed = self.conv(pooled, f"{part}.squeeze", name=f"{part}.squeeze.{which}")
            return self.conv(self.relu(squeezed), f"{part}.excite", name=f"{part}.excite.{which}")

        peak = graph.node("GlobalMaxPool", [x], f"{part}.peak")
        mean = graph.node("GlobalAveragePool", [x], f"{part}.mean")
        both = graph.node("Add", [mlp(peak, "peak"), mlp(mean, "mean")], f"{part}.both")
        return graph.node("Sigmoid", [both], f"{part}.gate")


@dataclass(frozen=True)
class LiteWriter(LayerWriter):
    """`trainer.lite.LiteNet`."""

    def fused(self, ir_plane: str, vis_y: str) -> str:
        """Fused luma."""
        with self.graph.roughly():
            prior, mixing = self._advice(ir_plane, vis_y)
        return self.mixed(ir_plane, vis_y, prior, mixing)

    def _advice(self, ir_plane: str, vis_y: str) -> tuple[Prior, str]:
        """The prior, and what the network adds to it."""
        graph = self.graph
        begin, behind = lite.MARGIN, lite.MARGIN + 1
        grown = [self.pad(plane, begin, behind, "reflect") for plane in (ir_plane, vis_y)]
        both = graph.node("Concat", [ir_plane, vis_y], "both", axis=1)
        x = self.pad(both, begin, behind, "reflect")
        x = self.relu(self.conv(x, "stem", pad=2, stride=2))
        for number in range(lite.BLOCKS):
            x = self.relu(self.conv(x, f"body.{number}.conv", pad=1))
        mixing = graph.node(
            "DepthToSpace", [self.conv(x, "head", pad=1)], "mixing", blocksize=2, mode="CRD"
        )
        size = graph.node("Shape", [vis_y], "size", start=2, end=4)
        margin = graph.constant("margin", np.array([begin] * 2, np.int64))
        end = graph.node("Add", [size, margin], "end")
        prior = Prior(*(self.cut(plane, begin, -behind) for plane in self.prior(*grown)))
        return prior, self.cut(mixing, begin, end)
