"""Drift estimation on real pairs: known warps, unmoved scenes, and what it costs.

``python benchmarks/drift.py known PAIRS`` warps the infrared of each pair of ``PAIRS/ir`` and
``PAIRS/vis`` by a random similarity and asks for it back, from single pairs and from 20. Pairs are
seldom aligned to the last px themselves, so the error is given twice: against the warp, and
against the warp on top of what is found on the unwarped pairs.

``python benchmarks/drift.py unmoved PAIRS --frames 10000`` shows unmoved scenes, with noise and
changes of light, and counts how often a correction would be made. With ``--own`` what the data set
itself is off by is found on every second pair first, and taken from the others, which are shown.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from calibration.online import DriftPolicy, Evidence, estimate
from calibration.online.meter import five_places

Pairs = list[tuple[np.ndarray, np.ndarray]]


def load_pairs(folder: Path) -> Pairs:
    """All pairs of a folder in the size of its first one, which aggregation needs."""
    pairs: Pairs = []
    for path in sorted((folder / "vis").iterdir()):
        vis = cv2.imread(str(path), cv2.IMREAD_COLOR)
        ir = cv2.imread(str(folder / "ir" / path.name), cv2.IMREAD_GRAYSCALE)
        if vis is None or ir is None:
            raise SystemExit(f"{path.name} is no pair of pictures")
        size_wh = pairs[0][1].shape[1::-1] if pairs else vis.shape[1::-1]
        ir, vis = (cv2.resize(each, size_wh, interpolation=cv2.INTER_AREA) for each in (ir, vis))
        pairs.append((ir, vis))
    return pairs


def random_similarity(rng: np.random.Generator, px: float, size_wh: tuple[int, int]) -> np.ndarray:
    """Shifts up to ``px`` each way, turns up to 0.1 degree and scales up to 0.2 % for each px."""
    turn, scale = np.deg2rad(rng.uniform(-0.1, 0.1) * px), 1 + rng.uniform(-0.002, 0.002) * px
    S = np.eye(3)
    S[:2, :2] = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    centre = np.array(size_wh) / 2 - 0.5
    S[:2, 2] = centre + rng.uniform(-px, px, 2) - S[:2, :2] @ centre
    return S


def misplaced(ir: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The infrared picture laid so that ``truth`` is the correction it wants."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(
        ir, truth[:2], ir.shape[1::-1], flags=flags, borderMode=cv2.BORDER_REFLECT
    )


def error_px(found: np.ndarray, truth: np.ndarray, size_wh: tuple[int, int]) -> float:
    """Mean distance at five places."""
    places = np.column_stack([five_places(size_wh), np.ones(5)])
    return float(np.hypot(*((found - truth) @ places.T)[:2]).mean())


def together(pairs: Pairs, truth: np.ndarray) -> np.ndarray:
    """What all of the pairs say, each laid so that it wants ``truth``."""
    evidence = Evidence()
    for ir, vis in pairs:
        evidence.add(misplaced(ir, truth), vis)
    known = evidence.together
    return np.full((3, 3), np.nan) if known is None else known.estimate.similarity


def known_warps(pairs: Pairs, px: float, count: int, trials: int, seed: int) -> dict[str, Any]:
    """Errors of ``count`` pairs together, over ``trials`` warps."""
    rng = np.random.default_rng(seed)
    size_wh = pairs[0][1].shape[1], pairs[0][1].shape[0]
    against_warp, against_own = [], []
    for _ in range(trials):
        truth = random_similarity(rng, px, size_wh)
        some = [pairs[k] for k in rng.choice(len(pairs), min(count, len(pairs)), replace=False)]
        found, own = together(some, truth), together(some, np.eye(3))
        against_warp.append(error_px(found, truth, size_wh))
        against_own.append(error_px(found, own @ truth, size_wh))
    return {
        "known": float(np.isfinite(against_warp).mean()),
        "against_warp_px": np.nanpercentile(against_warp, (50, 90)).round(2).tolist(),
        "against_own_px": np.nanpercentile(against_own, (50, 90)).round(2).tolist(),
    }


def unmoved(pairs: Pairs, frames: int, still: int, seed: int) -> dict[str, Any]:
    """Show unmoved scenes and count corrections.

    Args:
        pairs: to take from, one after the other in random order.
        frames: how many to show in all.
        still: for how many each pair stays, with other noise and light each time.
        seed: of order, noise and light.
    """
    rng = np.random.default_rng(seed)
    policy, evidence = DriftPolicy(), Evidence()
    size_wh = pairs[0][1].shape[1], pairs[0][1].shape[0]
    asked: list[float] = []
    counted, shown = 0, 0
    while shown < frames:
        ir, vis = pairs[int(rng.integers(len(pairs)))]
        for _ in range(still):
            noisy_ir, noisy_vis = (_noisy(each, rng) for each in (ir, vis))
            evidence.add(noisy_ir, noisy_vis)
            shown += 1
            known = evidence.together
            if known is None:
                continue
            counted += 1
            decision = policy.decide(known, known.estimate.similarity, size_wh)
            if decision.correction is not None:
                asked.append(known.off_px)
                evidence.clear()  # as after a correction
    return {
        "frames": shown,
        "decided": counted,
        "corrections": len(asked),
        "off_px": np.round(asked, 1).tolist(),
    }


def own_taken_back(pairs: Pairs) -> Pairs:
    """Every second pair, less what the others say that all are off by."""
    others = pairs[::2]
    own = np.mean([together(others[k : k + 20], np.eye(3)) for k in range(0, len(others), 20)], 0)
    print(f"  own: {np.round(own, 4).tolist()}")
    return [(misplaced(ir, np.linalg.inv(own)), vis) for ir, vis in pairs[1::2]]


def costs(pairs: Pairs, repeats: int = 20) -> dict[str, float]:
    """Processor time in ms of a single estimate and of one more pair among 20."""
    single, more = [], []
    evidence = Evidence()
    for index in range(repeats + 3):
        ir, vis = pairs[index % len(pairs)]
        begun = time.thread_time_ns()
        estimate(ir, vis)
        middle = time.thread_time_ns()
        evidence.add(ir, vis)
        _ = evidence.together
        if index >= 3:
            single.append((middle - begun) / 1e6)
            more.append((time.thread_time_ns() - middle) / 1e6)
    return {
        "single_p50_ms": round(float(np.median(single)), 1),
        "in_evidence_p50_ms": round(float(np.median(more)), 1),
        "in_evidence_p95_ms": round(float(np.percentile(more, 95)), 1),
        "share_of_a_core_at_2_hz": round(float(np.mean(more)) * 2 / 1e3, 3),
    }


def _noisy(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noise = cv2.randn(np.empty(picture.shape, np.int16), 0, float(rng.uniform(0.5, 4)))
    lit = picture.astype(np.float32) * rng.uniform(0.8, 1.1) + noise
    return np.clip(lit, 0, 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["known", "unmoved", "costs"])
    parser.add_argument("pairs", type=Path, nargs="+", help="folders with ir/ and vis/")
    parser.add_argument("--px", type=float, default=10.0)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--frames", type=int, default=1000)
    parser.add_argument("--still", type=int, default=1)
    parser.add_argument("--own", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    for folder in args.pairs:
        pairs = load_pairs(folder)
        print(f"{folder.name}: {len(pairs)} pairs, {pairs[0][1].shape[1]}x{pairs[0][1].shape[0]}")
        if args.what == "known":
            for count in (1, 20):
                found = known_warps(pairs, args.px, count, args.trials, args.seed)
                print(f"  {count:2d} pairs: {found}")
        elif args.what == "unmoved":
            pairs = own_taken_back(pairs) if args.own else pairs
            print(f"  {unmoved(pairs, args.frames, args.still, args.seed)}")
        else:
            print(f"  {costs(pairs)}")


if __name__ == "__main__":
    main()
