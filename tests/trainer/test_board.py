from __future__ import annotations

import sys

import numpy as np
import pytest

from trainer.board import Board, require_board
from trainer.errors import MissingPackage


def test_missing_tensorboard_is_told_with_both_remedies(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingPackage, match="the setting tensorboard needs") as caught:
        require_board()
    assert "pip install tensorboard, or --set tensorboard=false" in caught.value.hint


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of tensorboard's own dependencies
def test_curves_and_pictures_come_back_and_resuming_drops_what_is_done_again(tmp_path):
    reader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is missing"
    )
    first = Board(tmp_path, step=0)
    for step in (1, 2, 3):
        first.scalars(step, "train", {"loss": float(step)})
    first.close()
    again = Board(tmp_path, step=2)
    again.scalars(3, "train", {"loss": 30.0})
    again.image(3, "pairs", np.full((4, 6, 3), (255, 0, 0), np.uint8))
    again.close()
    events = reader.EventAccumulator(str(tmp_path))
    events.Reload()
    curve = {event.step: event.value for event in events.Scalars("train/loss")}
    assert curve == {1: 1.0, 2: 2.0, 3: 30.0}
    assert [event.step for event in events.Images("pairs")] == [3]
