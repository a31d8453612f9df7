"""How well the offset between two clocks is told from motion, how often wrongly, at what cost.

    python benchmarks/offset_accuracy.py [--data FOLDER] [--only PART] [--json F.json]

``--data`` is a folder with ``train/llvip/ir`` and ``vis``: pairs of large pictures of one name.
Without it pictures of random texture are used.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from offset_poor import SCENES, Views
from offset_situations import SITUATIONS, draw
from shaken import NS_PER_S, Camera, measured, only_in, seen, shake, textured

from fusion_rt.clock_offset.drift import ClockDrift, Drift
from fusion_rt.clock_offset.estimate import offset_in_window
from fusion_rt.clock_offset.motion import Steps
from fusion_rt.clock_offset.recorded import motion_of, offset_of_motion
from fusion_rt.clock_offset.worker import OffsetWorker
from fusion_rt.frame import Sensor
from fusion_rt.machine import describe_machine

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


# Time constant of 10 ms: moments of the past that weigh the same, denser the nearer they are.
_LAG_BLUR_S = tuple(0.010 * np.log(1 - (np.arange(12) + 0.5) / 12))
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
    rows: list[dict[str, Any]] = []
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
                # What the infrared sees late is part of the offset that fusion wants to know.
                true_ms = offset_ms - 1e3 * float(np.mean(ir_way.get("blur_s", 0.0)))
                state = offset_in_window(*tracks)
                if state.offset_ms is not None and state.plus_minus_ms is not None:
                    errors.append(state.offset_ms - true_ms)
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
    rows: list[dict[str, Any]] = []
    for make in SITUATIONS:
        errors, claims = [], []
        for seed in range(count):
            ir, vis, true_ms = draw(make, seed)
            state = offset_in_window(ir, vis)
            if state.offset_ms is not None and state.plus_minus_ms is not None:
                errors.append(np.inf if true_ms is None else state.offset_ms - true_ms)
                claims.append(state.plus_minus_ms)
        rows.append({"situation": make.__name__, "windows": count} | summary(errors, claims))
        print(rows[-1], flush=True)
    return rows


def in_poor_scenes(data: Path | None, count: int) -> list[dict[str, Any]]:
    """Pictures that tell no offset, or hardly one."""
    pairs, rows = pictures_of(data, 8), []
    for make in SCENES:
        errors, claims = [], []
        for seed in range(count):
            rng = np.random.default_rng([seed, SCENES.index(make)])
            ir, vis = pairs[int(rng.integers(len(pairs)))]
            poor = make(Views(ir, vis, RATES[seed % len(RATES)], rng))
            state = offset_in_window(motion_of(poor.ir), motion_of(poor.vis))
            if state.offset_ms is not None and state.plus_minus_ms is not None:
                true_ms = poor.offset_ms
                errors.append(np.inf if true_ms is None else state.offset_ms - true_ms)
                claims.append(state.plus_minus_ms)
        rows.append({"scene": make.__name__, "windows": count} | summary(errors, claims))
        print(rows[-1], flush=True)
    return rows


def of_recordings(count: int) -> list[dict[str, Any]]:
    """Recordings by motion alone: of one rig but started apart, and with nothing in common."""
    rows = []
    for seconds, most_apart_s in ((14, 7), (60, 50)):
        errors, claims, false = [], [], 0
        for seed in range(count):
            rng = np.random.default_rng([seed, seconds, 1])
            path, other = shake(rng), shake(rng)
            apart_s = float(rng.uniform(-1, 1) * most_apart_s)
            vis = measured(path, Camera(error=3e-4), rng, seconds)

            def later(times_s: np.ndarray, path: Any = path, by_s: float = apart_s) -> np.ndarray:
                return np.asarray(path(np.asarray(times_s) - by_s))

            ir_camera = Camera(25, phase=0.3, error=3e-4)
            state = offset_of_motion(measured(later, ir_camera, rng, seconds), vis)
            if state.offset_ms is not None and state.plus_minus_ms is not None:
                errors.append(state.offset_ms - 1e3 * apart_s)
                claims.append(state.plus_minus_ms)
            false += offset_of_motion(measured(other, ir_camera, rng, seconds), vis).sure
        row = {"seconds": seconds, "apart_s": most_apart_s, "pairs": count, "unrelated_told": false}
        rows.append(row | summary(errors, claims))
        print(rows[-1], flush=True)
    return rows


def of_skew(count: int) -> list[dict[str, Any]]:
    """Rate of the clocks after five minutes, a window each second, by motion with its errors."""
    rows = []
    for shaken, spans in (("all the time", None), ("10 s in each minute", range(5, 300, 60))):
        for rates in RATES:
            offsets, slopes, beyond = [], [], 0
            for seed in range(count):
                rng = np.random.default_rng([seed, *rates])
                ppm, path = float(rng.uniform(-300, 300)), shake(rng)
                if spans is not None:
                    path = only_in(path, [(begin, begin + 10) for begin in spans], 300)
                ir_camera = Camera(rates[0], 40, jitter_ms=2, loss=0.02, phase=0.3, ppm=ppm)
                ir = measured(path, ir_camera, rng, 300)
                vis = measured(path, Camera(rates[1], jitter_ms=2, loss=0.02), rng, 300)
                line = _followed(ir, vis)
                offsets.append(line.offset_ms - 40 - ppm * 0.3)
                slopes.append(line.ppm - ppm)
                beyond += abs(slopes[-1]) > line.ppm_plus_minus
            rows.append(
                {"shaken": shaken, "ir_fps": rates[0], "vis_fps": rates[1], "runs": count}
                | {
                    "offset_worst_ms": round(float(np.abs(offsets).max()), 2),
                    "ppm_rms": round(float(np.sqrt(np.mean(np.square(slopes)))), 1),
                    "ppm_worst": round(float(np.abs(slopes).max()), 1),
                    "ppm_beyond_claim": beyond,
                }
            )
            print(rows[-1], flush=True)
    return rows


def of_skew_on_pictures(data: Path | None) -> list[dict[str, Any]]:
    """The same from five minutes of pictures, one run for each pair of rates."""
    rows = []
    for k, (rates, ppm) in enumerate(((RATES[0], 60.0), (RATES[2], -120.0))):
        rng = np.random.default_rng(k)
        ir, vis = pictures_of(data, 2)[k]
        path = shake(rng)
        ir_camera = Camera(rates[0], 40, scale=0.5, phase=0.3, ppm=ppm)
        line = _followed(
            motion_of(seen(ir, path, ir_camera, rng, 300, wh=(320, 240))),
            motion_of(seen(vis, path, Camera(rates[1], scale=0.5), rng, 300, wh=(320, 240))),
        )
        rows.append(
            {"ir_fps": rates[0], "vis_fps": rates[1], "ppm": ppm}
            | {
                "offset_error_ms": round(line.offset_ms - 40 - ppm * 0.3, 2),
                "ppm_error": round(line.ppm - ppm, 2),
                "ppm_claimed": round(line.ppm_plus_minus, 1),
            }
        )
        print(rows[-1], flush=True)
    return rows


def _followed(ir: Steps, vis: Steps) -> Drift:
    """The line through the windows of five minutes, as a live run draws it."""
    drift = ClockDrift()
    for second in range(5, 301):
        begin_ns, end_ns = (second - 10) * NS_PER_S, second * NS_PER_S
        state = offset_in_window(ir.between(begin_ns, end_ns), vis.between(begin_ns, end_ns))
        if state.offset_ms is not None and state.plus_minus_ms is not None:
            drift.add(state.at_ns, state.offset_ms, state.plus_minus_ms)
    line = drift.at(300 * NS_PER_S)
    assert line is not None, "no window of five minutes told an offset"
    return line


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
    parts: dict[str, Callable[[argparse.Namespace], Any]] = {
        "cost": lambda given: of_cost(given.data),
        "pictures": lambda given: on_pictures(given.data, len(OFFSETS_MS)),
        "skew": lambda given: of_skew(10),
        "skew-on-pictures": lambda given: of_skew_on_pictures(given.data),
        "recordings": lambda given: of_recordings(60),
        "situations": lambda given: in_situations(given.situations),
        "poor": lambda given: in_poor_scenes(given.data, 12),
    }
    parser.add_argument("--only", choices=parts, help="one part; all of them take half an hour")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    result = {name: measure(given) for name, measure in parts.items() if given.only in (None, name)}
    result["machine"] = describe_machine()
    if given.json is not None:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
