"""Ranges for INT8: measured on real pairs, kept beside the checkpoint that they belong to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import yaml

from engines.contract import IR, VIS, WEIGHT
from trainer.build import Network
from trainer.errors import ExportError
from trainer.onnx_deploy import deploy_model
from trainer.pairs import chosen, find_parts, read_colour
from trainer.quantize import measure_ranges
from trainer.screen import Bar, Screen
from trainer.settings import DataEntry
from trainer.whole_file import write_whole

PAIRS = 48  # drawn evenly; a quarter of them gave the same picture quality
LARGEST_WH = (640, 480)  # px; of larger pictures the middle is taken
_SILENT = Screen(shown=False)


@dataclass(frozen=True)
class Calibration:
    """What was measured.

    Attributes:
        pairs: how many pairs were looked at.
        data: SHA-256 of what of them was looked at.
        largest: largest magnitude of each tensor that INT8 files hold in 8 bits.
    """

    pairs: int
    data: str
    largest: dict[str, float]


def calibrate(model: Network, paths: Sequence[Path], screen: Screen = _SILENT) -> Calibration:
    """Run ``model`` over real pairs and see how large its tensors become.

    Args:
        model: training or deploy form, in eval mode.
        paths: folders and manifests of pairs, as `trainer.pairs` reads them.
        screen: shows how far it is.
    Raises:
        DataError: there are no pairs, or one cannot be read.
        ExportError: as `trainer.onnx_deploy.deploy_model`.
    """
    parts = find_parts([DataEntry(path=path) for path in paths])
    for line in [line for part in parts for line in part.told("calibration")]:
        screen.say(line)
    drawn = chosen([files for part in parts for files in part.pairs], PAIRS)
    digest = hashlib.sha256()

    def feeds(bar: Bar) -> Iterator[dict[str, np.ndarray]]:
        for files in drawn:
            ir, vis = (_middle(picture) for picture in read_colour(files))
            for picture in (ir, vis):
                digest.update(picture.tobytes())
            weight = np.full(ir.shape, 255, np.uint8)
            yield {IR: ir[None, None], VIS: vis[None], WEIGHT: weight[None, None]}
            bar.advance()

    with screen.bar("ranges for INT8", len(drawn)) as bar:
        largest = measure_ranges(*deploy_model(model), feeds(bar))
    return Calibration(len(drawn), digest.hexdigest(), largest)


def _middle(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    most_across, most_down = LARGEST_WH
    left, top = max(0, width - most_across) // 2, max(0, height - most_down) // 2
    return picture[top : top + most_down, left : left + most_across]


def save_calibration(path: Path, calibration: Calibration, checkpoint: str) -> None:
    """Keep it for exports without pairs.

    Args:
        path: YAML file.
        calibration: from `calibrate`.
        checkpoint: hash of the checkpoint that it belongs to.
    """
    text = yaml.safe_dump({"checkpoint": checkpoint, **asdict(calibration)}, sort_keys=False)
    write_whole(path, text.encode())


def load_calibration(path: Path, checkpoint: str) -> Calibration:
    """What `save_calibration` kept.

    Raises:
        ExportError: missing, damaged or measured on other weights.
    """
    hint = "calibrate anew: python -m trainer.shipped --calibration PAIRS"
    try:
        kept = yaml.safe_load(path.read_text(encoding="utf-8"))
        belongs = kept.pop("checkpoint")
        calibration = Calibration(**kept)
    except OSError as error:
        raise ExportError(f"{path} cannot be read: {error.strerror}", hint=hint) from error
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, KeyError, TypeError) as error:
        raise ExportError(f"{path} holds no calibration", hint=hint) from error
    if belongs != checkpoint:
        raise ExportError(f"{path} was measured on other weights than the checkpoint's", hint=hint)
    return calibration
