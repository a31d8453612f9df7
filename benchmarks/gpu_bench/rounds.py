"""All cases take turns in rounds, so that a busy moment of the machine hits all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from fusion_rt.terminal import progress_bar
from gpu_bench.case import Case, Effort, Turn
from gpu_bench.worker import CaseFailed


class Measures(Protocol):
    """What measures a case; see `measure.Measurer`."""

    def prepare(self, case: Case) -> dict[str, str]:
        """Do what the first use takes; facts in words. Raises `CaseFailed`."""

    def turn(self, case: Case, effort: Effort) -> Turn:
        """Measure once. Raises `CaseFailed`."""


@dataclass
class Record:
    """What is known of a case so far.

    Attributes:
        case: measured.
        turns: one for each round that went well.
        facts: in words.
        error: why it was given up; empty while it goes.
    """

    case: Case
    turns: list[Turn] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)
    error: str = ""


def run_rounds(
    cases: Iterable[Case],
    effort: Effort,
    measures: Measures,
    after_round: Callable[[list[Record]], None],
) -> list[Record]:
    """Prepare every case, then measure them in turn; one that fails is out, the rest goes on.

    Args:
        cases: in any order; every other round goes through them backwards.
        effort: how long.
        measures: prepares and measures.
        after_round: gets what is known after the preparation and after each round.
    """
    records = [Record(case) for case in cases]
    with progress_bar("preparing", len(records)) as bar:
        left = _Left(len(records))
        for record in records:
            bar.say(f"({record.case}; {left})")
            try:
                record.facts = measures.prepare(record.case)
            except CaseFailed as error:
                record.error = str(error)
            left.step()
            bar.advance()
    after_round(records)
    going = [record for record in records if not record.error]
    with progress_bar("measuring", effort.rounds * len(going)) as bar:
        left = _Left(effort.rounds * len(going))
        for index in range(effort.rounds):
            for record in going if index % 2 == 0 else reversed(going):
                bar.say(f"(round {index + 1} of {effort.rounds}: {record.case}; {left})")
                if not record.error:
                    _take_turn(record, effort, measures)
                left.step()
                bar.advance()
            after_round(records)
    return records


def _take_turn(record: Record, effort: Effort, measures: Measures) -> None:
    try:
        turn = measures.turn(record.case, effort)
    except CaseFailed as error:
        record.error = str(error)
        return
    record.turns.append(turn)
    record.facts |= turn.facts


class _Left:
    """How long the rest takes, at the pace so far."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._begun = time.monotonic()

    def step(self) -> None:
        self._done += 1

    def __str__(self) -> str:
        if not self._done:
            return "time left not known yet"
        each_s = (time.monotonic() - self._begun) / self._done
        left_s = round(each_s * (self._total - self._done))
        return f"about {left_s // 60}:{left_s % 60:02d} left"
