"""What the tests of live runs share."""

from __future__ import annotations

import pytest

from fusion_rt.live import backoff


@pytest.fixture
def quick_reconnect(monkeypatch):
    """Cameras are opened again after hundredths of a second."""
    monkeypatch.setattr(backoff, "FIRST_S", 0.02)
    monkeypatch.setattr(backoff, "MOST_S", 0.04)
    monkeypatch.setattr(backoff, "REFUSED_MOST_S", 0.08)
