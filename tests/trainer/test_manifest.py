from __future__ import annotations

import pytest

from trainer.errors import DataError
from trainer.manifest import read_manifest


@pytest.fixture
def folder(tmp_path):
    for name in ("a.png", "b.png", "sub/c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("m.csv", "ir,vis,note\na.png,sub/c.png,day\nb.png,a.png,\n", id="csv"),
        pytest.param("m.csv", "\ufeffvis,ir\r\nsub/c.png,a.png\r\na.png,b.png\r\n", id="csv-bom"),
        pytest.param(
            "m.yaml", "[{ir: a.png, vis: sub/c.png}, {ir: b.png, vis: a.png, x: 1}]", id="yaml"
        ),
    ],
)
def test_pairs_come_in_the_order_of_the_file(folder, name, text):
    (folder / name).write_text(text, newline="")
    first, second = read_manifest(folder / name)
    assert first == (folder / "a.png", folder / "sub" / "c.png")
    assert second == (folder / "b.png", folder / "a.png")


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        pytest.param("m.csv", "ir,visible\na.png,b.png\n", "line 2: 'vis' is missing", id="column"),
        pytest.param("m.csv", "ir,vis\na.png,\n", "line 2: 'vis' is missing", id="empty-cell"),
        pytest.param("m.csv", "ir,vis\na.png,x.png\n", r"line 2: .*x\.png is not there", id="file"),
        pytest.param("m.csv", "ir,vis\n", "lists no pairs", id="no-rows"),
        pytest.param("m.yaml", "ir: a.png", "is not a list of pairs", id="mapping"),
        pytest.param("m.yaml", "[{ir: a.png}]", "pair 1: 'vis' is missing", id="key"),
        pytest.param("m.yaml", "[{", r"m\.yaml", id="broken"),
    ],
)
def test_unusable_manifests(folder, name, text, words):
    (folder / name).write_text(text)
    with pytest.raises(DataError, match=words) as caught:
        read_manifest(folder / name)
    assert caught.value.hint


def test_missing_and_binary_manifests(folder):
    with pytest.raises(DataError, match="cannot be read"):
        read_manifest(folder / "none.csv")
    (folder / "m.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not a text file"):
        read_manifest(folder / "m.csv")
