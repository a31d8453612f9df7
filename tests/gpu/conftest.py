"""Tests on a real GPU: marked ``gpu``, left out with a reason where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from engines.errors import EngineError
from engines.tensorrt import flavour as flavours
from engines.tensorrt.cuda_pycuda import device_facts

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.gpu)


@pytest.fixture(scope="session")
def gpu():
    """Facts of the first GPU."""
    try:
        return device_facts(0)
    except EngineError as error:
        pytest.skip(f"no GPU can be used: {error}")


@pytest.fixture(scope="session", params=flavours.NAMES)
def flavour(request, gpu):
    """Each TensorRT that is installed."""
    try:
        return flavours.load(request.param)
    except EngineError as error:
        pytest.skip(str(error))
