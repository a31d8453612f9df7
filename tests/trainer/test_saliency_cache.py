from __future__ import annotations

import numpy as np
import pytest

from trainer import saliency_cache
from trainer.saliency_cache import SaliencyCache, by_level, content_hash


@pytest.fixture
def ir():
    ir = np.random.default_rng(0).integers(20, 60, (40, 56), np.uint8)
    ir[10:24, 20:28] = 240
    return ir


def test_second_look_reads_the_first_one(ir, tmp_path, monkeypatch):
    first = SaliencyCache(tmp_path / "maps").get(ir)
    assert first.shape == ir.shape
    assert first.dtype == np.float32

    def never(plane):
        raise AssertionError("computed again")

    monkeypatch.setattr(saliency_cache, "saliency", never)
    np.testing.assert_array_equal(SaliencyCache(tmp_path / "maps").get(ir.copy()), first)
    assert [path.suffix for path in (tmp_path / "maps").iterdir()] == [".npy"]


def test_large_picture_is_computed_small_and_given_back_large(tmp_path, monkeypatch):
    seen = []

    def note(plane):
        seen.append(tuple(plane.shape))
        return plane

    monkeypatch.setattr(saliency_cache, "saliency", note)
    ir = np.full((288, 400), 51, np.uint8)
    found = SaliencyCache(tmp_path).get(ir)
    assert seen == [(72, 100)]
    np.testing.assert_allclose(found, np.full(ir.shape, 0.2, np.float32), atol=1e-3)


def test_hash_depends_on_pixels_and_shape(ir):
    other = ir.copy()
    other[0, 0] += 1
    reshaped = ir.reshape(56, 40)
    assert len({content_hash(picture) for picture in (ir, other, reshaped)}) == 3


def test_levels_have_the_edges_of_the_picture(ir):
    blurred = np.zeros(ir.shape, np.float32)
    blurred[8:26, 18:30] = 0.3  # reaches 2 px beyond the warm block
    found = by_level(ir, blurred)
    assert found.dtype == np.float32
    warm = ir == 240
    assert found[warm].min() == pytest.approx(0.3)
    assert found[~warm].max() < 0.1


def test_warmer_is_never_less_salient(ir):
    rng = np.random.default_rng(1)
    found = by_level(ir, rng.random(ir.shape).astype(np.float32))
    order = np.argsort(ir, axis=None)
    assert (np.diff(found.ravel()[order]) >= 0).all()


def test_picture_of_one_level_gets_its_mean():
    saliency = np.linspace(0, 0.4, 64, dtype=np.float32).reshape(8, 8)
    found = by_level(np.full((8, 8), 77, np.uint8), saliency)
    np.testing.assert_allclose(found, np.full((8, 8), 0.2), atol=1e-6)
