"""Training pairs from folders, cut and varied at random but always the same way for a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from engines.contract import BT601_BGR
from trainer.errors import DataError
from trainer.saliency_cache import SaliencyCache, by_level
from trainer.targets import salient_mask

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}


class PairFiles(NamedTuple):
    """Two files that show the same scene, pixel on pixel."""

    ir: Path
    vis: Path


class Sample(NamedTuple):
    """One cut of a pair; planes are (1, crop, crop) float32 in 0..1."""

    ir: Tensor
    vis_y: Tensor
    mask: Tensor
    name: str


def find_pairs(folders: Sequence[Path]) -> list[PairFiles]:
    """Pairs in ``folder/ir`` and ``folder/vis``, matched by stem, sorted by name.

    Raises:
        DataError: a folder is missing, or a picture has no partner or more than one.
    """
    pairs = []
    for folder in folders:
        ir, vis = _by_stem(folder / "ir"), _by_stem(folder / "vis")
        lonely = sorted(ir.keys() ^ vis.keys())
        if lonely:
            raise DataError(
                f"{len(lonely)} pictures in {folder} have no partner: {', '.join(lonely[:5])}",
                hint="give both files of a pair the same name",
            )
        pairs += [PairFiles(ir[stem], vis[stem]) for stem in sorted(ir)]
    if not pairs:
        raise DataError("there are no training pairs", hint="put them into DIR/ir and DIR/vis")
    return pairs


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder", hint="training data is DIR/ir and DIR/vis")
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES:
            if path.stem in files:
                raise DataError(f"{path} and {files[path.stem]} share a name", hint="remove one")
            files[path.stem] = path
    return files


def data_hash(pairs: Sequence[PairFiles]) -> str:
    """Hash of the pairs in their order: names and content of the files, not where they lie.

    Raises:
        DataError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in (path for pair in pairs for path in pair):
        try:
            content = path.read_bytes()
        except OSError as exc:
            raise DataError(
                f"{path} cannot be read: {exc.strerror}", hint="remove the pair"
            ) from exc
        # Parts of fixed length: no two lists of files run together to the same bytes.
        for part in (path.name.encode(), content):
            digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def read_pair(files: PairFiles) -> tuple[np.ndarray, np.ndarray]:
    """Infrared and visible luma, both (H, W) uint8.

    Raises:
        DataError: a file cannot be read, or their sizes differ.
    """
    ir = cv2.imread(str(files.ir), cv2.IMREAD_GRAYSCALE)
    bgr = cv2.imread(str(files.vis), cv2.IMREAD_COLOR)
    for path, image in ((files.ir, ir), (files.vis, bgr)):
        if image is None:
            raise DataError(f"{path} cannot be read as a picture", hint="remove the pair")
    assert ir is not None
    assert bgr is not None
    if ir.shape != bgr.shape[:2]:
        raise DataError(
            f"{files.ir} is {ir.shape[1]}x{ir.shape[0]}, but {files.vis} is "
            f"{bgr.shape[1]}x{bgr.shape[0]}",
            hint="training pairs must lie on each other",
        )
    luma = bgr.astype(np.float32) @ np.array(BT601_BGR, np.float32)
    return ir, np.rint(luma).astype(np.uint8)


class PairCrops(Dataset[Sample]):
    """Endless random cuts, addressed by number.

    Cut number ``i`` depends on the seed and on ``i`` alone: a training that goes on after a
    stop, or with another number of workers, sees the same pictures.

    Args:
        pairs: see `find_pairs`.
        crop: side of the cut, px.
        cache: where the saliency of the infrared pictures is kept.
        seed: of all random choices.
        length: number of cuts.
    """

    def __init__(
        self, pairs: Sequence[PairFiles], crop: int, cache: SaliencyCache, seed: int, length: int
    ) -> None:
        self.pairs, self.crop, self.cache = list(pairs), crop, cache
        self.seed, self.length = seed, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Sample:
        # Each round through the pairs is a new permutation of them.
        turn, place = divmod(index, len(self.pairs))
        order = np.random.default_rng((self.seed, turn)).permutation(len(self.pairs))
        files = self.pairs[order[place]]
        ir, vis_y = read_pair(files)
        saliency = by_level(ir, self.cache.get(ir))
        mask = salient_mask(torch.from_numpy(saliency)[None, None])[0, 0].numpy()
        rng = np.random.default_rng((self.seed, turn, place))
        planes = _cut([ir, vis_y, mask], self.crop, rng)
        ir, vis_y, mask = (np.ascontiguousarray(plane, dtype=np.float32) for plane in planes)
        ir, vis_y = _vary(ir / 255, vis_y / 255, rng)
        as_plane = [torch.from_numpy(plane)[None] for plane in (ir, vis_y, mask)]
        return Sample(as_plane[0], as_plane[1], as_plane[2], str(files.ir))


def _cut(planes: list[np.ndarray], crop: int, rng: np.random.Generator) -> list[np.ndarray]:
    """The same square of all planes, between 1 and 2 crops wide, reduced to crop, or mirrored."""
    height, width = planes[0].shape
    short = min(height, width)
    side = int(rng.integers(min(crop, short), min(2 * crop, short) + 1))
    top = int(rng.integers(0, height - side + 1))
    left = int(rng.integers(0, width - side + 1))
    flip = rng.random() < 0.5
    cuts = []
    for plane in planes:
        part = plane[top : top + side, left : left + side]
        way = cv2.INTER_AREA if side >= crop else cv2.INTER_LINEAR
        part = cv2.resize(part, (crop, crop), interpolation=way)
        cuts.append(part[:, ::-1] if flip else part)
    return cuts


def _vary(
    ir: np.ndarray, vis_y: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Other gain and offset of the infrared, other exposure of the visible, for every other cut.

    Cameras differ in both, far more than the training pictures do.
    """
    if rng.random() < 0.5:
        ir = np.clip(ir * rng.uniform(0.5, 1.2) + rng.uniform(-0.1, 0.1), 0, 1)
        vis_y = vis_y ** rng.uniform(0.7, 1.8)
    return ir.astype(np.float32), vis_y.astype(np.float32)
