from __future__ import annotations

import cv2
import numpy as np
import pytest

from fusion_rt.errors import SourceError
from fusion_rt.sources.stills import Unmatched, match_by_stem


@pytest.fixture
def folders(tmp_path):
    def fill(ir: list[str], vis: list[str]):
        for side, names in (("ir", ir), ("vis", vis)):
            (tmp_path / side).mkdir()
            for name in names:
                assert cv2.imwrite(str(tmp_path / side / name), np.zeros((2, 2), np.uint8))
        return tmp_path / "ir", tmp_path / "vis"

    return fill


def test_same_stems_pair_in_natural_order(folders):
    ir, vis = folders(["10.png", "2.png"], ["2.jpg", "10.png"])
    assert match_by_stem(ir, vis) == (
        [(ir / "2.png", vis / "2.jpg"), (ir / "10.png", vis / "10.png")],
        Unmatched(),
    )


def test_names_without_partner_are_listed(folders):
    ir, vis = folders(["a.png", "b.png", "c10.png", "c9.png"], ["b.png", "z.bmp"])
    pairs, unmatched = match_by_stem(ir, vis)
    assert pairs == [(ir / "b.png", vis / "b.png")]
    assert unmatched == Unmatched(ir=("a.png", "c9.png", "c10.png"), vis=("z.bmp",))
    assert unmatched
    assert not Unmatched()


def test_two_files_pair_whatever_their_names(folders):
    ir, vis = folders(["a.png"], ["b.png"])
    pair = (ir / "a.png", vis / "b.png")
    assert match_by_stem(*pair) == ([pair], Unmatched())


def test_stem_twice_in_a_folder_names_both(folders):
    ir, vis = folders(["a.png", "a.jpg"], ["a.png"])
    with pytest.raises(SourceError, match=r"holds both a\.jpg and a\.png"):
        match_by_stem(ir, vis)


def test_file_against_folder_is_refused(folders):
    ir, vis = folders(["a.png"], ["a.png"])
    with pytest.raises(SourceError, match=r"vis is a folder, but .*a\.png is a file"):
        match_by_stem(ir / "a.png", vis)


def test_missing_and_empty_places_are_named(folders):
    ir, vis = folders(["a.png"], [])
    with pytest.raises(SourceError, match="vis holds no pictures"):
        match_by_stem(ir, vis)
    with pytest.raises(SourceError, match="gone does not exist"):
        match_by_stem(ir, vis.with_name("gone"))


def test_real_test_set_pairs_wholly(real_data):
    place = real_data / "test" / "tno"
    pairs, unmatched = match_by_stem(place / "ir", place / "vis")
    assert [ir.stem for ir, _ in pairs] == [f"{n:02}" for n in range(1, 26)]
    assert not unmatched
