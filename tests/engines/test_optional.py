"""Packages that are missing or broken, in words and with their own error."""

from __future__ import annotations

import pytest

from engines.errors import BackendUnavailable
from engines.optional import require


@pytest.mark.parametrize(
    ("content", "kind", "words"),
    [
        pytest.param(None, ModuleNotFoundError, "No module named", id="missing"),
        pytest.param("raise ImportError('libx.so')", ImportError, "libx.so", id="import-error"),
        pytest.param("raise OSError('libx.so')", OSError, "OSError: libx.so", id="library"),
        pytest.param("open_('x')", NameError, "NameError: ", id="any-other"),
    ],
)
def test_package_that_does_not_load(monkeypatch, tmp_path, content, kind, words):
    if content is not None:
        (tmp_path / "frail_package.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BackendUnavailable, match="'frail_package' does not load: ") as caught:
        require("frail_package", remedy="mend it")
    assert words in str(caught.value)
    assert caught.value.hint == "mend it"
    assert type(caught.value.__cause__) is kind
