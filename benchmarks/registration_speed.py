"""What laying two pictures on each other costs: building the map, warping in each form, searching.

    python benchmarks/registration_speed.py [--rounds 15] [--threads 1] [--json OUT.json]

Needs no data: the cameras are made up (infrared f = 770 px at 640x512, visible f = 1250 px at
1280x1024, 5 cm apart, lenses that bend), the pictures are noise, on which a warp takes as long as
on any other. Every figure is the median of the rounds; of the map also its error against the exact
place of every pixel.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from calibration.auto_distance import DistanceSearch
from calibration.camera import Camera
from calibration.rig import CameraPair, Rig
from fusion_rt.registration.builder import AlignmentBuilder
from fusion_rt.registration.map_form import FORMS, as_form, remapped

STILL = np.eye(3)
CASES = {
    "640x512 on 1280x1024": ((640, 512), 770.0, (1280, 1024), 1250.0),
    "640x512 on 640x480": ((640, 512), 770.0, (640, 480), 625.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=1, help="of OpenCV")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    cv2.setNumThreads(args.threads)
    found: dict[str, Any] = {
        "opencv": cv2.__version__,
        "threads": args.threads,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
    for name, (ir_wh, ir_focal, vis_wh, vis_focal) in CASES.items():
        rig = made_up(ir_wh, ir_focal, vis_wh, vis_focal)
        for output in ("vis", "ir"):
            found[f"{name}, fused in {output} px"] = measured(rig, output, args.rounds)
    for name, facts in found.items():
        print(name, facts if not isinstance(facts, dict) else "")
        for key, value in facts.items() if isinstance(facts, dict) else ():
            print(f"    {key:34} {value}")
    if args.json is not None:
        args.json.write_text(json.dumps(found, indent=2) + "\n")


def made_up(
    ir_wh: tuple[int, int], ir_focal: float, vis_wh: tuple[int, int], vis_focal: float
) -> Rig:
    T = np.eye(4)
    T[:3, :3] = cv2.Rodrigues(np.array([0.01, -0.02, 0.015]))[0]
    T[:3, 3] = (-0.05, 0.002, 0.004)
    ir = Camera(ir_wh, intrinsics(ir_wh, ir_focal), np.array([-0.25, 0.08, 3e-4, -2e-4]))
    vis = Camera(vis_wh, intrinsics(vis_wh, vis_focal), np.array([-0.12, 0.03, 1e-4, 2e-4]))
    return Rig(ir_wh, vis_wh, None, CameraPair(ir, vis, T))


def intrinsics(size_wh: tuple[int, int], focal: float) -> np.ndarray:
    width, height = size_wh
    return np.array([[focal, 0, width / 2 - 0.5], [0, focal, height / 2 - 0.5], [0, 0, 1.0]])


def measured(rig: Rig, output: Any, rounds: int) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    ir = rng.integers(0, 256, rig.ir_wh[::-1], np.uint8)
    vis = rng.integers(0, 256, (*rig.vis_wh[::-1], 3), np.uint8)
    warped = ir if output == "vis" else vis
    builder = AlignmentBuilder(rig, output, repeatable=False)
    begun = time.perf_counter()
    now = builder.build(0.2, STILL)
    first_ms = (time.perf_counter() - begun) * 1e3
    distances = iter(np.linspace(0.01, 1.0, rounds + 1))
    turns = iter(np.linspace(1e-4, 1e-2, rounds + 1))
    assert now.pixel_map is not None
    facts: dict[str, Any] = {
        "px between nodes": builder.step,
        "largest error of the map, px": round(worst_error(rig, output, now.pixel_map), 4),
        "chosen form": builder.form,
        "first map, ms": round(first_ms, 1),
        "map of another distance, ms": median_ms(
            lambda: builder.build(float(next(distances)), STILL), rounds
        ),
        "map of another correction, ms": median_ms(
            lambda: builder.build(0.2, turned(float(next(turns)))), rounds
        ),
    }
    for form in FORMS:
        maps = as_form(now.pixel_map, form)
        facts[f"warp, {form}, ms"] = median_ms(lambda maps=maps: remapped(warped, maps), 5 * rounds)
    if output == "ir":
        facts["visible with its margin, ms"] = median_ms(lambda: now.visible(vis, ir), rounds)
    else:
        search = DistanceSearch(rig)
        facts["look for the distance, ms"] = median_ms(
            lambda: search.best(search.scores(ir, vis, STILL)), rounds
        )
    return facts


def turned(angle: float) -> np.ndarray:
    S = np.eye(3)
    S[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return S


def worst_error(rig: Rig, output: str, pixel_map: np.ndarray) -> float:
    height, width = pixel_map.shape[:2]
    xs, ys = np.meshgrid(np.arange(width, dtype=float), np.arange(height, dtype=float))
    px = np.column_stack([xs.ravel(), ys.ravel()])
    exact = (rig.to_ir if output == "vis" else rig.to_vis)(px, 0.2)
    other_wh = np.array(rig.ir_wh if output == "vis" else rig.vis_wh)
    inside = ((exact > -0.5) & (exact < other_wh - 0.5)).all(1)
    return float(np.hypot(*(pixel_map.reshape(-1, 2) - exact)[inside].T).max())


def median_ms(run: Callable[[], object], rounds: int) -> float:
    run()
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return round(statistics.median(times) * 1e3, 3)


if __name__ == "__main__":
    main()
