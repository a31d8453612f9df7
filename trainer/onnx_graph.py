"""Writes an ONNX graph node by node, so that it holds what is meant and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper


class GraphWriter:
    """Collects nodes and constants in order; every value has a readable name.

    Attributes:
        nodes: operations in the order they are computed in.
        constants: tensors that they take.
        rough: names of the nodes that were written under `roughly`.
    """

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self.rough: set[str] = set()
        self._names: set[str] = set()
        self._roughly = False

    @contextmanager
    def roughly(self) -> Iterator[None]:
        """Nodes written inside may be computed in less than FP32 where the file says so."""
        self._roughly = True
        try:
            yield
        finally:
            self._roughly = False

    def node(self, kind: str, inputs: list[str], name: str, **attributes: Any) -> str:
        """Append an operation with one output, which has the node's name; returns the name."""
        return self.nodes_of(kind, inputs, [name], **attributes)[0]

    def nodes_of(
        self, kind: str, inputs: list[str], names: list[str], **attributes: Any
    ) -> list[str]:
        """Append an operation with several outputs, named so; returns the names."""
        for name in names:
            self._claim(name)
        self.nodes.append(helper.make_node(kind, inputs, names, name=names[0], **attributes))
        if self._roughly:
            self.rough.add(names[0])
        return names

    def constant(self, name: str, value: np.ndarray) -> str:
        """Store a constant; one that is there already under this name is used again."""
        if name not in self._names:
            self._claim(name)
            self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def scalar(self, value: float) -> str:
        """A float32 constant named after its value."""
        return self.constant(f"const_{value:g}", np.array(value, np.float32))

    def _claim(self, name: str) -> None:
        if name in self._names:
            raise ValueError(f"the graph has '{name}' already")
        self._names.add(name)
