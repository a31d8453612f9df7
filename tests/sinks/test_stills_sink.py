from __future__ import annotations

import os

import cv2
import numpy as np
import pytest

from fusion_rt.errors import SinkError, UsageError
from fusion_rt.sinks.stills import StillsSink, write_png

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (48, 64, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(COLOUR, id="colour"),
        pytest.param(COLOUR[..., 0], id="grey-view"),
        pytest.param(RNG.integers(0, 65536, (20, 30), dtype=np.uint16), id="grey-16-bit"),
    ],
)
def test_png_gives_back_the_very_picture(tmp_path, picture):
    path = tmp_path / "new" / "still.png"
    write_png(path, picture)
    np.testing.assert_array_equal(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), picture)
    assert os.listdir(path.parent) == ["still.png"]


def test_pictures_are_numbered(tmp_path):
    sink = StillsSink(tmp_path)
    for index in range(3):
        sink.write(COLOUR, index)
    sink.close()
    sink.discard()
    assert sorted(os.listdir(tmp_path)) == ["000000.png", "000001.png", "000002.png"]
    with pytest.raises(SinkError, match="closed already"):
        sink.write(COLOUR, 9)


def test_a_folder_with_pictures_is_refused(tmp_path):
    (tmp_path / "000000.png").write_bytes(b"of another run")
    with pytest.raises(UsageError, match=r"holds pictures already, 000000\.png"):
        StillsSink(tmp_path)
    assert (tmp_path / "000000.png").read_bytes() == b"of another run"


def test_discard_removes_only_its_own_pictures(tmp_path):
    (tmp_path / "mine.txt").write_bytes(b"other")
    sink = StillsSink(tmp_path)
    sink.write(COLOUR, 0)
    assert len(os.listdir(tmp_path)) == 2
    sink.discard()
    assert os.listdir(tmp_path) == ["mine.txt"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs the device /dev/full")
def test_disk_full_leaves_neither_half_nor_older_picture_damaged(tmp_path):
    (tmp_path / "still.png").write_bytes(b"older")
    (tmp_path / "still.part.png").symlink_to("/dev/full")
    with pytest.raises(SinkError, match=r"still\.png: disk full"):
        write_png(tmp_path / "still.png", COLOUR)
    assert os.listdir(tmp_path) == ["still.png"]
    assert (tmp_path / "still.png").read_bytes() == b"older"


def test_a_file_in_the_way_of_the_folder(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(SinkError, match="a file of that name is in the way") as caught:
        StillsSink(tmp_path / "out")
    assert caught.value.hint
    with pytest.raises(SinkError, match="a part of the path is a file"):
        write_png(tmp_path / "out" / "deeper" / "still.png", COLOUR)


def test_a_folder_under_the_name_of_the_picture(tmp_path):
    (tmp_path / "still.png").mkdir()
    with pytest.raises(SinkError, match="there is a folder of that name"):
        write_png(tmp_path / "still.png", COLOUR)
    assert os.listdir(tmp_path) == ["still.png"]
