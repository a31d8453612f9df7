"""Telling in words that there is no NVIDIA driver."""

from __future__ import annotations

import pytest

from engines import nvidia
from engines.errors import BackendUnavailable


def test_missing_driver_is_named(monkeypatch):
    monkeypatch.setattr(nvidia, "_DRIVER", "libnosuchdriver.so.1")
    with pytest.raises(BackendUnavailable, match=r"no NVIDIA driver .*libnosuchdriver") as caught:
        nvidia.check_driver()
    assert "--engine openvino" in caught.value.hint


def test_library_that_loads_is_enough(monkeypatch):
    monkeypatch.setattr(nvidia, "_DRIVER", None)  # this very process
    nvidia.check_driver()
