"""One million pairs of live frames, each judged by going through all frames.

Rates of 9/30, 25/30 and 30/60 frames/s; a camera's rate, or its clock, off by 500 ppm either way;
stamps and arrivals that jitter by 2 and 20 ms; 5 % of the frames lost, 1 % swapped, freezes of 3 s.
What counts as wrong stands in `pair_judge`. The tests run the same with fewer pairs.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from pair_judge import TOLERANCE, judge_nearest
from pair_streams import MS, START_NS, Camera, Run, arrivals, play

from fusion_rt.frame import Sensor
from fusion_rt.ledger import DropReason
from fusion_rt.live_pairing import LivePairer, OffsetLine, PairingRules, PairingState

# Pairs for each second, with what is lost, frozen or jitters out of the tolerance.
_YIELD = 0.75
_CHUNK_S = 600.0


@dataclass(frozen=True)
class Case:
    """One kind of camera pair; ``ppm`` is of the infrared rate, or of its clock as well."""

    ir_fps: float
    vis_fps: float
    ppm: float
    own_clock: bool
    jitter_ms: float

    def __str__(self) -> str:
        what = "clock" if self.own_clock else "rate"
        rates = f"{self.ir_fps:g}/{self.vis_fps:g}"
        return f"{rates} frames/s, {what} {self.ppm:+g} ppm, jitter {self.jitter_ms:g} ms"


CASES = [
    Case(ir_fps, vis_fps, ppm, own_clock, jitter_ms)
    for ir_fps, vis_fps in ((9, 30), (25, 30), (30, 60))
    for ppm in (-500, 500)
    for own_clock in (False, True)
    for jitter_ms in (2, 20)
]


@dataclass
class Tally:
    """Sums over the runs of one case."""

    frames: int = 0
    pairs: int = 0
    alone: int = 0
    out_of_step: int = 0
    dropped: dict[DropReason, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    missed: int = 0
    overdue: int = 0
    unaccounted: int = 0
    stuck: int = 0
    pairing_s: float = 0.0

    @property
    def flawless(self) -> bool:
        """Whether there is nothing to complain of."""
        return not (self.wrong or self.missed or self.overdue or self.unaccounted or self.stuck)


def run_case(case: Case, pairs: int, seed: int) -> Tally:
    """Play a case until so many pairs were made, in chunks, so that memory stays small."""
    tally = Tally()
    rng = random.Random(f"{case}, {seed}")
    while tally.pairs < pairs:
        left_s = (pairs - tally.pairs) / (_YIELD * min(case.ir_fps, case.vis_fps))
        run, pairing_s = _play(case, min(_CHUNK_S, left_s + 10.0), rng)
        tally.pairing_s += pairing_s
        tally.wrong += _wrong_tolerances(run, case)
        _add(tally, run)
    return tally


def _play(case: Case, seconds: float, rng: random.Random) -> tuple[Run, float]:
    faults = {
        "stamp_jitter_ms": case.jitter_ms,
        "arrival_jitter_ms": case.jitter_ms,
        "loss": 0.05,
        "swap": 0.01,
        "freeze_every_s": 60.0,
    }
    ir_latency_ms, vis_latency_ms = rng.choice([(5, 5), (5, 120), (60, 10)])
    ir = arrivals(Camera(case.ir_fps, case.ppm, latency_ms=ir_latency_ms, **faults), seconds, rng)
    camera = Camera(case.vis_fps, latency_ms=vis_latency_ms, **faults)
    vis = arrivals(camera, seconds, rng, phase_ms=rng.uniform(0, 100))
    offset_ns = rng.randrange(-50, 50) * MS if case.own_clock else 0
    ppm = case.ppm if case.own_clock else 0
    # The line is in terms of the infrared clock itself.
    line = OffsetLine(offset_ns, ppm / (1 + ppm * 1e-6), START_NS + offset_ns)
    pairer = LivePairer(PairingRules(ir_offset_ns=line))
    begun_s = time.process_time()
    run = play(pairer, ir, vis, offset_ns, ppm)
    return run, time.process_time() - begun_s


def _wrong_tolerances(run: Run, case: Case) -> list[str]:
    """The tolerance is measured; once it had time for that it has to be near to its theory."""
    theory_ns = TOLERANCE * 1e9 / max(case.ir_fps, case.vis_fps)
    spread = 1.1 if case.jitter_ms < 5 else 2.0
    return [
        f"pair {pair.rank}: tolerance {pair.tolerance_ns} ns, in theory {theory_ns:.0f} ns"
        for pair in run.pairs
        if pair.at_ns > START_NS + 10_000 * MS
        and not theory_ns / spread <= pair.tolerance_ns <= theory_ns * spread
    ]


def _add(tally: Tally, run: Run) -> None:
    verdict = judge_nearest(run, shortest_hold_ns=100 * MS)
    tally.pairs += verdict.pairs
    tally.alone += len(run.alone)
    tally.out_of_step += sum(a.state is PairingState.OUT_OF_STEP for a in run.alone)
    tally.wrong += verdict.wrong
    tally.missed += len(verdict.missed)
    tally.overdue += len(run.overdue)
    tally.unaccounted += run.unaccounted
    for sensor in Sensor:
        for fate in run.fates[sensor]:
            tally.frames += 1
            tally.stuck += fate.left_ns < 0
            if fate.dropped is not None:
                tally.dropped[fate.dropped] = tally.dropped.get(fate.dropped, 0) + 1


def run_all(pairs: int, seed: int) -> Iterator[tuple[Case, Tally]]:
    """Every case with an equal share of the pairs."""
    share = -(-pairs // len(CASES))
    for case in CASES:
        yield case, run_case(case, share, seed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000, help="in total, over all cases")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(
        "case | frames | pairs | alone | out of step | wrong | missed | too late | lost count | "
        "stuck | us per frame"
    )
    frames = pairs = 0
    flawless = True
    for case, tally in run_all(arguments.pairs, arguments.seed):
        frames, pairs = frames + tally.frames, pairs + tally.pairs
        flawless = flawless and tally.flawless
        counts = (tally.frames, tally.pairs, tally.alone, tally.out_of_step, len(tally.wrong))
        faults = (tally.missed, tally.overdue, tally.unaccounted, tally.stuck)
        cost_us = tally.pairing_s / tally.frames * 1e6
        print(" | ".join(map(str, (case, *counts, *faults, f"{cost_us:.1f}"))), flush=True)
        for words in tally.wrong[:5]:
            print(f"  {words}")
    print(f"{frames} frames, {pairs} pairs: {'no fault' if flawless else 'FAULTS'}")
    return 0 if flawless else 1


if __name__ == "__main__":
    sys.exit(main())
