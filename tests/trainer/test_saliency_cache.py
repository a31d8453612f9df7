from __future__ import annotations

import numpy as np
import pytest

from trainer import saliency_cache
from trainer.errors import DataError, TrainerError
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


def other_pictures(count: int) -> list[np.ndarray]:
    return [np.full((10, 12 + index), 8 * index, np.uint8) for index in range(count)]


def test_filling_tells_of_each_picture_whether_it_was_missing(ir, tmp_path):
    cache = SaliencyCache(tmp_path)
    cache.get(ir)
    pictures = [*other_pictures(2), ir, *other_pictures(1)]
    assert list(cache.fill(iter(pictures))) == [True, True, False, False]
    assert list(cache.fill(pictures)) == [False] * 4


def test_filling_in_several_processes_does_the_same_and_brings_faults_back(ir, tmp_path):
    cache, alone = SaliencyCache(tmp_path / "maps"), SaliencyCache(tmp_path / "alone")
    cache.get(ir)
    broken = np.full((5, 5), np.nan)
    pictures = [*other_pictures(5), ir, broken]
    progress = cache.fill(iter(pictures), workers=2)
    assert [next(progress) for _ in range(6)] == [True] * 5 + [False]
    for picture in pictures[:6]:
        np.testing.assert_array_equal(cache.get(picture), alone.get(picture))
    with pytest.raises(TrainerError, match="not finite") as caught:
        next(progress)
    assert caught.value.hint


def test_filling_reads_ahead_by_no_more_than_it_needs(tmp_path):
    taken = []

    def pictures():
        for picture in other_pictures(30):
            taken.append(picture)
            yield picture

    progress = SaliencyCache(tmp_path).fill(pictures())
    for count in (1, 2, 3):
        assert next(progress)
        assert len(taken) == count


def test_damaged_map_is_named(ir, tmp_path):
    cache = SaliencyCache(tmp_path)
    cache.get(ir)
    (path,) = tmp_path.glob("*.npy")
    for content in (b"", b"not a map", path.read_bytes()[:-5]):
        path.write_bytes(content)
        with pytest.raises(DataError, match=path.name) as caught:
            cache.get(ir)
        assert "delete it" in caught.value.hint


def test_patch_filter_is_learned_once_for_the_same_pictures(ir, tmp_path, monkeypatch):
    learned = []

    def learn(pictures):
        learned.append(len(pictures))
        return np.full((15, 15), float(len(learned)))

    monkeypatch.setattr(saliency_cache, "learn_patch_filter", learn)
    cache = SaliencyCache(tmp_path)
    first = cache.patch_filter([ir, ir[1:]])
    np.testing.assert_array_equal(SaliencyCache(tmp_path).patch_filter([ir, ir[1:]]), first)
    assert cache.patch_filter([ir])[0, 0] == 2
    assert learned == [2, 1]


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
