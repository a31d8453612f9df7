"""Plans and verdicts that no cache keeps, held in memory for the next opening in this process."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from ..parity import Parity
from ..plan_key import PlanKey

_MOST_PLANS = 2  # one of each precision that "auto" tries

_Where = tuple[Path | None, PlanKey]
_lock = threading.Lock()  # one thread prepares an engine, another one opens it
_plans: OrderedDict[_Where, bytes] = OrderedDict()
_verdicts: dict[tuple[_Where, str], Parity] = {}


def hold_plan(folder: Path | None, key: PlanKey, plan: bytes) -> None:
    """Hold a plan; the oldest one goes when there are more than two.

    Args:
        folder: of the cache that cannot keep it; None where there is no place for one.
        key: what it holds for.
        plan: the bytes.
    """
    with _lock:
        _plans[folder, key] = plan
        _plans.move_to_end((folder, key))
        while len(_plans) > _MOST_PLANS:
            _plans.popitem(last=False)


def held_plan(folder: Path | None, key: PlanKey) -> bytes | None:
    """The plan that `hold_plan` was given last; None where it was given none."""
    with _lock:
        return _plans.get((folder, key))


def hold_verdict(folder: Path | None, key: PlanKey, sha256: str, parity: Parity) -> None:
    """Hold how the plan with this hash, 64 hex digits, compared with the reference."""
    with _lock:
        _verdicts[(folder, key), sha256] = parity


def held_verdict(folder: Path | None, key: PlanKey, sha256: str) -> Parity | None:
    """What `hold_verdict` was given for this plan; None where it was given nothing."""
    with _lock:
        return _verdicts.get(((folder, key), sha256))
