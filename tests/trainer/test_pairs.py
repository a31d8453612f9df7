from __future__ import annotations

import shutil

import numpy as np
import pytest
from training_data import write_pairs, write_picture

from trainer.errors import DataError
from trainer.layouts import PairFiles
from trainer.pairs import Part, data_hash, find_parts, read_pair
from trainer.settings import DataEntry


def parts(folder, weight=1.0):
    return find_parts([DataEntry(path=folder, weight=weight)])


def test_entries_may_be_folders_and_manifests(tmp_path):
    write_pairs(tmp_path / "data", 2)
    manifest = tmp_path / "m.csv"
    manifest.write_text("ir,vis\ndata/ir/1.png,data/vis/1.png\n")
    entries = [DataEntry(path=tmp_path / "data", weight=2), DataEntry(path=manifest)]
    folder, listed = find_parts(entries)
    assert (folder.layout, folder.weight, len(folder.pairs)) == ("plain", 2, 2)
    assert (listed.layout, listed.weight) == ("manifest", 1)
    assert listed.pairs == [folder.pairs[1]]


def test_no_data_are_refused():
    with pytest.raises(DataError, match="no training data") as caught:
        find_parts([])
    assert "--set 'data=[DIR]'" in caught.value.hint


def test_luma_of_a_colour_picture(tmp_path):
    write_picture(tmp_path / "ir.png", np.full((4, 5), 7, np.uint8))
    write_picture(tmp_path / "vis.png", np.full((4, 5, 3), (10, 100, 200), np.uint8))
    ir, vis_y = read_pair(PairFiles(tmp_path / "ir.png", tmp_path / "vis.png"))
    np.testing.assert_array_equal(ir, np.full((4, 5), 7, np.uint8))
    np.testing.assert_array_equal(vis_y, np.full((4, 5), 120, np.uint8))  # 1.14 + 58.7 + 59.8


def test_pictures_of_different_size_are_refused(tmp_path):
    write_picture(tmp_path / "ir.png", np.zeros((4, 5), np.uint8))
    write_picture(tmp_path / "vis.png", np.zeros((6, 5), np.uint8))
    with pytest.raises(DataError, match=r"is 5x4, but .* is 5x6"):
        read_pair(PairFiles(tmp_path / "ir.png", tmp_path / "vis.png"))


def test_file_that_is_no_picture_is_refused(tmp_path):
    (tmp_path / "ir.png").write_bytes(b"not a picture")
    write_picture(tmp_path / "vis.png", np.zeros((6, 5), np.uint8))
    with pytest.raises(DataError, match=r"ir\.png cannot be read"):
        read_pair(PairFiles(tmp_path / "ir.png", tmp_path / "vis.png"))


def test_hash_of_the_data_follows_names_content_and_weight_not_the_place(tmp_path):
    folder = write_pairs(tmp_path / "data")
    whole = data_hash(parts(folder))
    moved = tmp_path / "moved"
    shutil.copytree(folder, moved)
    assert data_hash(parts(moved)) == whole
    assert data_hash(parts(folder, weight=2)) != whole
    (part,) = parts(folder)
    assert data_hash([part._replace(pairs=part.pairs[::-1])]) != whole
    assert data_hash([part._replace(pairs=part.pairs[1:])]) != whole
    for kind in ("ir", "vis"):
        (moved / kind / "2.png").rename(moved / kind / "3.png")
    assert data_hash(parts(moved)) != whole
    write_picture(folder / "vis" / "1.png", np.zeros((200, 220, 3), np.uint8))
    assert data_hash(parts(folder)) != whole


def test_data_that_cannot_be_read_have_no_hash(tmp_path):
    (tmp_path / "ir.png").mkdir()
    pair = PairFiles(tmp_path / "ir.png", tmp_path / "vis.png")
    with pytest.raises(DataError, match=r"ir\.png cannot be read"):
        data_hash([Part(tmp_path, "plain", 1.0, [pair])])
