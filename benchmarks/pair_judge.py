"""Says which pairs of a run were wrong, by going through all frames, not by how a pairer works.

Let H be the hysteresis (a fifth of the faster camera's period) and D the skew of a pair. A frame
was *to be known* for a pair if it came before the pair was made, or came in order within the time
that the pair should have waited: 2 D and half a period from the arrival of its older frame. A pair
of mode ``nearest`` is wrong if

- D is above the tolerance then in force,
- one of its frames was shown before, or a later one of the same camera was, or
- there is a *rival*: a frame that was to be known, could still be shown (neither itself nor a later
  one of its camera was), and is nearer than D - H to either frame of the pair in the place of the
  other.

A frame that was given up counts as a rival all the same, unless it had to go before its partner
came, or was not within the tolerance then in force. So giving up frames does not make other pairs
right. And a pair is *missed* if two frames that came in order are each other's nearest of all,
within the tolerance, and both were given up although they were there together, or one of them
before its longest wait was over.

In the modes with a leader, every frame of the leader has to be shown once, in order. A frame of
the other camera was to be known if it came before the decision, or in order within two fifths of
the leader's period from the arrival of the leader's frame, where that came in order. A pair is
wrong if such a frame is nearer than D - H, unless a later one of its camera was shown before, or if
D is above the tolerance; a leader's frame alone is wrong if such a frame is within the tolerance.

In mode ``nearest`` a frame alone is wrong if the other camera had delivered within the last 100 ms
and the pairer does not say that both are out of step; but one may come alone that was taken while
the other camera was silent for so long, and arrived after its return.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from pair_streams import MS, Fate, Made, Run

from fusion_rt.frame import Sensor
from fusion_rt.ledger import DropReason
from fusion_rt.live_pairing import PairingState

TOLERANCE, HYSTERESIS, SLACK = 0.65, 0.2, 0.5
# Times go through a clock line and back; shares of a period are rounded.
ROUNDING_NS = 4
GIVEN_UP = (DropReason.UNMATCHED, DropReason.SURPLUS)


@dataclass
class Verdict:
    """What was found.

    Attributes:
        pairs: number of pairs judged.
        wrong: the wrong ones, in words.
        missed: pairs that were missed: index of the infrared and of the visible frame.
    """

    pairs: int = 0
    wrong: list[str] = field(default_factory=list)
    missed: list[tuple[int, int]] = field(default_factory=list)


def judge_nearest(run: Run, shortest_hold_ns: int) -> Verdict:
    """Judge every pair of a run in mode ``nearest``.

    Args:
        run: played to its end.
        shortest_hold_ns: no limit for the wait of a frame was below this.
    """
    verdict = Verdict(pairs=len(run.pairs), wrong=list(_wrong_alone(run)))
    times = {sensor: [fate.time_ns for fate in run.fates[sensor]] for sensor in Sensor}
    last = dict.fromkeys(Sensor, -1)
    for pair in run.pairs:
        for problem in _problems(run, times, pair, last):
            verdict.wrong.append(f"pair {pair.rank} ({pair.ir}, {pair.vis}): {problem}")
        last = {Sensor.IR: pair.ir, Sensor.VIS: pair.vis}
    verdict.missed = list(_missed(run, times, shortest_hold_ns))
    return verdict


def judge_leading(run: Run, leader: Sensor, leader_fps: float, fastest_fps: float) -> Verdict:
    """Judge every pair and every single frame of a run in which one camera leads.

    Args:
        run: played to its end.
        leader: the camera that leads.
        leader_fps: its rate.
        fastest_fps: rate of the faster camera.
    """
    other = Sensor.VIS if leader is Sensor.IR else Sensor.IR
    verdict = Verdict(pairs=len(run.pairs))
    fates = run.fates[leader]
    times = [fate.time_ns for fate in run.fates[other]]
    shown = [
        (pair.rank, getattr(pair, leader.value), getattr(pair, other.value), pair.at_ns)
        for pair in run.pairs
    ]
    shown += [(a.rank, a.index, -1, a.at_ns) for a in run.alone if a.sensor is leader]
    tolerances = {pair.rank: pair.tolerance_ns for pair in run.pairs}
    tolerances.update({a.rank: a.tolerance_ns for a in run.alone})
    came = _arrivals(run)[other]
    alone = [a for a in run.alone if a.sensor is other]
    last = newest = -1
    gone = 0
    for rank, index, partner, at_ns in sorted(shown):
        if index <= last:
            verdict.wrong.append(f"{leader.value} frame {index} is out of order, or shown twice")
        last, own = index, fates[index]
        if 0 <= partner < newest:
            verdict.wrong.append(f"{leader.value} frame {index}: the other camera goes back")
        while gone < len(alone) and alone[gone].rank < rank:
            newest = max(newest, alone[gone].index)
            gone += 1
        newest = max(newest, partner)
        known_ns = at_ns - 1  # silence was noticed just before whatever else came then
        if own.in_order and not _silent(came, at_ns):
            known_ns = max(at_ns, own.pushed_ns + round(0.4e9 / leader_fps))
        limit_ns = float(tolerances[rank])
        if partner >= 0:
            skew_ns = abs(times[partner] - own.time_ns)
            if skew_ns > limit_ns + ROUNDING_NS:
                verdict.wrong.append(f"{leader.value} frame {index}: skew above the tolerance")
            limit_ns = skew_ns - 1.1 * HYSTERESIS * 1e9 / fastest_fps
        begin = bisect_right(times, own.time_ns - limit_ns)
        for nearer in range(max(begin, newest), bisect_left(times, own.time_ns + limit_ns)):
            rival = run.fates[other][nearer]
            soon = rival.in_order and rival.pushed_ns <= known_ns
            if (soon or rival.pushed_ns <= min(at_ns, known_ns)) and _is_good(rival, rank):
                verdict.wrong.append(f"{leader.value} frame {index}: {nearer} is nearer")
    lost = [i for i, f in enumerate(fates) if f.dropped in GIVEN_UP or f.left_ns < 0]
    verdict.wrong += [f"{leader.value} frame {index} of the leader was not shown" for index in lost]
    return verdict


def _is_good(frame: Fate, rank: int) -> bool:
    """Whether a frame could be shown then: neither damaged nor shown alone before."""
    return frame.dropped in (None, *GIVEN_UP) and not (frame.alone and frame.shown < rank)


def _wrong_alone(run: Run) -> Iterator[str]:
    came = _arrivals(run)
    stamps = {s: {fate.pushed_ns: fate.time_ns for fate in run.fates[s]} for s in Sensor}
    for alone in run.alone:
        other = Sensor.VIS if alone.sensor is Sensor.IR else Sensor.IR
        if _silent(came[other], alone.at_ns) or alone.state is PairingState.OUT_OF_STEP:
            continue
        back_ns = _return_before(came[other], alone.at_ns)
        time_ns = run.fates[alone.sensor][alone.index].time_ns
        if back_ns is None or time_ns >= stamps[other][back_ns]:
            yield f"{alone.sensor.value} frame {alone.index} alone while the other was there"


def _return_before(came: list[int], at_ns: int) -> int | None:
    """When a camera was heard again after it had last been silent before this moment."""
    for index in range(bisect_right(came, at_ns) - 1, -1, -1):
        if not index or came[index] - came[index - 1] >= 100 * MS:
            return came[index]
    return None


def _arrivals(run: Run) -> dict[Sensor, list[int]]:
    """When each camera was heard; damaged frames are nothing heard."""
    damaged = (DropReason.DUPLICATE, DropReason.CLOCK_JUMP)
    return {
        sensor: sorted(fate.pushed_ns for fate in fates if fate.dropped not in damaged)
        for sensor, fates in run.fates.items()
    }


def _silent(came: list[int], at_ns: int) -> bool:
    """Whether nothing had come for 100 ms before this moment."""
    before = bisect_left(came, at_ns)
    return not before or at_ns - came[before - 1] >= 100 * MS


def _problems(
    run: Run, times: dict[Sensor, list[int]], pair: Made, last: dict[Sensor, int]
) -> Iterator[str]:
    ir, vis = run.fates[Sensor.IR][pair.ir], run.fates[Sensor.VIS][pair.vis]
    skew_ns = abs(vis.time_ns - ir.time_ns)
    if skew_ns > pair.tolerance_ns + ROUNDING_NS:
        yield f"skew {skew_ns} ns above the tolerance {pair.tolerance_ns} ns"
    if pair.ir <= last[Sensor.IR] or pair.vis <= last[Sensor.VIS]:
        yield "out of order, or shown twice"
    period_ns = pair.tolerance_ns / TOLERANCE
    nearer_ns = skew_ns - HYSTERESIS * period_ns - ROUNDING_NS
    if nearer_ns <= 0:
        return
    older = ir if ir.time_ns <= vis.time_ns else vis
    known_ns = max(
        pair.at_ns, older.pushed_ns + 2 * skew_ns + round(SLACK * period_ns) - ROUNDING_NS
    )
    for sensor, own, partner in ((Sensor.IR, pair.ir, vis), (Sensor.VIS, pair.vis, ir)):
        # Pictures never go back: what is older than the last one shown can be no partner.
        begin = max(bisect_left(times[sensor], partner.time_ns - nearer_ns), last[sensor] + 1)
        end = bisect_right(times[sensor], partner.time_ns + nearer_ns)
        for index in range(begin, end):
            if index != own and _is_rival(run.fates[sensor][index], partner, pair, known_ns):
                yield f"{sensor.value} frame {index} is nearer"


def _is_rival(rival: Fate, partner: Fate, pair: Made, known_ns: float) -> bool:
    if 0 <= rival.shown < pair.rank:
        return False
    if rival.pushed_ns > pair.at_ns and not (rival.in_order and rival.pushed_ns <= known_ns):
        return False
    if rival.dropped is None:
        return True
    within = abs(rival.time_ns - partner.time_ns) <= rival.tolerance_ns
    return rival.dropped in GIVEN_UP and rival.left_ns >= partner.pushed_ns and within


def _missed(run: Run, times: dict[Sensor, list[int]], hold_ns: int) -> Iterator[tuple[int, int]]:
    irs, viss = run.fates[Sensor.IR], run.fates[Sensor.VIS]
    for index, ir in enumerate(irs):
        if ir.dropped not in GIVEN_UP or not ir.in_order:
            continue
        nearest = _nearest(times[Sensor.VIS], ir.time_ns)
        vis = viss[nearest]
        if (
            abs(vis.time_ns - ir.time_ns) > min(ir.tolerance_ns, vis.tolerance_ns)
            or vis.dropped not in GIVEN_UP
            or not vis.in_order
            or _nearest(times[Sensor.IR], vis.time_ns) != index
        ):
            continue
        early, late = (ir, vis) if ir.left_ns <= vis.left_ns else (vis, ir)
        if early.left_ns >= late.pushed_ns or early.left_ns - early.pushed_ns < hold_ns:
            yield index, nearest


def _nearest(times: list[int], time_ns: int) -> int:
    index = bisect_left(times, time_ns)
    around = [i for i in (index - 1, index) if 0 <= i < len(times)]
    return min(around, key=lambda i: abs(times[i] - time_ns))
