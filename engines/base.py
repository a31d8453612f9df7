"""What every engine is: a model opened for one size and precision, ready to fuse pictures."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from .contract import MAX_WH, MIN_WH
from .errors import EngineError


@dataclass(frozen=True)
class Refusal:
    """An engine that was passed over.

    Attributes:
        name: of the engine.
        reason: in words.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class EngineInfo:
    """Facts about an opened engine.

    Attributes:
        name: back end, for instance "openvino".
        version: of the back end's package.
        device: what computes, for instance the processor's name.
        model: name of the model.
        precision: in which the network computes: "fp32", "bf16", ...
        size_wh: width and height in px that it was opened for.
        open_ms: time to open it, reading and compiling included.
        refused: what was tried or passed over before, with reasons.
    """

    name: str
    version: str
    device: str
    model: str
    precision: str
    size_wh: tuple[int, int]
    open_ms: float
    refused: tuple[Refusal, ...] = ()


class Engine(ABC):
    """Fuses pairs of one size. Used by one thread at a time; ``close`` may be called twice."""

    info: EngineInfo

    def __init__(self, size_wh: tuple[int, int]) -> None:
        """Start with the weight at 255 everywhere.

        Raises:
            EngineError: a size that no model takes.
        """
        check_size(size_wh)
        self.size_wh = size_wh
        self.weight: np.ndarray = np.full((size_wh[1], size_wh[0]), 255, np.uint8)

    def set_weight(self, weight: np.ndarray) -> None:
        """Where and how much to fuse from now on.

        Args:
            weight: (H, W) uint8, 0 shows the visible picture alone, 255 the whole fusion.
        """
        self._check(weight, "weight", ())
        self.weight = _plain(weight)

    def fuse(self, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """One fused picture.

        Args:
            ir: (H, W) uint8, lying on the visible picture.
            vis: (H, W, 3) uint8 BGR.

        Returns:
            (H, W, 3) uint8 BGR, owned by the caller.

        Raises:
            EngineError: another shape or dtype, or the back end fails.
        """
        self._check(ir, "ir", ())
        self._check(vis, "vis", (3,))
        return self._run(_plain(ir), _plain(vis))

    def close(self) -> None:  # noqa: B027 - most back ends have nothing to release
        """Release the back end's memory."""

    @abstractmethod
    def _run(self, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """`fuse` with checked inputs, contiguous and writeable; they are not to be changed."""

    def _check(self, array: np.ndarray, name: str, channels: tuple[int, ...]) -> None:
        shape = (self.size_wh[1], self.size_wh[0], *channels)
        if array.shape != shape or array.dtype != np.uint8:
            raise EngineError(
                f"'{name}' is {array.dtype} {array.shape}, this engine takes uint8 {shape}",
                hint="open the engine for the size of the pictures",
            )

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _plain(array: np.ndarray) -> np.ndarray:
    """The array, or a copy where back ends could not share its memory."""
    return np.require(array, requirements=("C_CONTIGUOUS", "WRITEABLE"))


def check_size(size_wh: tuple[int, int]) -> None:
    """Refuse what no model takes.

    Raises:
        EngineError: below 64x64 or beyond 3840x2160; the latter may lie on its side.
    """
    long_side, short_side = max(size_wh), min(size_wh)
    if short_side < min(MIN_WH) or long_side > max(MAX_WH) or short_side > min(MAX_WH):
        raise EngineError(
            f"pictures of {size_wh[0]}x{size_wh[1]} cannot be fused",
            hint=f"sizes from {MIN_WH[0]}x{MIN_WH[1]} to {MAX_WH[0]}x{MAX_WH[1]} can",
        )
