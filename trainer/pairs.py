"""Training pairs: which files, how often, and what is in them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar

import numpy as np

from engines.contract import BT601_BGR
from trainer.errors import DataError
from trainer.layouts import ACCEPTED, PairFiles, find_pairs
from trainer.manifest import SUFFIXES as MANIFEST_SUFFIXES
from trainer.manifest import read_manifest
from trainer.picture_file import decode_ir, decode_vis, read_file
from trainer.saliency import PATCH_SHORT_SIDE
from trainer.settings import DataEntry
from trainer.words import counted

# Salience looks at pictures reduced to this side; in smaller ones its filter would span more of
# the picture, and cuts would be little but enlarged pixels.
MIN_SIDE = PATCH_SHORT_SIDE

PairHash: TypeAlias = tuple[bytes, bytes]  # SHA-256 of the infrared file and of the visible one
Item = TypeVar("Item")


class Part(NamedTuple):
    """The pairs of one data entry.

    Attributes:
        path: folder or manifest.
        layout: see `trainer.layouts`.
        weight: of each pair.
        pairs: files.
        alone: what is left out for want of a partner, in words; empty where nothing is.
    """

    path: Path
    layout: str
    weight: float
    pairs: list[PairFiles]
    alone: str = ""

    def told(self, use: str) -> list[str]:
        """Lines on what was found, for ``use``, "training" for instance."""
        lines = [f"{use}: {counted(len(self.pairs), 'pair')} in {self.path} ({self.layout})"]
        return lines + ([f"left out of {self.path}: {self.alone}"] if self.alone else [])


def find_parts(entries: Sequence[DataEntry]) -> list[Part]:
    """The pairs of each entry: a folder of a known layout, or a manifest.

    Raises:
        DataError: there is none, or an entry is neither.
    """
    if not entries:
        raise DataError(
            "there is no training data: the setting 'data' is empty",
            hint="list folders under data: in the file, or --set data=DIR; accepted: " + ACCEPTED,
        )
    parts = []
    for entry in entries:
        if entry.path.suffix.lower() in MANIFEST_SUFFIXES:
            layout, pairs, alone = "manifest", read_manifest(entry.path), ""
        else:
            layout, pairs, alone = find_pairs(entry.path)
        parts.append(Part(entry.path, layout, entry.weight, pairs, alone))
    return parts


class PairContent(NamedTuple):
    """The two files of a pair as they are on the disk."""

    files: PairFiles
    ir: bytes
    vis: bytes

    def hashes(self) -> PairHash:
        """What the files are known by, wherever they lie and whatever they are called."""
        return hashlib.sha256(self.ir).digest(), hashlib.sha256(self.vis).digest()


def data_hash(parts: Sequence[Part], hashes: Mapping[int, PairHash]) -> str:
    """Hash of the pairs in their order: names and content of the files, and their weights.

    Where the files lie does not count.

    Args:
        parts: of one use.
        hashes: of the files, by the number of the pair, counted through all parts.
    """
    digest = hashlib.sha256()
    number = 0
    for part in parts:
        digest.update(f"{part.weight!r} {len(part.pairs)};".encode())
        for pair in part.pairs:
            # Of fixed length: no two lists of files run together to the same bytes.
            for path, content in zip(pair, hashes[number], strict=True):
                digest.update(hashlib.sha256(path.name.encode()).digest() + content)
            number += 1
    return digest.hexdigest()


def check_held_out(
    trained: Sequence[PairFiles],
    trained_hashes: Mapping[int, PairHash],
    judged: Sequence[PairFiles],
    judged_hashes: Mapping[int, PairHash],
) -> None:
    """What is trained on cannot judge: no pair may be in both, under whatever name.

    Args:
        trained: pairs of the training.
        trained_hashes: of their files, by number.
        judged: pairs of the validation.
        judged_hashes: of their files, by number.
    Raises:
        DataError: there are such pairs; one of them is named.
    """
    known = {hashes: number for number, hashes in trained_hashes.items()}
    both = [number for number in range(len(judged)) if judged_hashes[number] in known]
    if both:
        theirs = trained[known[judged_hashes[both[0]]]].ir
        raise DataError(
            f"{len(both)} of {counted(len(judged), 'validation pair')} "
            f"{'is' if len(both) == 1 else 'are'} trained on, for instance "
            f"{judged[both[0]].ir}, which is {theirs}",
            hint="keep them apart; a manifest lists single pairs",
        )


def read_content(files: PairFiles) -> PairContent:
    """The two files of a pair.

    Raises:
        DataError: one cannot be read.
    """
    return PairContent(files, read_file(files.ir), read_file(files.vis))


def decode_colour(content: PairContent) -> tuple[np.ndarray, np.ndarray]:
    """Infrared (H, W) and visible (H, W, 3) BGR, both uint8.

    Raises:
        DataError: as `trainer.picture_file.decode_ir`, or their sizes differ.
    """
    files = content.files
    ir, bgr = decode_ir(files.ir, content.ir), decode_vis(files.vis, content.vis)
    if ir.shape != bgr.shape[:2]:
        raise DataError(
            f"{files.ir} is {ir.shape[1]}x{ir.shape[0]}, but {files.vis} is "
            f"{bgr.shape[1]}x{bgr.shape[0]}",
            hint="training pairs must lie on each other: leave the pair out, in a manifest, or "
            "register it first: fusion-rt fuse --rig RIG --view ir",
        )
    return ir, bgr


def decode_pair(content: PairContent, crop: int = MIN_SIDE) -> tuple[np.ndarray, np.ndarray]:
    """Infrared and visible luma, both (H, W) uint8, large enough to be trained on.

    Args:
        content: of the files.
        crop: side of the squares that are to be cut from it, px.
    Raises:
        DataError: as `decode_colour`, or a side is below ``crop`` or `MIN_SIDE`.
    """
    ir, bgr = decode_colour(content)
    size = f"{content.files.ir} is {ir.shape[1]}x{ir.shape[0]}"
    if min(ir.shape) < MIN_SIDE:
        raise DataError(
            f"{size}, but training pictures need {MIN_SIDE} px a side", hint="remove the pair"
        )
    if min(ir.shape) < crop:
        raise DataError(
            f"{size}, too small for cuts of {crop} px",
            hint="leave smaller pictures out, in a manifest, or set a smaller crop under phases",
        )
    return ir, np.rint(luma(bgr)).astype(np.uint8)


def read_colour(files: PairFiles) -> tuple[np.ndarray, np.ndarray]:
    """`decode_colour` of what is in the files; errors as that and `read_content`."""
    return decode_colour(read_content(files))


def read_pair(files: PairFiles) -> tuple[np.ndarray, np.ndarray]:
    """`decode_pair` of what is in the files; errors as that and `read_content`."""
    return decode_pair(read_content(files))


def chosen(items: Sequence[Item], count: int) -> list[Item]:
    """At most ``count`` of the items, spread evenly over them."""
    count = min(count, len(items))
    return [items[(2 * place + 1) * len(items) // (2 * count)] for place in range(count)]


def luma(bgr: np.ndarray) -> np.ndarray:
    """BT.601 luma of (H, W, 3), same range, (H, W) float32: the one of the deployed graph."""
    return bgr.astype(np.float32) @ np.array(BT601_BGR, np.float32)
