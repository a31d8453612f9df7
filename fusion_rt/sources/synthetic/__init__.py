"""``synthetic:`` -- a night street seen by an infrared and a visible camera, with known truth.

Everything follows from `SceneSettings`: the same settings give the same pictures, frame by frame.
"""

from .settings import SceneSettings, parse_settings
from .source import SyntheticSource, open_synthetic
from .truth import SceneTruth, Target, rig_dict, truth

__all__ = [
    "SceneSettings",
    "SceneTruth",
    "SyntheticSource",
    "Target",
    "open_synthetic",
    "parse_settings",
    "rig_dict",
    "truth",
]
