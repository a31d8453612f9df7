"""For which GPU a plan is built."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ..errors import EngineError
from .cuda import DeviceFacts
from .flavour import Flavour

ANY: Final = "any"
PORTABLE: Final = "portable"


@dataclass(frozen=True)
class Target:
    """What a plan is to run on.

    Attributes:
        gpu: name of the GPU; "any" where each of its compute capability will do.
        compute_capability: for instance "8.6"; "portable" for those that the library takes when
            it is not told any.
        memory_mib: of the GPU; None where unknown.
    """

    gpu: str
    compute_capability: str
    memory_mib: int | None = None

    def __str__(self) -> str:
        """For people."""
        if self.compute_capability == PORTABLE:
            return "all GPUs that the library takes by itself"
        gpu = "any GPU" if self.gpu == ANY else self.gpu
        return f"{gpu} of compute capability {self.compute_capability}"


ANYWHERE: Final = Target(ANY, PORTABLE)


def named_target(flavour: Flavour, compute_capability: str) -> Target:
    """Any GPU of a compute capability, for plans that are built for another machine.

    Args:
        flavour: that builds.
        compute_capability: for instance "8.6".

    Raises:
        EngineError: the flavour builds for the GPU beside it only, or not for this one.
    """
    if not flavour.targets:
        raise EngineError(
            f"{flavour.title} builds for the GPU of this machine only",
            hint="leave --compute-capability away, or take --backend tensorrt-rtx",
        )
    known = known_capabilities(flavour)
    if compute_capability not in known:
        raise EngineError(
            f"{flavour.title} does not build for compute capability '{compute_capability}'",
            hint=f"it builds for {', '.join(known)}",
        )
    return Target(ANY, compute_capability)


def target_of(flavour: Flavour, device: DeviceFacts) -> Target:
    """The target for a GPU that is there.

    A flavour that builds for compute capabilities makes the same plan for each GPU of one, so the
    name is left out. For a GPU that it does not list, the portable plan may do or may not.
    """
    capability = device.compute_capability
    memory_mib = device.total_bytes >> 20
    if not flavour.targets:
        return Target(device.name, capability, memory_mib)
    listed = capability in known_capabilities(flavour)
    return Target(ANY, capability if listed else PORTABLE, memory_mib)


def known_capabilities(flavour: Flavour) -> list[str]:
    """Compute capabilities that the flavour can be told to build for, ascending."""
    names = flavour.module.ComputeCapability.__members__
    found = (re.fullmatch(r"SM(\d+)(\d)", name) for name in names)
    numbers = sorted((int(match[1]), int(match[2])) for match in found if match)
    return [f"{major}.{minor}" for major, minor in numbers]
