"""``fusion-rt engine list | prune``: the plans that are kept."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table

from engines.plan_cache import PlanCache
from engines.plan_fit import look_around
from engines.plan_prune import Rule, choose, remove
from engines.plan_sidecar import CachedPlan, Unreadable
from engines.tensorrt import flavour as flavours

from ..errors import UsageError
from ..terminal import console, say
from .engine_words import mib_words, short_parity, size_words, target_words

# Letters that a column needs, so that names are broken at spaces only.
_COLUMNS = {
    "model": 5,
    "size": len("3840x2160"),
    "precision": 4,
    "built by": len("TensorRT-RTX"),
    "for": 8,
    "built": len("2026-01-31"),
}


def list_plans() -> None:
    """Print a table of all plans, and what is wrong with any."""
    cache = PlanCache()
    entries = cache.entries()
    plans = [entry for entry in entries if isinstance(entry, CachedPlan)]
    damaged = [entry for entry in entries if isinstance(entry, Unreadable)]
    if not entries:
        say(f"no plans in {cache.folder}")
        return
    here = look_around()
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title, least in _COLUMNS.items():
        table.add_column(title, min_width=least, overflow="fold")
    table.add_column("MiB", justify="right")
    table.add_column("parity", overflow="fold")
    unfit: list[str] = []
    for plan in plans:
        reason = here.why_unfit(plan)
        mark = f" ({len(unfit) + 1})" if reason else ""
        if reason:
            unfit.append(reason)
        table.add_row(
            plan.key.model,
            size_words(plan.key),
            plan.key.precision,
            f"{flavours.title(plan.key.flavour)} {plan.key.version}{mark}",
            target_words(plan.key),
            f"{plan.built.astimezone():%Y-%m-%d}",
            mib_words(plan.size),
            short_parity(plan.parity),
        )
    console.print(table)
    for number, reason in enumerate(unfit, 1):
        say(f"({number}) of no use here: {reason}")
    for entry in damaged:
        say(f"damaged: {entry.sidecar.name}: {entry.reason}")
    total = sum(plan.size for plan in plans)
    say(f"{len(plans)} plan{'s' * (len(plans) != 1)}, {mib_words(total)} MiB, in {cache.folder}")


@dataclass(frozen=True)
class PruneOrder:
    """What ``engine prune`` was asked for.

    Attributes:
        older_than_days: plans built longer ago go; None for no such rule.
        unfit: those that no run here would take go, and damaged files.
        everything: all go.
        dry_run: only say what would go.
    """

    older_than_days: float | None
    unfit: bool
    everything: bool
    dry_run: bool


def prune(order: PruneOrder) -> None:
    """Remove plans, and what else the cache holds, and say what went.

    With ``everything`` and ``older_than_days`` that is also measurements of GPUs, models that
    OpenVINO compiled, and verdicts on its pictures.

    Raises:
        UsageError: it was not said what is to go.
        EngineError: a file cannot be removed.
    """
    if not (order.unfit or order.everything or order.older_than_days is not None):
        raise UsageError(
            "it is not said what is to go",
            hint="add --unfit, --older-than DAYS or --all; --dry-run only shows it",
        )
    cache = PlanCache()
    rule = Rule(
        order.older_than_days,
        look_around().why_unfit if order.unfit else None,
        order.everything,
    )
    removals = choose(cache, rule)
    for removal in removals:
        say(f"{removal.name}: {removal.reason}")
    files = sum(len(removal.paths) for removal in removals)
    size = sum(removal.size for removal in removals) if order.dry_run else remove(removals)
    done = "would go, freeing" if order.dry_run else "removed, freeing"
    plural = "s" * (files != 1)
    say(f"{files} file{plural} {done} {size} bytes ({mib_words(size)} MiB), in {cache.root}")
