"""Registration that is measured and mended from the pictures themselves, while they run."""

from __future__ import annotations

from .evidence import Evidence
from .meter import misregistration_px
from .pair_estimate import Estimate, estimate
from .policy import Decision, DriftPolicy

__all__ = [
    "Decision",
    "DriftPolicy",
    "Estimate",
    "Evidence",
    "estimate",
    "misregistration_px",
]
