from __future__ import annotations

import hashlib

import numpy as np
import pytest
from training_data import write_pairs

from trainer import pictures
from trainer.layouts import find_pairs
from trainer.pairs import read_pair
from trainer.pictures import PictureStore

BYTES = 3 * 200 * 220  # of one picture


class BrightIsSalient:
    """Stands in for LatLRR."""

    def __call__(self, ir):
        return ir.astype(np.float32) / 255

    def prepare(self, pictures, workers):
        yield from (True for _ in pictures)


@pytest.fixture
def pairs(tmp_path):
    return find_pairs(write_pairs(tmp_path)).pairs


@pytest.mark.parametrize(
    ("memory", "reads"),
    [
        pytest.param(3 * BYTES, 3, id="all-stay"),
        pytest.param(2 * BYTES + 1, 4, id="one-is-read-each-time"),
        pytest.param(0, 6, id="none-stays"),
    ],
)
def test_pictures_stay_as_far_as_memory_goes(pairs, monkeypatch, memory, reads):
    read = []
    real = pictures.read_pair
    monkeypatch.setattr(pictures, "read_pair", lambda files: read.append(files) or real(files))
    store = PictureStore(pairs, BrightIsSalient(), memory)
    first = [store[number] for number in range(3)]
    again = [store[number] for number in range(3)]
    assert len(read) == reads
    assert store.free == memory - BYTES * min(3, memory // BYTES)
    for one, other in zip(first, again, strict=True):
        for plane, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(plane, same)


def test_mask_marks_what_is_salient_in_the_whole_picture(pairs):
    picture = PictureStore(pairs, BrightIsSalient(), 0)[0]
    warm = picture.ir > 200
    assert picture.mask.dtype == np.uint8
    assert picture.mask[warm].min() == 255
    assert picture.mask[~warm].max() == 0


def test_loading_reads_and_hashes_each_picture_once_and_in_order(pairs, monkeypatch):
    read = []
    real = pictures.read_content
    monkeypatch.setattr(pictures, "read_content", lambda files: read.append(files) or real(files))
    store = PictureStore(pairs, BrightIsSalient(), 3 * BYTES)
    assert list(store.load(range(3), workers=1)) == [0, 1, 2]
    for number in range(3):
        np.testing.assert_array_equal(store[number].ir, read_pair(pairs[number])[0])
    assert read == pairs
    wanted = tuple(hashlib.sha256(path.read_bytes()).digest() for path in pairs[1])
    assert store.hashes[1] == wanted
    assert len(store.hashes) == 3
