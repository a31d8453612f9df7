"""Speed of a replay at 640x480: engines, pipeline against bare engine, start-up, memory.

Each part runs in a process of its own, as a user's command does. The two recordings are made from
the built-in scene and encoded as H.264, so that decoding and encoding are part of a replay.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

WH = (640, 480)


def spread(values: list[float]) -> dict[str, float]:
    return {
        "median": round(median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
    }


def make_recordings(folder: Path, wh: tuple[int, int], count: int) -> tuple[Path, Path]:
    """Two MP4 files of the built-in scene, both in one size."""
    import cv2

    from fusion_rt.frame import Sensor
    from fusion_rt.sinks.video import VideoSink
    from fusion_rt.sources.synthetic import SceneSettings, SyntheticSource

    folder.mkdir(parents=True, exist_ok=True)
    scene = SceneSettings(seconds=max(min(count, 120), 3) / 30, ir_wh=wh, vis_wh=wh)
    paths = []
    for sensor in Sensor:
        with SyntheticSource(scene, sensor) as source:
            pictures = [frame.image for frame in iter(source.read, None)]
        if sensor is Sensor.IR:
            pictures = [cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR) for picture in pictures]
        path = folder / f"{sensor.value}.mp4"
        sink = VideoSink(path, wh, fps_hint=30)
        for index in range(count):
            sink.write(pictures[index % len(pictures)], index * 10**9 // 30)
        sink.close()
        paths.append(path)
    return paths[0], paths[1]


def fusion_rt(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "fusion_rt", *map(str, arguments)]


def run(*arguments: object) -> None:
    subprocess.run(fusion_rt(*arguments), check=True, capture_output=True)


def engine_loop(pictures: tuple[list[Any], list[Any]], name: str, precision: str) -> Any:
    """A function that gives the frames/s of the bare engine over 10 calls."""
    from engines.registry import open_engine

    engine = open_engine(name, "bts", WH, precision)
    ir, vis = pictures
    engine.fuse(ir[0], vis[0])

    def once() -> float:
        begun = time.perf_counter()
        for index in range(10):
            engine.fuse(ir[index % len(ir)], vis[index % len(vis)])
        return 10 / (time.perf_counter() - begun)

    return once, engine.info


def compare_engines(pictures: tuple[list[Any], list[Any]], rounds: int) -> dict[str, Any]:
    loops, infos = {}, {}
    for key, name, precision in (
        ("auto", "auto", "auto"),
        ("openvino_fp32", "openvino", "fp32"),
        ("onnxruntime_fp32", "onnxruntime", "fp32"),
        ("classical", "classical", "auto"),
    ):
        loops[key], infos[key] = engine_loop(pictures, name, precision)
    fps: dict[str, list[float]] = {key: [] for key in loops}
    for _ in range(rounds):
        for key, loop in loops.items():
            fps[key].append(loop())
    base = fps["onnxruntime_fp32"]
    return {
        key: {
            "engine": f"{infos[key].name} {infos[key].version} {infos[key].precision}",
            "fps": spread(values),
            "against_onnxruntime_fp32": spread([v / b for v, b in zip(values, base, strict=True)]),
        }
        for key, values in fps.items()
    }


def compare_replay(
    pictures: tuple[list[Any], list[Any]], videos: tuple[Path, Path], folder: Path, rounds: int
) -> dict[str, Any]:
    """The whole command, decoding and encoding included, against the engine in a loop."""
    loop, _ = engine_loop(pictures, "auto", "auto")
    whole, bare = [], []
    for _ in range(rounds):
        before = [loop(), loop()]
        report = folder / "report.json"
        run(
            *("replay", "--ir", videos[0], "--vis", videos[1], "--no-window"),
            *("--out", folder / "fused.mp4", "--report", report),
        )
        whole.append(json.loads(report.read_text())["throughput_fps"])
        # The engine before and after, as the machine may have become busier in between.
        bare.append(median([*before, loop(), loop()]))
    shares = [w / b for w, b in zip(whole, bare, strict=True)]
    return {"replay_fps": spread(whole), "bare_fps": spread(bare), "share": spread(shares)}


def start_up(folder: Path, rounds: int) -> dict[str, float]:
    """A replay of one pair, from the start of the process to its end, in s."""
    ir, vis = make_recordings(folder / "one", WH, 1)
    seconds = []
    for _ in range(rounds):
        begun = time.perf_counter()
        run("replay", "--ir", ir, "--vis", vis, "--no-window", "--out", folder / "one.mp4")
        seconds.append(time.perf_counter() - begun)
    return spread(seconds)


def memory(folder: Path, frames: int) -> dict[str, Any]:
    """Resident memory of a replay of many small frames, in MiB, as it goes on."""
    videos = make_recordings(folder / "long", (128, 96), frames)
    report = folder / "long.json"
    command = fusion_rt(
        *("replay", "--ir", videos[0], "--vis", videos[1], "--no-window"),
        *("--out", folder / "long.mp4", "--report", report),
    )
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    samples = []
    page_mib = 4096 / 2**20
    while process.poll() is None:
        try:
            pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        except (OSError, IndexError):  # it has just ended
            break
        samples.append(pages * page_mib)
        time.sleep(0.25)
    process.wait()
    fused = json.loads(report.read_text())["frames"]["fused"]
    tenth = max(1, len(samples) // 10)
    # The first tenth is start-up; the rest should lie on one level.
    return {
        "frames": fused,
        "mib_after_a_tenth": round(samples[tenth], 1),
        "mib_half_way": round(samples[len(samples) // 2], 1),
        "mib_at_the_end": round(samples[-2], 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=60, help="pairs of a timed replay")
    parser.add_argument("--memory-frames", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    from fusion_rt.frame import Sensor
    from fusion_rt.machine import describe_machine
    from fusion_rt.sources import open_source

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        videos = make_recordings(folder / "timed", WH, arguments.frames)
        read = []
        for path, sensor in zip(videos, Sensor, strict=True):
            with open_source(str(path), sensor) as source:
                frames = [source.read() for _ in range(8)]
            read.append([frame.image for frame in frames if frame is not None])
        pictures = (read[0], read[1])
        result: dict[str, Any] = {"size": list(WH)}
        for key, part in (
            ("engines", lambda: compare_engines(pictures, arguments.rounds)),
            ("replay", lambda: compare_replay(pictures, videos, folder, arguments.rounds)),
            ("one_pair_start_to_end_s", lambda: start_up(folder, arguments.rounds)),
            ("memory", lambda: memory(folder, arguments.memory_frames)),
        ):
            print(f"{key} ...", file=sys.stderr)
            result[key] = part()
            print(json.dumps(result[key], indent=2), file=sys.stderr)
        result["machine"] = describe_machine()
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
