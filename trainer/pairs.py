"""Training pairs: which files, how often, and what is in them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from engines.contract import BT601_BGR
from trainer.errors import DataError
from trainer.layouts import ACCEPTED, PairFiles, find_pairs
from trainer.manifest import SUFFIXES as MANIFEST_SUFFIXES
from trainer.manifest import read_manifest
from trainer.settings import DataEntry


class Part(NamedTuple):
    """The pairs of one data entry."""

    path: Path
    layout: str
    weight: float
    pairs: list[PairFiles]


def find_parts(entries: Sequence[DataEntry]) -> list[Part]:
    """The pairs of each entry: a folder of a known layout, or a manifest.

    Raises:
        DataError: there is none, or an entry is neither.
    """
    if not entries:
        raise DataError(
            "there is no training data: the setting 'data' is empty",
            hint="list folders under data: in the file, or --set 'data=[DIR]'; accepted: "
            + ACCEPTED,
        )
    parts = []
    for entry in entries:
        if entry.path.suffix.lower() in MANIFEST_SUFFIXES:
            layout, pairs = "manifest", read_manifest(entry.path)
        else:
            layout, pairs = find_pairs(entry.path)
        parts.append(Part(entry.path, layout, entry.weight, pairs))
    return parts


def data_hash(parts: Sequence[Part]) -> str:
    """Hash of the pairs in their order: names and content of the files, and their weights.

    Where the files lie does not count.

    Raises:
        DataError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{part.weight!r} {len(part.pairs)};".encode())
        for path in (path for pair in part.pairs for path in pair):
            # Of fixed length: no two lists of files run together to the same bytes.
            for piece in (path.name.encode(), _content(path)):
                digest.update(hashlib.sha256(piece).digest())
    return digest.hexdigest()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise DataError(f"{path} cannot be read: {exc.strerror}", hint="remove the pair") from exc


def read_colour(files: PairFiles) -> tuple[np.ndarray, np.ndarray]:
    """Infrared (H, W) and visible (H, W, 3) BGR, both uint8.

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
    return ir, bgr


def read_pair(files: PairFiles) -> tuple[np.ndarray, np.ndarray]:
    """Infrared and visible luma, both (H, W) uint8; errors as `read_colour`."""
    ir, bgr = read_colour(files)
    return ir, np.rint(luma(bgr)).astype(np.uint8)


def luma(bgr: np.ndarray) -> np.ndarray:
    """BT.601 luma of (H, W, 3), same range, (H, W) float32: the one of the deployed graph."""
    return bgr.astype(np.float32) @ np.array(BT601_BGR, np.float32)
