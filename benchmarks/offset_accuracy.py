"""How well the offset between two clocks is told from motion, how often wrongly, at what cost.

    python benchmarks/offset_accuracy.py [--data FOLDER] [--json F.json]

``--data`` is a folder with ``train/llvip/ir`` and ``vis``: pairs of large pictures of one name.
Without it pictures of random texture are used.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from offset_situations import SITUATIONS, draw
from shaken import NS_PER_S, Camera, seen, shake, textured

from fusion_rt.clock_drift import ClockDrift
from fusion_rt.clock_offset import OffsetEstimator
from fusion_rt.frame import Sensor
from fusion_rt.machine import describe_machine
from fusion_rt.offset_worker import OffsetWorker
from fusion_rt.recorded_offset import motion_of

OFFSETS_MS = (-60, 35, 90, -12, 250, -400)
RATES = ((30, 30), (25, 30), (9, 30), (9, 25))
FALSE_MS = 10.0


def pictures_of(data: Path | None, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of large pictures: infrared, visible."""
    if data is None:
        return [(textured(np.random.default_rng(i)), _other_light(i)) for i in range(count)]
    names = sorted((data / "train" / "llvip" / "ir").glob("*.png"))[:count]
    pairs = []
    for name in names:
        ir = cv2.imread(str(name), cv2.IMREAD_GRAYSCALE)
        vis = cv2.imread(str(data / "train" / "llvip" / "vis" / name.name))
        assert ir is not None, name
        assert vis is not None, name
        pairs.append((ir, vis))
    return pairs


def _other_light(seed: int) -> np.ndarray:
    """The same texture turned dark for light, with other fine detail."""
    rng = np.random.default_rng([seed, 1])
    picture = 0.7 * (255.0 - textured(np.random.default_rng(seed))) + 0.3 * textured(rng)
    return picture.astype(np.uint8)


# 10 ms time constant: light that came in the last 50 ms, each sixth of it weighing the same.
_LAG_BLUR_S = tuple(-0.010 * -np.log(1 - (np.arange(12) + 0.5) / 12))
_EXPOSURE_BLUR_S = tuple(np.linspace(-0.012, 0.012, 5))

# Name, what differs for the infrared camera, what for the visible one, speed in widths per s.
VARIANTS: tuple[tuple[str, dict[str, Any], dict[str, Any], float], ...] = (
    ("shaken by hand", {}, {}, 0.1),
    ("weak shake", {}, {}, 0.02),
    (
        "strong shake, 24 ms exposures",
        {"blur_s": _EXPOSURE_BLUR_S},
        {"blur_s": _EXPOSURE_BLUR_S},
        0.3,
    ),
    ("strong noise", {"noise": 12.0}, {"noise": 12.0}, 0.1),
    ("infrared 160x120", {"wh": (160, 120), "zoom": 0.25}, {}, 0.1),
    ("infrared upside down", {"roll": np.pi}, {}, 0.1),
    ("infrared with a lag of 10 ms", {"blur_s": _LAG_BLUR_S}, {}, 0.1),
)


def on_pictures(data: Path | None, count: int) -> list[dict[str, Any]]:
    """Ten seconds of real pictures shaken, for each variant, rate and offset."""
    pairs = pictures_of(data, 8)
    estimator, rows = OffsetEstimator(), []
    for name, ir_way, vis_way, speed in VARIANTS:
        for rates in RATES:
            errors, claims = [], []
            for k, offset_ms in enumerate(OFFSETS_MS[:count]):
                rng = np.random.default_rng([k, *rates])
                path = shake(rng, speed)
                picture = pairs[int(rng.integers(len(pairs)))]
                tracks = []
                for image, fps, off_ms, way in zip(
                    picture, rates, (offset_ms, 0), (ir_way, vis_way), strict=True
                ):
                    way = dict(way)
                    camera = Camera(
                        fps, off_ms, way.pop("zoom", 1.0), way.pop("roll", 0.0), phase=rng.uniform()
                    )
                    tracks.append(motion_of(seen(image, path, camera, rng, **way)))
                state = estimator.estimate(*tracks)
                if state.offset_ms is not None and state.plus_minus_ms is not None:
                    errors.append(state.offset_ms - offset_ms)
                    claims.append(state.plus_minus_ms)
            rows.append(
                {"variant": name, "ir_fps": rates[0], "vis_fps": rates[1], "windows": count}
                | summary(errors, claims)
            )
            print(rows[-1], flush=True)
    return rows


