"""``fusion-rt engine compare``: whether two engines show the same picture, and which is faster."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from engines.base import Engine, check_size
from engines.parity import LIMITS, Parity, judge
from engines.parity_measure import fused_pictures, measure
from engines.parity_pairs import Pair, parity_pairs
from engines.registry import open_engine

from .. import __version__
from ..collisions import check_outputs
from ..errors import UsageError
from ..machine import describe_machine
from ..quality.picture_file import check_suffix, encode
from ..quality.sheet import Sheet, even_choice
from ..report import describe_engine, write_json
from ..sinks.text import check_writable, write_bytes
from ..terminal import engine_facts, print_facts, progress_bar, say
from .engine_pairs import choose_files, read_pairs
from .engine_spec import EngineSpec, parse_spec

ROUNDS = 12
_GAIN = 16  # one grey level of difference shows as 16
_CELL_PX = 480  # of the sheet: a smaller picture of a difference must not lose single pixels


@dataclass(frozen=True)
class CompareRequest:
    """What to compare.

    Attributes:
        a: engine, see `engine_spec.parse_spec`.
        b: engine that it is compared with.
        size_wh: width and height in px; None for that of the pictures, 640x480 without them.
        ir: infrared picture, or a folder of them; None for the fixed pairs.
        vis: visible picture, or a folder of them; None for the fixed pairs.
        sheet: file for the pictures and their difference, PNG; None for none.
        json: file for the figures; None for none.
    """

    a: str
    b: str
    size_wh: tuple[int, int] | None = None
    ir: Path | None = None
    vis: Path | None = None
    sheet: Path | None = None
    json: Path | None = None


@dataclass(frozen=True)
class Speed:
    """Times of two engines that took turns.

    Attributes:
        a_ms: of each round, a pair.
        b_ms: likewise.
    """

    a_ms: tuple[float, ...]
    b_ms: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """How many times faster a is than b, in each round."""
        return tuple(b / a for a, b in zip(self.a_ms, self.b_ms, strict=True))

    def as_data(self) -> dict[str, Any]:
        """Median and spread of each."""
        rows = {"a_ms": self.a_ms, "b_ms": self.b_ms, "times_faster": self.ratios}
        return {
            "rounds": len(self.a_ms),
            **{
                key: {
                    "median": round(median(row), 3),
                    "min": round(min(row), 3),
                    "max": round(max(row), 3),
                }
                for key, row in rows.items()
            },
        }


def compare(request: CompareRequest) -> int:
    """Compare, print the figures and the verdict, and write what was asked for.

    Neither engine needs to have passed the comparison with the reference: this is the way to look
    at one that did not.

    Returns:
        Exit code: 0, or 1 when the pictures are further apart than the coarser of the two
        precisions may be.

    Raises:
        FusionError, EngineError: in words.
    """
    a, b = parse_spec(request.a), parse_spec(request.b)
    if request.sheet is not None:
        check_suffix("--sheet", request.sheet, (".png",))
    names, pairs, size_wh = _pairs(request)
    for path in (request.sheet, request.json):
        if path is not None:
            check_writable(path)
    with ExitStack() as stack:
        one, other = (stack.enter_context(_open(spec, size_wh)) for spec in (a, b))
        with progress_bar("fusing", 2 * len(pairs)) as bar:
            pictures: list[list[np.ndarray]] = [[], []]
            for pair in pairs:
                for engine, kept in zip((one, other), pictures, strict=True):
                    kept += fused_pictures(engine, [pair])
                    bar.advance(engine.info.name)
        described = [describe_engine(engine.info) for engine in (one, other)]
        parity = measure(pictures[0], pictures[1], pairs, named=str(b))
        precision = _coarser(one.info.precision, other.info.precision)
        speed = _race(one, other, pairs)
    reason = judge(parity, precision)
    limits = f"{precision} must reach {LIMITS[precision]}"
    verdict = reason or f"the same picture; {limits}"
    _show(request, described, parity, speed, verdict)
    if request.sheet is not None:
        sheet = _sheet((a, b), names, pairs, pictures)
        write_bytes(request.sheet, encode(sheet, request.sheet.suffix))
    if request.json is not None:
        data = {
            "fusion_rt": __version__,
            "a": described[0],
            "b": described[1],
            "size": list(size_wh),
            "pictures": "fixed pairs" if request.ir is None else list(names),
            "parity": parity.as_data(),
            "limit": precision,
            "refused": reason,
            "speed": speed.as_data(),
            "machine": describe_machine(),
        }
        write_json(request.json, data)
    return int(reason is not None)


def _pairs(request: CompareRequest) -> tuple[Sequence[str], list[Pair], tuple[int, int]]:
    """Names and pairs, all of one size."""
    if (request.ir is None) != (request.vis is None):
        raise UsageError(
            "only one of --ir and --vis was given", hint="give both, or neither for drawn pairs"
        )
    if request.size_wh is not None:
        check_size(request.size_wh)
    if request.ir is None or request.vis is None:
        size_wh = request.size_wh or (640, 480)
        pairs = parity_pairs(size_wh)
        return [f"drawn pair {index}" for index in range(1, len(pairs) + 1)], pairs, size_wh
    files = choose_files(request.ir, request.vis)
    outputs = (request.sheet, request.json)
    check_outputs((), (path for pair in files for path in pair), outputs)
    pairs = read_pairs(files, request.size_wh)
    height, width = pairs[0][0].shape
    check_size((width, height))
    return [vis.stem for _, vis in files], pairs, (width, height)


def _open(spec: EngineSpec, size_wh: tuple[int, int]) -> Engine:
    return open_engine(spec.engine, spec.model, size_wh, spec.precision, report=say, check=False)


def _coarser(one: str, other: str) -> str:
    return min(one, other, key=lambda precision: LIMITS[precision].psnr_db)


def _race(one: Engine, other: Engine, pairs: list[Pair]) -> Speed:
    """Both fuse the same pair in each round; who begins changes, as the second finds it cached."""
    times: dict[Engine, list[float]] = {one: [], other: []}
    with progress_bar("timing", ROUNDS) as bar:
        for index in range(ROUNDS):
            pair = pairs[index % len(pairs)]
            for engine in (one, other) if index % 2 else (other, one):
                begun = time.perf_counter()
                engine.fuse(*pair)
                times[engine].append((time.perf_counter() - begun) * 1e3)
            bar.advance()
    return Speed(tuple(times[one]), tuple(times[other]))


def _show(
    request: CompareRequest,
    described: list[dict[str, Any] | None],
    parity: Parity,
    speed: Speed,
    verdict: str,
) -> None:
    psnr = "equal" if math.isinf(parity.psnr_db) else f"{parity.psnr_db:.1f} dB"
    mean = "equal" if math.isinf(parity.mean_db) else f"{parity.mean_db:.1f} dB"
    times = speed.as_data()
    ratio = times["times_faster"]
    facts = [("A " + name if name else name, line) for name, line in engine_facts(described[0])]
    facts += [("B " + name if name else name, line) for name, line in engine_facts(described[1])]
    facts += [
        ("PSNR", f"{psnr} on the worst of {parity.pairs} pairs, {mean} over all"),
        ("difference", f"at most {parity.p9999} grey levels at 99.99 %, {parity.worst} at worst"),
        ("time", f"A {times['a_ms']['median']:.1f} ms, B {times['b_ms']['median']:.1f} ms a pair"),
        (
            "speed",
            f"A is {ratio['median']:.2f} times as fast as B ({ratio['min']:.2f} to "
            f"{ratio['max']:.2f} in {times['rounds']} rounds that took turns)",
        ),
        ("verdict", verdict),
    ]
    written = [path for path in (request.sheet, request.json) if path is not None]
    print_facts(facts + [("written", str(path)) for path in written])


def _sheet(
    specs: tuple[EngineSpec, EngineSpec],
    names: Sequence[str],
    pairs: list[Pair],
    pictures: list[list[np.ndarray]],
) -> np.ndarray:
    sheet = Sheet(["infrared", "visible", *map(str, specs), f"difference x{_GAIN}"])
    for index in even_choice(len(pairs)):
        one, other = pictures[0][index], pictures[1][index]
        row = [*pairs[index], one, other, enlarged_difference(one, other)]
        sheet.add(names[index], row)
    return sheet.picture()


def enlarged_difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Absolute difference times 16, saturated, made to survive the sheet's smaller size.

    Args:
        one: (H, W, 3) uint8.
        other: likewise.

    Returns:
        (H, W, 3) uint8; each pixel shows the largest difference of as many around it as fall
        into one pixel of the sheet.
    """
    difference = cv2.convertScaleAbs(cv2.absdiff(one, other), alpha=_GAIN)
    side = math.ceil(max(one.shape[:2]) / _CELL_PX)
    return cv2.dilate(difference, np.ones((side, side), np.uint8))
