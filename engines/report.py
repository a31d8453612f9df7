"""How opening an engine talks with whoever opens it: what lasts, and whether to give up."""

from __future__ import annotations

from collections.abc import Callable

Report = Callable[[str], None]  # takes one line at a time
Stop = Callable[[], bool]  # asked now and then whether to give up

_told: set[str] = set()


def silent(line: str) -> None:
    """Says nothing."""


def never() -> bool:
    """Does not give up."""
    return False


def tell_once(report: Report, line: str) -> None:
    """Say what holds for each start in this process at the first one only.

    What nobody hears, because ``report`` is `silent`, is not told yet.
    """
    if report is silent or line in _told:
        return
    _told.add(line)
    report(line)
