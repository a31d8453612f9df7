from __future__ import annotations

import cv2
import numpy as np
import pytest
from training_data import write_picture

from trainer import cuts
from trainer.cuts import CutMaker, centre_square
from trainer.layouts import find_pairs
from trainer.pictures import Picture, PictureStore


def nothing_salient(ir):
    return np.zeros(ir.shape, np.float32)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Five pairs in which infrared and visible show the same random texture."""
    folder = tmp_path_factory.mktemp("same")
    for number in range(5):
        plane = np.random.default_rng(number).integers(0, 256, (70, 90), np.uint8)
        plane = cv2.GaussianBlur(plane, (0, 0), 2)
        write_picture(folder / "ir" / f"{number}.png", plane)
        write_picture(folder / "vis" / f"{number}.png", np.repeat(plane[..., None], 3, 2))
    return PictureStore(find_pairs(folder).pairs, nothing_salient, 10**9)


def maker(store, seed=1):
    return CutMaker(store, [1.0] * len(store), seed)


def test_cut_keeps_the_pair_aligned(store, monkeypatch):
    monkeypatch.setattr(cuts, "vary", lambda ir, vis_y, rng: (ir, vis_y))
    batch = maker(store).batch(range(10), 48)
    assert batch.ir.shape == batch.vis_y.shape == batch.mask.shape == (10, 1, 48, 48)
    assert float((batch.ir - batch.vis_y).abs().max()) <= 1 / 255
    assert float(batch.ir.std((1, 2, 3)).min()) > 0.01


def test_every_other_cut_is_varied(store):
    batch = maker(store).batch(range(40), 48)
    changed = (batch.ir - batch.vis_y).abs().amax((1, 2, 3)) > 2 / 255
    assert 12 <= int(changed.sum()) <= 28


def test_every_other_cut_is_mirrored(monkeypatch):
    monkeypatch.setattr(cuts, "vary", lambda ir, vis_y, rng: (ir, vis_y))
    ramp = np.tile(np.arange(64, dtype=np.uint8), (64, 1))
    rngs = [np.random.default_rng(seed) for seed in range(40)]
    squares = [cuts.random_square(Picture(ramp, ramp, ramp), 32, rng) for rng in rngs]
    mirrored = sum(planes[0][0, 0] > planes[0][0, -1] for planes in squares)
    assert 12 <= mirrored <= 28
    assert all(np.array_equal(ir, vis) and np.array_equal(ir, mask) for ir, vis, mask in squares)


def test_values_stay_in_range(store):
    for plane in maker(store).batch(range(40), 48)[:3]:
        assert 0 <= float(plane.min()) <= float(plane.max()) <= 1


def test_picture_smaller_than_the_cut_is_enlarged(store):
    assert maker(store).batch([0], 96).ir.shape == (1, 1, 96, 96)


def test_each_round_names_every_pair_once(store):
    names = [maker(store).name(cut) for cut in range(10)]
    assert len(set(names[:5])) == len(set(names[5:])) == 5


def test_cuts_depend_on_seed_and_number_alone(store):
    whole, other = maker(store).batch(range(8), 48), maker(store, seed=2).batch([7], 48)
    alone = maker(store).batch([7], 48)
    assert (alone.ir[0] == whole.ir[7]).all()
    assert not (other.ir[0] == whole.ir[7]).all()
    assert not (whole.ir[2] == whole.ir[7]).all()


def test_middle_of_a_picture_is_taken_pixel_by_pixel():
    plane = np.random.default_rng(1).integers(0, 256, (50, 70), np.uint8)
    ir, vis_y, mask = centre_square(Picture(plane, plane // 5, 255 - plane), 40)
    middle = plane[5:45, 15:55]
    for found, wanted in ((ir, middle), (vis_y, middle // 5), (mask, 255 - middle)):
        np.testing.assert_allclose(found * 255, wanted, atol=1e-4)


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.3, 20, 40), (0.999, 98, 100)])
def test_share_of_test_cards(store, share, least, most):
    made = CutMaker(store, [1.0] * len(store), 1, share).batch(range(100), 24)
    # The pictures have no salient place, a card is salient throughout.
    assert least <= int((made.scene == 0).sum()) <= most


def test_cards_are_flat_patches_of_all_levels():
    rng = np.random.default_rng(1)
    cards = [cuts.test_card(32, rng)[:2] for _ in range(200)]
    levels = [np.unique(plane) for planes in cards for plane in planes]
    assert max(map(len, levels)) <= 4
    shown = np.concatenate(levels)
    assert shown.min() == 0
    assert shown.max() == 1
    assert 0.35 < np.mean((shown == 0) | (shown == 1)) < 0.65


def test_cards_are_told_from_pictures(store):
    cards = CutMaker(store, [1.0] * len(store), 1, 0.3)
    scene = cards.batch(range(40), 24).scene.tolist()
    assert 0 < sum(scene) < 40
    assert [cards.name(cut) == "test card" for cut in range(40)] == [s == 0 for s in scene]
    assert maker(store).batch(range(10), 24).scene.tolist() == [1] * 10


def test_cards_depend_on_seed_and_number_alone(store):
    whole, again, other = (
        CutMaker(store, [1.0] * len(store), seed, 0.999).batch(numbers, 24)
        for seed, numbers in ((1, range(8)), (1, [7]), (2, [7]))
    )
    assert (again.ir[0] == whole.ir[7]).all()
    assert (again.vis_y[0] == whole.vis_y[7]).all()
    assert not (other.ir[0] == whole.ir[7]).all()


def test_pictures_are_cut_the_same_with_and_without_cards(store):
    with_cards = CutMaker(store, [1.0] * len(store), 1, 0.3).batch(range(20), 24)
    without = maker(store).batch(range(20), 24)
    kept = with_cards.scene == 1
    assert 5 < int(kept.sum()) < 20
    assert (with_cards.ir[kept] == without.ir[kept]).all()


def test_patches_of_a_card_lie_differently_in_both_pictures():
    rng = np.random.default_rng(1)
    cards = [cuts.test_card(32, rng) for _ in range(50)]
    assert all((mask == 0).all() and ir.dtype == vis.dtype == np.float32 for ir, vis, mask in cards)
    assert sum(np.array_equal(ir, vis) for ir, vis, _ in cards) < 10


def test_a_third_of_the_squares_is_taken_pixel_by_pixel():
    plane = np.random.default_rng(3).integers(0, 256, (90, 110), np.uint8)
    rngs = [np.random.default_rng(seed) for seed in range(60)]
    squares = [cuts.random_square(Picture(plane, plane, plane), 40, rng)[0] for rng in rngs]
    levels = [np.round(square * 255) for square in squares]
    untouched = [
        np.abs(square * 255 - level).max() < 1e-3
        for square, level in zip(squares, levels, strict=True)
    ]
    assert 10 <= sum(untouched) <= 30
