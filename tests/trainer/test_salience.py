from __future__ import annotations

import numpy as np
import pytest

from trainer.errors import DataError
from trainer.salience import PatchSalience, WholeSalience
from trainer.saliency import learn_patch_filter, patch_saliency
from trainer.saliency_cache import SaliencyCache, by_level


def pictures(count: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (40, 56), np.uint8) for _ in range(count)]


def scene() -> np.ndarray:
    ir = np.random.default_rng(1).integers(55, 66, (60, 84)).astype(np.uint8)
    ir[20:40, 30:40] = 220
    return ir


@pytest.fixture
def cache(tmp_path) -> SaliencyCache:
    return SaliencyCache(tmp_path)


def test_patches_are_judged_by_the_learned_filter(cache):
    salience = PatchSalience(pictures(), cache)
    kernel = learn_patch_filter(pictures())
    np.testing.assert_array_equal(salience.kernel, kernel)
    np.testing.assert_array_equal(salience(scene()), patch_saliency(scene(), kernel))


def test_filter_is_learned_once(cache):
    first = PatchSalience(pictures(), cache)
    (path,) = cache.folder.iterdir()
    np.save(path, first.kernel + 1)
    again = PatchSalience(pictures(), cache)
    np.testing.assert_array_equal(again.kernel, first.kernel + 1)
    assert not np.array_equal(PatchSalience(pictures(2), cache).kernel, again.kernel)


def test_filter_needs_pictures(cache):
    with pytest.raises(DataError) as caught:
        PatchSalience([], cache)
    assert caught.value.hint


def test_whole_picture_is_judged_by_its_map(cache):
    found = WholeSalience(cache)(scene())
    np.testing.assert_array_equal(found, by_level(scene(), cache.get(scene())))


@pytest.mark.parametrize("kind", ["patches", "whole"])
def test_target_is_salient_in_either_way(cache, kind):
    salience = PatchSalience(pictures(), cache) if kind == "patches" else WholeSalience(cache)
    found = salience(scene())
    assert found.shape == (60, 84)
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.max() <= 0.55
    assert found[24:36, 33:37].min() > 2 * found[:, 60:].max()


def test_maps_are_made_beforehand_and_not_twice(cache):
    salience = WholeSalience(cache)
    assert list(salience.prepare(pictures(2), workers=1)) == [True, True]
    assert list(salience.prepare(pictures(3), workers=1)) == [False, False, True]


def test_patches_need_nothing_beforehand(cache):
    salience = PatchSalience(pictures(), cache)
    before = list(cache.folder.iterdir())
    assert list(salience.prepare(pictures(), workers=2)) == [False] * 3
    assert list(cache.folder.iterdir()) == before
