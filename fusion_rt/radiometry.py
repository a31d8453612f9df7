"""What the counts of a radiometric camera mean."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Radiometry:
    """Temperature as a straight line over the counts.

    Attributes:
        kelvin_per_count: for instance 0.01 for centikelvin, 1/64 for InfiRay.
        kelvin_at_zero: temperature of a count of 0.
    """

    kelvin_per_count: float
    kelvin_at_zero: float = 0.0

    def celsius(self, count: float) -> float:
        """Temperature of a count in °C."""
        return count * self.kelvin_per_count + self.kelvin_at_zero - 273.15
