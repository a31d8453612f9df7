"""``fusion-rt demo``: the built-in scene through the whole pipeline, without any camera."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from calibration.rig_file import parse_rig, rig_text

from ..config import Settings
from ..sinks.text import write_text
from ..sources.synthetic import SceneSettings, rig_dict
from ..terminal import say
from .replay import Film, Replay, ReplayRequest, replay


@dataclass(frozen=True)
class DemoRequest:
    """What to show.

    Attributes:
        out: folder for the films, the rig and the report.
        seconds: length of the scene.
        vis_wh: width and height in px of the visible camera.
        settings: of the run.
        window: whether to show a window where there is a display.
    """

    out: Path
    seconds: float
    vis_wh: tuple[int, int]
    settings: Settings
    window: bool


def demo(request: DemoRequest) -> Replay:
    """Play the scene; writes fused.mp4, side_by_side.mp4, rig.yaml and report.json.

    Raises:
        FusionError, EngineError: in words.
    """
    scene = SceneSettings(seconds=request.seconds, vis_wh=request.vis_wh)
    width, height = scene.vis_wh
    uri = f"synthetic:night-street?seconds={scene.seconds:g}&vis_size={width}x{height}"
    rig = parse_rig({"rig": 1, **rig_dict(scene)}, "the built-in scene's rig")
    say(
        f"built-in night street: infrared {scene.ir_wh[0]}x{scene.ir_wh[1]}, visible "
        f"{width}x{height}, {scene.seconds:g} s; the same by hand:\n"
        f"  fusion-rt replay --ir '{uri}' --vis '{uri}' --rig {request.out / 'rig.yaml'}",
    )
    done = replay(
        ReplayRequest(
            ir=uri,
            vis=uri,
            rig=rig,
            settings=request.settings,
            films=(
                Film(request.out / "fused.mp4", "fused"),
                Film(request.out / "side_by_side.mp4", "side-by-side"),
            ),
            report=request.out / "report.json",
            window=request.window,
            label="demo",
        )
    )
    write_text(request.out / "rig.yaml", rig_text(rig))
    return done
