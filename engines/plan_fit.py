"""Which plans are of use on this machine, as it is now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .cache_dir import file_sha256
from .errors import BackendUnavailable, EngineError
from .models import find_model, find_variant, shipped_models
from .plan_key import PlanKey
from .plan_sidecar import CachedPlan
from .tensorrt import flavour as flavours
from .tensorrt.cuda import CudaError, DeviceFacts
from .tensorrt.cuda_pycuda import device_facts
from .tensorrt.target import ANY, PORTABLE


@dataclass(frozen=True)
class Here:
    """What plans could be run by.

    Attributes:
        versions: of each flavour that is installed.
        devices: GPUs; None where they cannot be asked, so that nothing is said of them.
    """

    versions: Mapping[str, str]
    devices: tuple[DeviceFacts, ...] | None
    _hashes: dict[tuple[str, str, bool], str] = field(default_factory=dict)

    def why_unfit(self, plan: CachedPlan) -> str:
        """Why a run here would not take this plan, in words; "" where it may."""
        key = plan.key
        installed = self.versions.get(key.flavour)
        title = flavours.title(key.flavour)
        if installed is None:
            return f"{title} is not installed"
        if installed != key.version:
            return f"for {title} {key.version}, {installed} is installed"
        if self.devices is not None and not any(_takes(key, facts) for facts in self.devices):
            return f"no such GPU here ({', '.join(facts.name for facts in self.devices) or 'none'})"
        current = self._current_sha256(key)
        if current not in ("", key.model_sha256):
            return f"the file of model {key.model} is another one now"
        return ""

    def _current_sha256(self, key: PlanKey) -> str:
        """Of the file that the plan would be built from now; "" where that is not known."""
        if key.model not in shipped_models():
            return ""  # a user's own file; where it lies is not written down
        what = (key.model, key.precision, key.ir_size_wh is not None)
        if what not in self._hashes:
            try:
                file = find_variant(find_model(key.model), precision=what[1], grid=what[2])
                self._hashes[what] = file_sha256(file.path)
            except EngineError:
                self._hashes[what] = "gone"
        return self._hashes[what]


def _takes(key: PlanKey, facts: DeviceFacts) -> bool:
    fits = (PORTABLE, facts.compute_capability)
    return key.gpu in (ANY, facts.name) and key.compute_capability in fits


def look_around() -> Here:
    """What this machine has now."""
    return Here(installed_versions(), _devices())


def _devices() -> tuple[DeviceFacts, ...] | None:
    """All GPUs; None where CUDA cannot be asked."""
    found: list[DeviceFacts] = []
    while True:
        try:
            found.append(device_facts(len(found)))
        except (BackendUnavailable, CudaError):
            return None
        except EngineError:  # no more of them
            return tuple(found)


def installed_versions() -> dict[str, str]:
    """Version of each flavour that is installed and loads."""
    versions = {}
    for name in flavours.NAMES:
        try:
            versions[name] = flavours.load(name).version
        except BackendUnavailable:  # then none of its plans can be used
            continue
    return versions
