"""Which TensorRT is installed, and in what it differs from the others.

The differences stand in one table here; docs/tensorrt.md gives the source of each. All the rest of
the code asks a `Flavour`, never a version number.
"""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from typing import Any, Final, Literal

from ..errors import BackendUnavailable
from ..models import unknown_name
from ..optional import require

TENSORRT: Final = "tensorrt"
TENSORRT_RTX: Final = "tensorrt-rtx"
NAMES: Final = (TENSORRT, TENSORRT_RTX)  # in the order in which they are tried
PRECISIONS: Final = ("fp16", "int8", "fp32")  # that plans compute in

Typing = Literal["weak", "flag", "always"]

_REMEDIES = {
    TENSORRT: "pip install 'fusion-rt[tensorrt]', or choose --engine openvino",
    TENSORRT_RTX: "pip install tensorrt-rtx-cu13 (cu12 for CUDA 12), or choose --engine openvino",
}


@dataclass(frozen=True)
class _Traits:
    """One row of the table: what holds from a version on.

    Attributes:
        since: first version of which it holds.
        typing: "weak": tensors may change their type, within what builder flags allow; "flag":
            they keep the types of the file where the network is made so; "always": they keep them.
        explicit_batch: the network must be asked for its batch axis.
        monitored: the builder reports its progress and can be stopped.
        timing_cache: the builder measures on the GPU and keeps what it measured.
        targets: the builder compiles for GPUs that are not there.
    """

    since: tuple[int, ...]
    typing: Typing
    explicit_batch: bool
    monitored: bool
    timing_cache: bool
    targets: bool


_TABLE: dict[str, tuple[_Traits, ...]] = {
    TENSORRT: (
        _Traits((8, 6), "weak", True, monitored=False, timing_cache=True, targets=False),
        _Traits((10, 0), "flag", False, monitored=True, timing_cache=True, targets=False),
        _Traits((11, 0), "always", False, monitored=True, timing_cache=True, targets=False),
    ),
    TENSORRT_RTX: (
        _Traits((1, 4), "flag", False, monitored=True, timing_cache=False, targets=True),
        _Traits((1, 5), "always", False, monitored=True, timing_cache=False, targets=True),
    ),
}


@dataclass(frozen=True)
class Flavour:
    """An installed TensorRT.

    Attributes:
        name: "tensorrt" or "tensorrt-rtx".
        module: the imported package.
        version: as the package gives it; a plan runs with the very same only.
        typing, explicit_batch, monitored, timing_cache, targets: see the table in this module.
    """

    name: str
    module: Any
    version: str
    typing: Typing
    explicit_batch: bool
    monitored: bool
    timing_cache: bool
    targets: bool

    @property
    def title(self) -> str:
        """Name and version for people."""
        return f"{title(self.name)} {self.version}"

    def network_flags(self) -> int:
        """Bits for ``create_network``."""
        known = self.module.NetworkDefinitionCreationFlag
        flags = 0
        if self.explicit_batch:
            flags |= 1 << int(known.EXPLICIT_BATCH)
        if self.typing == "flag":
            flags |= 1 << int(known.STRONGLY_TYPED)
        return flags


def _remedy(name: str) -> str:
    """How to get it. Jetson's TensorRT is a part of JetPack and lies outside of environments."""
    if name == TENSORRT and platform.machine() == "aarch64":
        return (
            "TensorRT comes with JetPack; an environment sees it when made by: "
            "python -m venv --system-site-packages .venv"
        )
    return _REMEDIES[name]


def title(name: str) -> str:
    """A flavour's name for people."""
    return {TENSORRT: "TensorRT", TENSORRT_RTX: "TensorRT-RTX"}.get(name, name)


def load(name: str) -> Flavour:
    """The installed package of that name.

    Args:
        name: "tensorrt" or "tensorrt-rtx".

    Raises:
        UnknownNameError: another name.
        BackendUnavailable: it is not installed, does not load, or is too old.
    """
    if name not in _TABLE:
        raise unknown_name("back end", name, list(NAMES))
    return flavour_of(name, require(name.replace("-", "_"), remedy=_remedy(name)))


def flavour_of(name: str, module: Any) -> Flavour:
    """What an imported package is.

    Raises:
        BackendUnavailable: it is too old.
    """
    version = str(module.__version__)
    numbers = tuple(int(digits) for digits in re.findall(r"\d+", version)[:2])
    rows = [row for row in _TABLE[name] if numbers >= row.since]
    if not rows:
        oldest = ".".join(map(str, _TABLE[name][0].since))
        raise BackendUnavailable(
            f"{title(name)} {version} is too old: {oldest} is the oldest that works",
            hint=_remedy(name),
        )
    traits = rows[-1]
    return Flavour(
        name=name,
        module=module,
        version=version,
        typing=traits.typing,
        explicit_batch=traits.explicit_batch,
        monitored=traits.monitored,
        timing_cache=traits.timing_cache,
        targets=traits.targets,
    )
