"""The networks as ONNX nodes: luma planes of both cameras in, fused luma out, all in 0..1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainer import lite
from trainer.blocks import CELL, RIM
from trainer.build import Network
from trainer.errors import ExportError
from trainer.mixing import MIDDLE
from trainer.network import MARGIN, FusionNet
from trainer.onnx_graph import GraphWriter
from trainer.onnx_mixing import MixingWriter
from trainer.places import PIXELS, from_places, onto_places
from trainer.reparam import NetworkT, reparameterize


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
        fusion = FusionWriter(graph, _fusion_weights(model), model.published)
        luma = fusion.clamped(fusion.fused(ir_plane, vis_y))
        return fusion.with_contrast(luma, model.contrast)
    small = LiteWriter(graph, _lite_weights(model))
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


def _fusion_weights(model: FusionNet) -> dict[str, np.ndarray]:
    """With a head that gives places: more channels of a quarter the pixels are less work."""
    weights = _deploy_weights(model)
    if not model.published:
        head = "decoder.head"
        weights[f"{head}.weight"] = onto_places(weights[f"{head}.weight"])
        weights[f"{head}.bias"] = np.repeat(weights[f"{head}.bias"], PIXELS)
    return weights


def _lite_weights(model: lite.LiteNet) -> dict[str, np.ndarray]:
    """With a stem that takes places."""
    weights = _deploy_weights(model)
    weights["stem.weight"] = from_places(weights["stem.weight"], (2, 2))
    return weights


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
        """Convolution with ``pad`` zeros on all sides; ``name`` where a layer is used again.

        Where ``stride`` does not divide a side, the rest of it counts as a whole step.
        """
        names = [x, self.graph.constant(f"{layer}.weight", self.weights[f"{layer}.weight"])]
        if f"{layer}.bias" in self.weights:
            names.append(self.graph.constant(f"{layer}.bias", self.weights[f"{layer}.bias"]))
        pads = [pad] * 2 + [pad + stride - 1] * 2
        return self.graph.node("Conv", names, name or layer, pads=pads, strides=[stride] * 2)

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
        if self.published:
            with self.graph.roughly():
                return self.relu(self._decoded(ir_plane, vis_y))
        frame = MixingWriter(self.graph, MARGIN)
        sources = frame.sources(ir_plane, vis_y)
        with self.graph.roughly():
            mixing = self._decoded(sources.ir_grown, sources.vis_grown)
            prior = frame.prior(sources, frame.both(sources))
        return frame.mixed(sources, vis_y, prior, mixing)

    def _decoded(self, ir_plane: str, vis_y: str) -> str:
        parts = [self._encoder(ir_plane, "encoder_ir"), self._encoder(vis_y, "encoder_vis")]
        features = self._attention(self.graph.node("Concat", parts, "features", axis=1))
        features = self._block(self._block(features, "decoder.block1"), "decoder.block2")
        if self.published:
            return self._edge_conv(features, "decoder.head")
        return self.conv(features, "decoder.head", pad=1, stride=2)

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
        frame = MixingWriter(self.graph, lite.MARGIN)
        sources = frame.sources(ir_plane, vis_y)
        with self.graph.roughly():
            both = frame.both(sources)
            x = self.relu(self.conv(both, "stem", pad=1))
            for number in range(lite.BLOCKS):
                x = self.relu(self.conv(x, f"body.{number}.conv", pad=1))
            mixing = self.conv(x, "head", pad=1)
            prior = frame.prior(sources, both)
        return frame.mixed(sources, vis_y, prior, mixing)
