"""What holds for every test."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory):
    """Tests, and the commands that they start, leave the user's cache alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FUSION_RT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield os.environ["FUSION_RT_CACHE"]