def summary(errors: list[float], claims: list[float]) -> dict[str, Any]:
    """Errors in ms, and how many were larger than claimed."""
    if not errors:
        return {"sure": 0}
    size = np.abs(errors)
    return {
        "sure": len(errors),
        "mean_ms": round(float(np.mean(errors)), 2),
        "rms_ms": round(float(np.sqrt(np.mean(size**2))), 2),
        "worst_ms": round(float(size.max()), 2),
        "claimed_ms": round(float(np.median(claims)), 1),
        "beyond_claim": int(np.sum(size > claims)),
        "false": int(np.sum(size > FALSE_MS)),
    }


def in_situations(count: int) -> list[dict[str, Any]]:
    """Random motions of every kind, most of which tell nothing."""
    estimator, rows = OffsetEstimator(), []
    for make in SITUATIONS:
        errors, claims = [], []
        for seed in range(count):
            ir, vis, true_ms = draw(make, seed)
            state = estimator.estimate(ir, vis)
            if state.offset_ms is not None and state.plus_minus_ms is not None:
                errors.append(np.inf if true_ms is None else state.offset_ms - true_ms)
                claims.append(state.plus_minus_ms)
        rows.append({"situation": make.__name__, "windows": count} | summary(errors, claims))
        print(rows[-1], flush=True)
    return rows


def of_drift(count: int) -> list[dict[str, Any]]:
    """Rates of clocks from offsets of windows, one each second, with errors of 1 ms."""
    rows = []
    for minutes in (1, 2, 5, 10):
        for ppm in (0.0, 60.0, -300.0):
            offsets, rates = [], []
            for seed in range(count):
                rng = np.random.default_rng([seed, minutes])
                # Windows of ten seconds share most of their motion with the next.
                noise = np.convolve(
                    rng.normal(size=60 * minutes + 10), np.full(10, 0.1**0.5), "same"
                )
                drift = ClockDrift()
                for second in range(60 * minutes):
                    stray = rng.uniform(-300, 300) if rng.uniform() < 0.02 else 0.0
                    told_ms = 40 + ppm * 1e-3 * second + noise[second] + stray
                    drift.add(second * NS_PER_S, told_ms, 3.0)
                line = drift.at(60 * minutes * NS_PER_S)
                assert line is not None
                offsets.append(line.offset_ms - 40 - ppm * 1e-3 * 60 * minutes)
                rates.append(line.ppm - ppm)
            rows.append(
                {
                    "minutes": minutes,
                    "ppm": ppm,
                    "offset_p95_ms": round(float(np.percentile(np.abs(offsets), 95)), 2),
                    "ppm_rms": round(float(np.sqrt(np.mean(np.square(rates)))), 1),
                    "ppm_p95": round(float(np.percentile(np.abs(rates), 95)), 1),
                }
            )
            print(rows[-1], flush=True)
    return rows


def of_cost(data: Path | None, seconds: float = 20.0) -> dict[str, Any]:
    """Processor time of the thread while two cameras of 30 frames/s at 640x480 run."""
    ir, vis = pictures_of(data, 1)[0]
    rng = np.random.default_rng(0)
    path = shake(rng)
    loops = {
        Sensor.IR: list(seen(ir, path, Camera(), rng, 4.0)),
        Sensor.VIS: list(seen(vis, path, Camera(), rng, 4.0)),
    }
    used: list[int] = []

    def thread_time_ns() -> int:
        used.append(time.thread_time_ns())
        return used[-1]

    worker = OffsetWorker(threading.Event(), cpu_ns=thread_time_ns)
    worker.start()
    begun, offers_s = time.monotonic(), []
    for k in range(int(seconds * 30)):
        stamp_ns = k * NS_PER_S // 30
        for sensor, loop in loops.items():
            frame = replace(loop[k % len(loop)], captured_ns=stamp_ns)
            before = time.perf_counter()
            worker.offer(sensor, frame)
            offers_s.append(time.perf_counter() - before)
        time.sleep(max(0.0, begun + (k + 1) / 30 - time.monotonic()))
    spent_s = time.monotonic() - begun
    worker.close()
    if worker.error is not None:
        raise worker.error
    per_frame = np.diff(used)[::2] / 1e6
    return {
        "share_of_a_core_percent": round(100 * (used[-1] - used[0]) / 1e9 / spent_s, 1),
        "frames_followed": len(per_frame),
        "frames_offered": len(offers_s),
        "ms_per_frame_p50": round(float(np.median(per_frame)), 2),
        "ms_per_frame_p95": round(float(np.percentile(per_frame, 95)), 2),
        "offer_us_p99": round(float(np.percentile(offers_s, 99)) * 1e6, 1),
        "state": worker.state.why,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with train/llvip")
    parser.add_argument("--situations", type=int, default=2000, help="windows of each kind")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    result = {
        "cost": of_cost(arguments.data),
        "pictures": on_pictures(arguments.data, len(OFFSETS_MS)),
        "drift": of_drift(100),
        "situations": in_situations(arguments.situations),
        "machine": describe_machine(),
    }
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
