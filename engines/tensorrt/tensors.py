"""Memory of a tensor, as the host and as the device see it."""

from __future__ import annotations

import numpy as np

from .. import contract
from .cuda import Cuda, Stream
from .releases import Releases
from .runtime import Shape


class Tensor:
    """Page-locked memory of the host with its twin on the device, or one memory for both.

    Where the device shares the host's memory, copies would only cost time: the page-locked memory
    is mapped and the network works on it.

    Attributes:
        array: the host's side.
        address: the device's side.
    """

    def __init__(self, cuda: Cuda, name: str, shape: Shape, release: Releases) -> None:
        """Allocate.

        Args:
            cuda: the device.
            name: of `engines.contract`, which says the type.
            shape: all of it.
            release: gets what is to be released.

        Raises:
            OutOfDeviceMemory, CudaError: see there.
        """
        mapped = cuda.facts.integrated
        dtype = np.float32 if name == contract.GRID else np.uint8
        host = cuda.pinned(shape, dtype, mapped=mapped)
        release.add(host.close)
        self.array = host.array
        self.address = host.address
        self._cuda = cuda
        self._copied = not mapped
        if self._copied:
            device = cuda.allocate(host.array.nbytes)
            release.add(device.close)
            self.address = device.address

    def upload(self, stream: Stream) -> None:
        """Enqueue that the device gets what the host's side holds when it comes to that."""
        if self._copied:
            self._cuda.upload(self.address, self.array, stream)

    def download(self, stream: Stream) -> None:
        """Enqueue that the host gets what the device's side holds when it comes to that."""
        if self._copied:
            self._cuda.download(self.array, self.address, stream)


def pair_bytes(shapes: dict[str, Shape]) -> int:
    """Device memory of all tensors of one pair."""
    sizes = {name: int(np.prod(shape)) for name, shape in shapes.items()}
    return sum(size * (4 if name == contract.GRID else 1) for name, size in sizes.items())
