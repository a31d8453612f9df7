from __future__ import annotations

import pytest
import torch

from trainer import compute
from trainer.compute import choose_compute
from trainer.errors import TrainerError
from trainer.settings import TrainSettings


@pytest.mark.parametrize(
    ("has_bf16", "wanted", "given"),
    [
        pytest.param(True, "auto", "bf16", id="auto-with-the-instructions"),
        pytest.param(False, "auto", "fp32", id="auto-without"),
        pytest.param(True, "fp32", "fp32", id="asked-for-fp32"),
        pytest.param(True, "bf16", "bf16", id="asked-for-bf16"),
    ],
)
def test_precision_on_a_processor(monkeypatch, has_bf16, wanted, given):
    monkeypatch.setattr(compute, "cpu_has_bf16", lambda: has_bf16)
    chosen = choose_compute(TrainSettings(device="cpu", precision=wanted))
    assert (chosen.device.type, chosen.precision) == ("cpu", given)
    assert not chosen.scaler().is_enabled()
    with chosen.autocast():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == (torch.bfloat16 if given == "bf16" else torch.float32)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"device": "cpu", "precision": "bf16"}, "no instructions"),
        ({"device": "cpu", "precision": "fp16"}, "for GPUs"),
        ({"device": "cuda"}, "sees no such GPU"),
    ],
)
def test_what_is_not_here_is_refused(monkeypatch, settings, words):
    monkeypatch.setattr(compute, "cpu_has_bf16", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainerError, match=words) as caught:
        choose_compute(TrainSettings(**settings))
    assert "--set" in caught.value.hint


@pytest.fixture
def _same_tf32_after_the_test():
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


@pytest.mark.usefixtures("_same_tf32_after_the_test")
@pytest.mark.parametrize(("wanted", "rounds"), [("fp32", False), ("bf16", True)])
def test_fp32_on_a_gpu_is_not_rounded_to_ten_bits(monkeypatch, wanted, rounds):
    for name, value in (
        ("is_available", True),
        ("device_count", 1),
        ("is_bf16_supported", True),
        ("set_device", None),
    ):
        monkeypatch.setattr(torch.cuda, name, lambda *_, value=value: value)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    chosen = choose_compute(TrainSettings(device="cuda", precision=wanted))
    assert (chosen.device.type, chosen.precision) == ("cuda", wanted)
    assert torch.backends.cudnn.allow_tf32 is rounds
    assert torch.backends.cuda.matmul.allow_tf32 is rounds
