from __future__ import annotations

import pytest

from trainer.errors import WriteError
from trainer.step_log import StepLog, read_log


def test_lines_are_means_since_the_last(tmp_path):
    log = StepLog(tmp_path / "log.jsonl", step=0, every=2)
    assert log.add(1, {"loss": 1.0}, rate=0.1) is None
    assert log.add(2, {"loss": 3.0}, rate=0.2) == {"loss": 2.0}
    log.add(3, {"loss": 9.0}, rate=0.3)
    log.write({"step": 3, "validation": {"loss": 5.0}})
    assert read_log(tmp_path / "log.jsonl") == [
        {"step": 2, "rate": 0.2, "loss": 2.0},
        {"step": 3, "validation": {"loss": 5.0}},
    ]


def test_lines_that_will_be_written_again_are_dropped(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"step": 4, "lo')
    StepLog(path, step=2, every=1).add(3, {"loss": 1.0})
    assert read_log(path) == [{"step": 1}, {"step": 2}, {"step": 3, "loss": 1.0}]


def test_no_log_has_no_lines(tmp_path):
    assert read_log(tmp_path / "none.jsonl") == []


def test_damaged_lines_are_dropped_and_counted(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(b'{"step": 1}\n\x00\xff\x00\n[3]\n{"loss": 2}\n{"step": 2}\n{"step": 3, "lo')
    assert read_log(path) == [{"step": 1}, {"step": 2}]
    assert StepLog(path, step=2, every=1).damaged == 3
    assert path.read_text() == '{"step": 1}\n{"step": 2}\n'
    assert StepLog(path, step=2, every=1).damaged == 0


def test_log_that_cannot_be_written_is_told(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    log = StepLog(folder / "log.jsonl", step=0, every=1)
    (folder / "log.jsonl").unlink()
    folder.rmdir()
    with pytest.raises(WriteError, match=r"cannot write .*log\.jsonl"):
        log.add(1, {"loss": 1.0})
