from __future__ import annotations

import shutil

import numpy as np
import pytest
from training_data import write_pairs, write_picture

from trainer.errors import DataError
from trainer.layouts import PairFiles
from trainer.pairs import (
    MIN_SIDE,
    check_held_out,
    chosen,
    data_hash,
    decode_pair,
    find_parts,
    read_content,
    read_pair,
)
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
    assert "--set data=DIR" in caught.value.hint


def hashes(found):
    pairs = [pair for part in found for pair in part.pairs]
    return dict(enumerate(read_content(pair).hashes() for pair in pairs))


def hashed(found):
    return data_hash(found, hashes(found))


@pytest.fixture
def pair(tmp_path):
    """A grey pair, 50x40."""
    files = PairFiles(tmp_path / "ir.png", tmp_path / "vis.png")
    for path in files:
        write_picture(path, np.full((40, 50), 7, np.uint8))
    return files


def test_luma_of_a_colour_picture(pair):
    write_picture(pair.vis, np.full((40, 50, 3), (10, 100, 200), np.uint8))
    ir, vis_y = read_pair(pair)
    np.testing.assert_array_equal(ir, np.full((40, 50), 7, np.uint8))
    np.testing.assert_array_equal(vis_y, np.full((40, 50), 120, np.uint8))  # 1.14 + 58.7 + 59.8


def test_pictures_of_different_size_are_refused(pair):
    write_picture(pair.vis, np.zeros((60, 50), np.uint8))
    with pytest.raises(DataError, match=r"is 50x40, but .* is 50x60") as caught:
        read_pair(pair)
    assert "leave the pair out, in a manifest" in caught.value.hint
    assert "fusion-rt fuse --rig RIG --view ir" in caught.value.hint


def test_small_pictures_are_refused_by_name(pair):
    for path in pair:
        write_picture(path, np.zeros((MIN_SIDE - 1, 90), np.uint8))
    with pytest.raises(DataError, match=rf"ir\.png is 90x{MIN_SIDE - 1}, but .* {MIN_SIDE} px"):
        read_pair(pair)
    for path in pair:
        write_picture(path, np.zeros((MIN_SIDE, 90), np.uint8))
    assert read_pair(pair)[0].shape == (MIN_SIDE, 90)


def test_pictures_smaller_than_the_cuts_are_refused_with_both_numbers(pair):
    assert decode_pair(read_content(pair), 40)[0].shape == (40, 50)
    with pytest.raises(DataError, match=r"ir\.png is 50x40, too small for cuts of 41 px") as caught:
        decode_pair(read_content(pair), 41)
    assert "a smaller crop under phases" in caught.value.hint


@pytest.mark.parametrize(
    ("count", "alone", "lines"),
    [
        pytest.param(1, "", ["training: 1 pair in {0} (plain)"], id="one"),
        pytest.param(
            2,
            "infrared only: ir/x.png",
            ["training: 2 pairs in {0} (plain)", "left out of {0}: infrared only: ir/x.png"],
            id="one-left-out",
        ),
    ],
)
def test_what_was_found_is_told(tmp_path, count, alone, lines):
    folder = write_pairs(tmp_path, count)
    if alone:
        write_picture(folder / "ir" / "x.png", np.zeros((40, 50), np.uint8))
    (part,) = parts(folder)
    assert part.told("training") == [line.format(folder) for line in lines]


def test_hash_of_the_data_follows_names_content_and_weight_not_the_place(tmp_path):
    folder = write_pairs(tmp_path / "data")
    whole = hashed(parts(folder))
    moved = tmp_path / "moved"
    shutil.copytree(folder, moved)
    assert hashed(parts(moved)) == whole
    assert hashed(parts(folder, weight=2)) != whole
    (part,) = parts(folder)
    assert hashed([part._replace(pairs=part.pairs[::-1])]) != whole
    assert hashed([part._replace(pairs=part.pairs[1:])]) != whole
    for kind in ("ir", "vis"):
        (moved / kind / "2.png").rename(moved / kind / "3.png")
    assert hashed(parts(moved)) != whole
    write_picture(folder / "vis" / "1.png", np.zeros((200, 220, 3), np.uint8))
    assert hashed(parts(folder)) != whole


def test_hash_counts_the_pairs_through_all_parts(tmp_path):
    folders = [write_pairs(tmp_path / name, 2, seed) for name, seed in (("a", 0), ("b", 9))]
    one, other = (parts(folder)[0] for folder in folders)
    assert hashed([one, other]) != hashed([other, one])
    assert hashed([one, other]) != hashed([one, one])


def test_pairs_to_judge_by_must_not_be_trained_on(tmp_path):
    trained = parts(write_pairs(tmp_path / "data"))
    judged = parts(write_pairs(tmp_path / "judged", seed=20))
    check_held_out(trained[0].pairs, hashes(trained), judged[0].pairs, hashes(judged))
    for kind in ("ir", "vis"):  # under another name
        shutil.copy(tmp_path / "data" / kind / "2.png", tmp_path / "judged" / kind / "0.png")
    words = r"1 of 3 validation pairs is trained on, .*judged/ir/0\.png, which is .*data/ir/2\.png"
    with pytest.raises(DataError, match=words) as caught:
        check_held_out(trained[0].pairs, hashes(trained), judged[0].pairs, hashes(judged))
    assert caught.value.hint


def test_data_that_cannot_be_read_are_named(tmp_path):
    (tmp_path / "ir.png").mkdir()
    with pytest.raises(DataError, match=r"ir\.png cannot be read"):
        read_content(PairFiles(tmp_path / "ir.png", tmp_path / "vis.png"))


@pytest.mark.parametrize(("count", "most", "places"), [(5, 9, [0, 1, 2, 3, 4]), (9, 3, [1, 4, 7])])
def test_choice_is_spread_evenly(count, most, places):
    assert chosen(range(count), most) == places
