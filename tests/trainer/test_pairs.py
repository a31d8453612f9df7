from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest

from trainer import pairs
from trainer.errors import DataError
from trainer.pairs import PairCrops, PairFiles, data_hash, find_pairs, read_pair


class EmptyCache:
    """Stands in for the saliency: none anywhere."""

    def get(self, ir):
        return np.zeros(ir.shape, np.float32)


def write(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


@pytest.fixture
def folder(tmp_path):
    """Five pairs in which infrared and visible show the same random texture."""
    for number in range(5):
        plane = np.random.default_rng(number).integers(0, 256, (70, 90), np.uint8)
        plane = cv2.GaussianBlur(plane, (0, 0), 2)
        write(tmp_path / "ir" / f"{number}.png", plane)
        write(tmp_path / "vis" / f"{number}.png", np.repeat(plane[..., None], 3, 2))
    return tmp_path


def crops(folder, seed=1, length=10, crop=48):
    return PairCrops(find_pairs([folder]), crop, EmptyCache(), seed, length)


def test_pairs_are_matched_by_stem_whatever_the_suffix(tmp_path):
    grey = np.zeros((8, 8), np.uint8)
    write(tmp_path / "ir" / "b.png", grey)
    write(tmp_path / "ir" / "a.png", grey)
    write(tmp_path / "vis" / "a.jpg", grey)
    write(tmp_path / "vis" / "b.bmp", grey)
    found = find_pairs([tmp_path])
    assert [(pair.ir.name, pair.vis.name) for pair in found] == [
        ("a.png", "a.jpg"),
        ("b.png", "b.bmp"),
    ]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        pytest.param(["ir/a.png"], "vis is not a folder", id="no-visible-folder"),
        pytest.param(["ir/a.png", "vis/b.png"], "no partner: a, b", id="names-do-not-match"),
        pytest.param(["ir/a.png", "ir/a.bmp", "vis/a.png"], "share a name", id="two-of-a-name"),
        pytest.param(["ir/a.txt", "vis/b.txt"], "no training pairs", id="no-pictures"),
    ],
)
def test_unusable_folders_are_refused(tmp_path, files, words):
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(DataError, match=words) as caught:
        find_pairs([tmp_path])
    assert caught.value.hint


def test_luma_of_a_colour_picture(tmp_path):
    write(tmp_path / "ir.png", np.full((4, 5), 7, np.uint8))
    write(tmp_path / "vis.png", np.full((4, 5, 3), (10, 100, 200), np.uint8))
    ir, vis_y = read_pair(PairFiles(tmp_path / "ir.png", tmp_path / "vis.png"))
    np.testing.assert_array_equal(ir, np.full((4, 5), 7, np.uint8))
    np.testing.assert_array_equal(vis_y, np.full((4, 5), 120, np.uint8))  # 1.14 + 58.7 + 59.8


def test_pictures_of_different_size_are_refused(tmp_path):
    write(tmp_path / "ir.png", np.zeros((4, 5), np.uint8))
    write(tmp_path / "vis.png", np.zeros((6, 5), np.uint8))
    with pytest.raises(DataError, match=r"is 5x4, but .* is 5x6"):
        read_pair(PairFiles(tmp_path / "ir.png", tmp_path / "vis.png"))


def test_file_that_is_no_picture_is_refused(tmp_path):
    (tmp_path / "ir.png").write_bytes(b"not a picture")
    write(tmp_path / "vis.png", np.zeros((6, 5), np.uint8))
    with pytest.raises(DataError, match=r"ir\.png cannot be read"):
        read_pair(PairFiles(tmp_path / "ir.png", tmp_path / "vis.png"))


def test_cut_keeps_the_pair_aligned(folder, monkeypatch):
    monkeypatch.setattr(pairs, "_vary", lambda ir, vis_y, rng: (ir, vis_y))
    for sample in (crops(folder)[i] for i in range(10)):
        assert sample.ir.shape == sample.vis_y.shape == sample.mask.shape == (1, 48, 48)
        assert float((sample.ir - sample.vis_y).abs().max()) <= 1 / 255
        assert float(sample.ir.std()) > 0.01


def test_every_other_cut_is_varied(folder):
    samples = [crops(folder, length=40)[i] for i in range(40)]
    changed = [float((sample.ir - sample.vis_y).abs().max()) > 2 / 255 for sample in samples]
    assert 12 <= sum(changed) <= 28


def test_hash_of_the_data_follows_names_and_content_not_the_place(folder, tmp_path_factory):
    whole = data_hash(find_pairs([folder]))
    moved = tmp_path_factory.mktemp("moved") / "data"
    shutil.copytree(folder, moved)
    assert data_hash(find_pairs([moved])) == whole
    assert data_hash(find_pairs([folder])[::-1]) != whole
    assert data_hash(find_pairs([folder])[1:]) != whole
    for kind in ("ir", "vis"):
        (moved / kind / "4.png").rename(moved / kind / "5.png")
    assert data_hash(find_pairs([moved])) != whole
    write(folder / "vis" / "2.png", np.zeros((70, 90, 3), np.uint8))
    assert data_hash(find_pairs([folder])) != whole


def test_data_that_cannot_be_read_have_no_hash(tmp_path):
    (tmp_path / "ir.png").mkdir()
    with pytest.raises(DataError, match=r"ir\.png cannot be read"):
        data_hash([PairFiles(tmp_path / "ir.png", tmp_path / "vis.png")])


def test_values_stay_in_range(folder):
    for sample in (crops(folder)[i] for i in range(10)):
        for plane in (sample.ir, sample.vis_y, sample.mask):
            assert 0 <= float(plane.min()) <= float(plane.max()) <= 1


def test_picture_smaller_than_the_cut_is_enlarged(folder):
    assert crops(folder, crop=96)[0].ir.shape == (1, 96, 96)


def test_each_round_visits_every_pair_once(folder):
    names = [crops(folder)[i].name for i in range(10)]
    assert len(set(names[:5])) == len(set(names[5:])) == 5


def test_cuts_depend_on_seed_and_number_alone(folder):
    first, again, other = crops(folder), crops(folder), crops(folder, seed=2)
    assert (again[7].ir == first[7].ir).all()
    assert not (other[7].ir == first[7].ir).all()
    assert not (first[2].ir == first[7].ir).all()
