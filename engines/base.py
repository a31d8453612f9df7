"""What every engine is: a model opened for one size and precision, ready to fuse pictures."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from .contract import MAX_WH, MIN_WH
from .errors import EngineError
from .parity import Parity

_UINT8 = np.dtype(np.uint8)


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
        parity: how near its pictures are to the reference's; None for the reference itself and
            for engines without a network.
        notes: in words, where it works otherwise than it should: slower, with more memory, ...
    """

    name: str
    version: str
    device: str
    model: str
    precision: str
    size_wh: tuple[int, int]
    open_ms: float
    refused: tuple[Refusal, ...] = ()
    parity: Parity | None = None
    notes: tuple[str, ...] = ()


class Engine:
    """Fuses pairs of one size. Used by one thread at a time; ``close`` may be called twice.

    A back end brings `_run`, which fuses one pair while the caller waits, or `_begin` and
    `_finish`, so that several pairs can be under way.

    Attributes:
        info: facts about it.
        slots: how many pairs may be under way.
        size_wh: of the visible and of the fused picture, in px.
        warps: whether it takes the camera's own infrared picture and warps it by a grid.
        ir_size_wh: of the infrared picture that it takes, in px.
        weight: (H, W) uint8, what `set_weight` was given last.
    """

    info: EngineInfo
    slots: int = 1
    warps: bool = False

    def __init__(self, size_wh: tuple[int, int], ir_size_wh: tuple[int, int] | None = None) -> None:
        """Start with the weight at 255 everywhere.

        Args:
            size_wh: width and height in px.
            ir_size_wh: of the camera's own infrared picture, where the back end warps it; None:
                the infrared lies on the visible picture already.

        Raises:
            EngineError: a size that no model takes.
        """
        check_size(size_wh)
        check_size(ir_size_wh or size_wh)
        self.size_wh = size_wh
        self.ir_size_wh = ir_size_wh or size_wh
        self.warps = ir_size_wh is not None
        self.weight: np.ndarray = np.full(_shape(size_wh), 255, np.uint8)
        self._under_way = 0
        self._fused: deque[np.ndarray] = deque()

    def set_weight(self, weight: np.ndarray) -> None:
        """Where and how much to fuse from the next pair on; pairs under way keep the old one.

        Args:
            weight: (H, W) uint8, 0 shows the visible picture alone, 255 the whole fusion.

        Raises:
            EngineError: another shape or dtype.
        """
        self._check(weight, "weight", _shape(self.size_wh))
        self.weight = _plain(weight)

    def set_grid(self, grid: np.ndarray) -> None:
        """Where each pixel's infrared comes from, from the next pair on.

        Until this is called, the infrared picture is stretched over the whole visible one.

        Args:
            grid: (H, W, 2) float32, x then y in -1..1 across the infrared picture, corners not
                aligned, as `engines.contract` defines it.

        Raises:
            EngineError: another shape or dtype, or this engine does not warp.
        """
        if not self.warps:
            raise EngineError(
                f"{self.info.name} was opened for infrared that lies on the visible picture",
                hint="warp on the host, or open the engine with the infrared camera's size",
            )
        self._check(grid, "grid", (*_shape(self.size_wh), 2), np.dtype(np.float32))
        self._place_grid(grid)

    @property
    def under_way(self) -> int:
        """Pairs submitted and not yet collected."""
        return self._under_way

    def submit(self, ir: np.ndarray, vis: np.ndarray) -> None:
        """Begin a pair. The arrays must stay as they are until it is collected.

        Args:
            ir: (H, W) uint8, lying on the visible picture; (Hi, Wi), as the camera gave it, where
                the engine `warps`.
            vis: (H, W, 3) uint8 BGR.

        Raises:
            EngineError: another shape or dtype, no slot is free, or the back end fails.
        """
        self._check(ir, "ir", _shape(self.ir_size_wh))
        self._check(vis, "vis", (*_shape(self.size_wh), 3))
        if self._under_way >= self.slots:
            raise EngineError(
                f"{self._under_way} pairs are under way, this engine takes {self.slots} at a time",
                hint="collect the oldest one before submitting another",
            )
        self._begin(ir, vis)
        self._under_way += 1

    def collect(self) -> np.ndarray:
        """The fused picture of the oldest pair under way; waits for it.

        Returns:
            (H, W, 3) uint8 BGR, owned by the caller.

        Raises:
            EngineError: no pair is under way, or the back end fails; the pair is lost then.
        """
        if self._under_way == 0:
            raise EngineError("no pair is under way", hint="submit one before collecting")
        self._under_way -= 1
        return self._finish()

    def fuse(self, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """One fused picture.

        Args:
            ir: as `submit` takes it.
            vis: (H, W, 3) uint8 BGR.

        Returns:
            (H, W, 3) uint8 BGR, owned by the caller.

        Raises:
            EngineError: another shape or dtype, pairs are under way, or the back end fails.
        """
        if self._under_way:
            raise EngineError(
                f"{self._under_way} pairs are under way, fuse() would mix them up",
                hint="collect them first",
            )
        self.submit(ir, vis)
        return self.collect()

    def close(self) -> None:
        """Release the back end's memory; pairs under way are lost."""

    def _run(self, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """`fuse` with checked inputs, contiguous and writeable; they are not to be changed."""
        raise NotImplementedError

    def _begin(self, ir: np.ndarray, vis: np.ndarray) -> None:
        """`submit` with checked inputs, of any strides, while a slot is free."""
        self._fused.append(self._run(_plain(ir), _plain(vis)))

    def _finish(self) -> np.ndarray:
        """`collect` of the oldest pair that `_begin` took."""
        return self._fused.popleft()

    def _place_grid(self, grid: np.ndarray) -> None:
        """`set_grid` with a checked grid; brought by back ends that warp."""
        raise NotImplementedError

    def _check(
        self,
        array: np.ndarray,
        name: str,
        shape: tuple[int, ...],
        dtype: np.dtype = _UINT8,
    ) -> None:
        if array.shape != shape or array.dtype != dtype:
            raise EngineError(
                f"'{name}' is {array.dtype} {array.shape}, this engine takes {dtype} {shape}",
                hint="open the engine for the size of the pictures",
            )

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _shape(size_wh: tuple[int, int]) -> tuple[int, int]:
    """Shape (H, W) of a plane of this size."""
    return size_wh[1], size_wh[0]


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


def stretched_grid(size_wh: tuple[int, int]) -> np.ndarray:
    """Grid that stretches the infrared picture over the whole visible one.

    Args:
        size_wh: of the visible picture, in px.

    Returns:
        (H, W, 2) float32, where `Engine.set_grid` takes it.
    """
    x, y = ((2 * np.arange(count, dtype=np.float32) + 1) / count - 1 for count in size_wh)
    return np.dstack(np.meshgrid(x, y))
