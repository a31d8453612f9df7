"""What is measured on real pairs after a training: channels that matter, and ranges for INT8.

Both are kept beside the checkpoint that they belong to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import yaml

from engines.contract import IR, VIS, WEIGHT
from trainer.build import Network
from trainer.channels import Planes, fewest_channels, look
from trainer.cuts import test_card
from trainer.deploy import luma_bt601
from trainer.errors import ExportError
from trainer.onnx_deploy import deploy_model
from trainer.pairs import chosen, find_parts, read_colour
from trainer.pruning import prune
from trainer.quantize import measure_ranges
from trainer.reparam import reparameterize
from trainer.screen import Bar, Screen
from trainer.settings import DataEntry
from trainer.whole_file import write_whole
from trainer.words import counted

PAIRS = 48  # drawn evenly; a quarter of them gave the same picture quality
FEWEST = 24  # pairs; fewer do not tell which channels other scenes will need
LARGEST_WH = (640, 480)  # px; of larger pictures the middle is taken
# Flat patches of extreme levels, which pictures hardly show: channels that only they light count.
CARDS = 48
CARD_SIDE = 112  # px, as in training
_SILENT = Screen(shown=False)


@dataclass(frozen=True)
class Calibration:
    """What was measured.

    Attributes:
        pairs: how many pairs were looked at.
        data: SHA-256 of what of them was looked at.
        kept: channels that make a difference, as `trainer.pruning.prune` takes them; empty with
            fewer than `FEWEST` pairs, where all are.
        largest: largest magnitude of each tensor that INT8 files hold in 8 bits.
    """

    pairs: int
    data: str
    kept: dict[str, list[int]]
    largest: dict[str, float]


def calibrate(model: Network, paths: Sequence[Path], screen: Screen = _SILENT) -> Calibration:
    """Run ``model`` over real pairs: which channels matter, and how large its tensors become.

    Args:
        model: training form, in eval mode.
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
    pictures = [(_middle(ir), _middle(vis)) for ir, vis in (read_colour(files) for files in drawn)]
    digest = hashlib.sha256()
    for pair in pictures:
        for picture in pair:
            digest.update(picture.tobytes())
    kept: dict[str, list[int]] = {}
    if len(pictures) < FEWEST:
        few = counted(len(pictures), "pair")
        screen.say(f"channels: all are kept, {few} of at least {FEWEST} cannot tell idle ones")
    else:
        kept = _kept(reparameterize(model), [*map(_planes, pictures), *_cards()], screen)

    def feeds(bar: Bar) -> Iterator[dict[str, np.ndarray]]:
        for ir, vis in pictures:
            weight = np.full(ir.shape, 255, np.uint8)
            yield {IR: ir[None, None], VIS: vis[None], WEIGHT: weight[None, None]}
            bar.advance()

    slim = pruned(model, kept)
    with screen.bar("ranges for INT8", len(pictures)) as bar:
        largest = measure_ranges(*deploy_model(slim), feeds(bar))
    return Calibration(len(pictures), digest.hexdigest(), kept, largest)


def pruned(model: Network, kept: dict[str, list[int]]) -> Network:
    """Deploy form of a network in training form, with the channels in ``kept`` alone.

    Raises:
        ExportError: as of `trainer.reparam.reparameterize` and `trainer.pruning.prune`.
    """
    return prune(reparameterize(model), kept)


def _kept(deploy: Network, pairs: Sequence[Planes], screen: Screen) -> dict[str, list[int]]:
    with screen.bar("what each channel shows", len(pairs)) as bar:
        seen = look(deploy, pairs, bar.advance)
    with screen.bar("layers searched for channels to leave out", len(seen.worth)) as bar:
        kept = fewest_channels(deploy, pairs, seen, bar.advance)
    widths = {layer: len(worth) for layer, worth in seen.worth.items()}
    left_out = sum(widths[layer] - len(channels) for layer, channels in kept.items())
    screen.say(f"channels: {left_out} of {sum(widths.values())} make no difference, left out")
    return kept


def _planes(pair: tuple[np.ndarray, np.ndarray]) -> Planes:
    ir, vis = (torch.from_numpy(np.ascontiguousarray(picture)) for picture in pair)
    return ir[None, None].float() / 255, luma_bt601(vis[None])


def _cards() -> Iterator[Planes]:
    for number in range(CARDS):
        ir, vis_y, _ = test_card(CARD_SIDE, np.random.default_rng(number))
        yield torch.from_numpy(ir)[None, None], torch.from_numpy(vis_y)[None, None]


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
    data = {"checkpoint": checkpoint, **asdict(calibration)}
    text = yaml.safe_dump(data, sort_keys=False, default_flow_style=None)
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
