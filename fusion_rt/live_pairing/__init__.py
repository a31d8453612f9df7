"""Pairs the frames of two cameras that run, come and go: see `pairer`."""

from .pairer import LivePairer, PairingState
from .rules import OffsetLine, PairingMode, PairingRules

__all__ = ["LivePairer", "OffsetLine", "PairingMode", "PairingRules", "PairingState"]
