"""``fusion-rt step-response``: what a hot object that enters a corner does to the far picture."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engines.base import check_size

from ..config import EngineSettings
from ..engine_choice import open_chosen
from ..frame import Sensor
from ..quality.flicker_step import FRAMES, PATCH_PX, StepResponse, step_response
from ..report import describe_engine, write_json
from ..sinks.text import check_writable
from ..sources.synthetic import SceneSettings, SyntheticSource
from ..terminal import engine_facts, print_facts, progress_bar, say


@dataclass(frozen=True)
class StepRequest:
    """What to measure.

    Attributes:
        size_wh: width and height in px of the scene.
        engine: which engine, model and precision.
        json: file for the figures; None for no file.
    """

    size_wh: tuple[int, int]
    engine: EngineSettings
    json: Path | None


def measure_step(request: StepRequest) -> StepResponse:
    """Measure one engine on a still of the built-in scene, print the figures, write them.

    Raises:
        FusionError, EngineError: in words.
    """
    check_size(request.size_wh)
    if request.json is not None:
        check_writable(request.json)
    with (
        progress_bar("fusing", 2 * FRAMES) as bar,
        open_chosen(request.engine, request.size_wh, report=say) as engine,
    ):
        response = step_response(engine.fuse, *_still(request.size_wh), advance=bar.advance)
        described = describe_engine(engine.info)
    print_facts([*engine_facts(described), *_facts(response)])
    if request.json is not None:
        write_json(request.json, {"engine": described, **dataclasses.asdict(response)})
    return response


def _still(size_wh: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Infrared and visible of the built-in scene, lying on each other."""
    scene = SceneSettings(ir_wh=size_wh, vis_wh=size_wh)
    pictures = []
    for sensor in (Sensor.IR, Sensor.VIS):
        with SyntheticSource(scene, sensor) as source:
            frame = source.read()
        assert frame is not None
        pictures.append(frame.image)
    return pictures[0], pictures[1]


def _facts(response: StepResponse) -> list[tuple[str, str]]:
    settled = response.settled_frames
    return [
        ("probe", f"infrared patch of {PATCH_PX}x{PATCH_PX} px at level 255 enters a corner"),
        (
            f"further than {response.far_px} px",
            f"changes by {response.far_worst:.1f} grey levels at worst, "
            f"{response.far_rms:.2f} r.m.s. (0 is best)",
        ),
        (
            "settled",
            f"not within {response.frames} frames"
            if settled is None
            else "at once"
            if settled == 0
            else f"after {settled} frames",
        ),
        ("patch itself", f"mean grey level {response.patch:.0f}"),
    ]
