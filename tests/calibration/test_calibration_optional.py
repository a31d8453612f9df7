from __future__ import annotations

import math

import pytest

from calibration.errors import CalibrationError
from calibration.optional import require


def test_a_module_that_is_there_is_given():
    assert require("math", remedy="none") is math


def test_a_missing_module_is_said_with_its_remedy():
    with pytest.raises(CalibrationError, match="'no_such_module' does not load") as caught:
        require("no_such_module", remedy="pip install it")
    assert caught.value.hint == "pip install it"
