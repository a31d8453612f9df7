"""Exact time: fractions of a second in, whole nanoseconds out."""

from __future__ import annotations

from fractions import Fraction


def to_ns(seconds: Fraction) -> int:
    """Time in ns, rounded once to the nearest; no floating point on the way."""
    return round(seconds * 1_000_000_000)


def as_seconds(time_ns: int) -> str:
    """Time for a message, in s with three decimals, for instance ``3.933 s``."""
    return f"{time_ns / 1e9:.3f} s"
