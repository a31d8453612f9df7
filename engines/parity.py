"""Whether two engines show the same picture: figures, limits, and the refusal in words."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

PERCENT: Final = 99.99  # of the values, whose largest difference is a figure and has a limit


@dataclass(frozen=True)
class Limit:
    """What an engine must reach.

    Attributes:
        psnr_db: least PSNR on every pair, in dB of 255 grey levels.
        p9999: most grey levels that 99.99 % of the values may be off; None for no such limit.
    """

    psnr_db: float
    p9999: int | None = None

    def __str__(self) -> str:
        levels = "" if self.p9999 is None else f" and at most {_levels(self.p9999)} at {PERCENT} %"
        return f"at least {self.psnr_db:g} dB{levels}"


# FP32 may differ by the order of its sums, which moves single pixels across a rounding edge;
# bf16 keeps 8 bits of every number, INT8 as many of the activations.
LIMITS: Final = {
    "fp32": Limit(60, 1),
    "fp16": Limit(50, 2),
    "bf16": Limit(45),
    "int8": Limit(38),
}


@dataclass(frozen=True)
class Parity:
    """How near an engine's pictures are to the reference's.

    Attributes:
        psnr_db: PSNR of the worst pair in dB of 255 grey levels; inf where all are equal.
        mean_db: PSNR over all pairs together.
        p9999: grey levels that 99.99 % of the values are off at most; largest of the pairs.
        worst: largest difference of any value, grey levels.
        pairs: how many were compared.
        reference: what the pictures were compared with, for instance "onnxruntime 1.20 fp32".
        fault: what is plainly wrong, in words, such as "the picture is black"; else empty.
    """

    psnr_db: float
    mean_db: float
    p9999: int
    worst: int
    pairs: int
    reference: str
    fault: str = ""

    def __str__(self) -> str:
        """For instance "47.3 dB, 5 grey levels at 99.99 %, 17 at worst, against ..."."""
        if math.isinf(self.psnr_db):
            return f"equal to {self.reference}"
        return (
            f"{self.psnr_db:.1f} dB, {_levels(self.p9999)} at {PERCENT} %, {self.worst} at worst, "
            f"against {self.reference}"
        )

    def as_data(self) -> dict[str, Any]:
        """Plain data for JSON, which knows no infinity: None stands for it."""
        data = asdict(self)
        for key in ("psnr_db", "mean_db"):
            data[key] = None if math.isinf(data[key]) else round(data[key], 3)
        return data

    @staticmethod
    def from_data(data: Any) -> Parity:
        """The inverse of `as_data`.

        Raises:
            ValueError: a key is missing, is none of ours or has another type.
        """
        if not isinstance(data, dict) or data.keys() != _KINDS.keys():
            raise ValueError("these are not the keys of a parity")
        for key, kinds in _KINDS.items():
            if type(data[key]) not in kinds:
                raise ValueError(f"'{key}' is {data[key]!r}")
        endless = {key: math.inf for key in ("psnr_db", "mean_db") if data[key] is None}
        return Parity(**{**data, **endless})


_KINDS: Final[dict[str, tuple[type, ...]]] = {
    "psnr_db": (int, float, type(None)),
    "mean_db": (int, float, type(None)),
    "p9999": (int,),
    "worst": (int,),
    "pairs": (int,),
    "reference": (str,),
    "fault": (str,),
}


def judge(parity: Parity, precision: str) -> str | None:
    """Why an engine is refused, in words with the figures; None when it is accepted.

    Args:
        parity: of the engine.
        precision: in which it computes, a key of `LIMITS`.
    """
    limit = LIMITS[precision]
    if parity.fault:
        return f"{parity.fault} ({parity})"
    too_far = limit.p9999 is not None and parity.p9999 > limit.p9999
    if parity.psnr_db < limit.psnr_db or too_far:
        return f"the picture is off: {parity}; {precision} must reach {limit}"
    return None


def _levels(count: int) -> str:
    return f"{count} grey level{'' if count == 1 else 's'}"
