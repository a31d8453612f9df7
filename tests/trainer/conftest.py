from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True)
def _same_number_of_threads_after_each_test():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
