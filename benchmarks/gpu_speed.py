"""Speed of the engines on an NVIDIA GPU, beside torch and trtexec, and against what it can do.

For each size, model and precision: the engine alone, a whole call, a stream of pairs, the whole
pipeline, live latency, memory, and the least time that the card needs. All cases take turns in
rounds. What fails or is not installed is told in the report; the rest goes on. The report is
written anew after each round.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

from gpu_bench.case import MODELS, PRECISIONS, SIZES, WAYS, Effort, cases_of
from gpu_bench.figures import row_of
from gpu_bench.goals import goals_of
from gpu_bench.measure import Measurer
from gpu_bench.report import NAME, markdown, write_report
from gpu_bench.rounds import Record, run_rounds
from roofline import Rates, Work, count, floor_of

from engines.errors import EngineError
from engines.models import find_model, find_variant
from fusion_rt.errors import FusionError
from fusion_rt.machine import describe_machine
from fusion_rt.terminal import say, say_error

FULL = Effort(rounds=5, seconds=1.0)
QUICK = Effort(rounds=2, seconds=0.3)


def size_of(text: str) -> tuple[int, int]:
    """A size such as "640x480", in px."""
    width, height = text.split("x")
    return int(width), int(height)


def listed(kind: Callable[[str], Any], known: tuple[str, ...] = ()) -> Callable[[str], list[Any]]:
    """Reads what commas separate."""

    def read(text: str) -> list[Any]:
        values = text.split(",")
        for value in values:
            if known and value not in known:
                raise argparse.ArgumentTypeError(f"'{value}' is none of {', '.join(known)}")
        return [kind(value) for value in values]

    return read


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/gpu_speed"), metavar="FOLDER")
    parser.add_argument("--quick", action="store_true", help="640x480 only, two short rounds")
    parser.add_argument("--sizes", type=listed(size_of), help="such as 640x480,1280x720")
    parser.add_argument("--models", type=listed(str), default=list(MODELS))
    parser.add_argument("--precisions", type=listed(str, PRECISIONS), default=list(PRECISIONS))
    parser.add_argument("--ways", type=listed(str, WAYS), default=list(WAYS))
    parser.add_argument("--rounds", type=int, help="turns of each case")
    parser.add_argument("--device", type=int, default=0, help="index of the GPU")
    args = parser.parse_args()
    effort = QUICK if args.quick else FULL
    args.effort = Effort(args.rounds or effort.rounds, effort.seconds)
    args.sizes = args.sizes or (SIZES[:1] if args.quick else SIZES)
    return args


@cache
def work_of(model: str, precision: str, size_wh: tuple[int, int]) -> Work | None:
    """Counted from the file; None, with a line that says why, where it cannot be."""
    try:
        return count(find_variant(find_model(model), precision=precision).path, size_wh)
    except (ImportError, ValueError, EngineError) as error:
        say(f"the work of {model} in {precision} cannot be counted: {error}")
        return None


def result_of(
    records: list[Record], rates: Rates, facts: Mapping[str, Any], *, finished: bool
) -> dict[str, Any]:
    """All that goes into the report."""
    rows = []
    for record in records:
        case = record.case
        work = work_of(case.model, case.precision, case.size_wh)
        row = row_of(record, work, None if work is None else floor_of(work, rates))
        about = {key: facts["gpu"][key] for key in ("gpu", "driver", "cuda_of_driver")}
        rows.append({**about, **row})
    return {
        **facts,
        "finished": finished,
        "rates": {
            "copy_gb_s": None if rates.bytes_per_s is None else rates.bytes_per_s / 1e9,
            "matrix_tflop_s": {kind: rate / 1e12 for kind, rate in rates.flop_per_s.items()},
            "unknown": dict(rates.unknown),
        },
        "goals": [asdict(goal) for goal in goals_of(rows)],
        "rows": rows,
    }


def bench(args: argparse.Namespace, measurer: Measurer) -> int:
    missing = {way: reason for way in args.ways if (reason := measurer.missing(way))}
    for way, reason in missing.items():
        say(f"not measured, {way}: {reason}")
    ways = [way for way in args.ways if way not in missing]
    if not ways:
        say_error("nothing can be measured here", "run it where an NVIDIA GPU and its driver are")
        return 1
    args.out.mkdir(parents=True, exist_ok=True)
    facts = {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "gpu": measurer.describe_gpu(),
        "machine": describe_machine(),
        "rounds": args.effort.rounds,
        "seconds": args.effort.seconds,
        "missing": missing,
    }
    rates = measurer.rates()
    cases = cases_of(ways, args.models, args.precisions, args.sizes)
    records = run_rounds(
        cases,
        args.effort,
        measurer,
        lambda records: write_report(args.out, result_of(records, rates, facts, finished=False)),
    )
    result = result_of(records, rates, facts, finished=True)
    write_report(args.out, result)
    print(markdown(result))
    say(f"written: {args.out / NAME}.json and {args.out / NAME}.md")
    return int(all(record.error for record in records))


def main() -> int:
    args = arguments()
    measurer = Measurer(args.device)
    try:
        return bench(args, measurer)
    except (EngineError, FusionError) as error:
        say_error(str(error), error.hint)
        return 1
    finally:
        measurer.close()


if __name__ == "__main__":
    sys.exit(main())
