from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from trainer.build import build_network
from trainer.checkpoint import load_model, save_checkpoint
from trainer.mixing import ADVICE, PRIOR_REACH, mixed, prior
from trainer.temper import main


@pytest.fixture(params=["bts", "bts-lite"])
def checkpoint(request, tmp_path):
    torch.manual_seed(1)
    model = build_network(request.param)
    for name, weight in model.named_parameters():
        if "head" in name:
            torch.nn.init.normal_(weight, std=0.05)
    path = tmp_path / "model.pt"
    save_checkpoint(path, {"model": model.state_dict(), "network": request.param})
    return path


def advice(path, planes):
    """What the last layer of the network says, and the fused luma."""
    model = load_model(path).eval()
    head = model.decoder.head if hasattr(model, "decoder") else model.head
    seen = []
    hook = head.register_forward_hook(lambda _, __, out: seen.append(out))
    with torch.no_grad():
        fused = model(*planes)
    hook.remove()
    return seen[0], fused


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_share_of_what_was_learned(checkpoint, tmp_path, share):
    out = tmp_path / "out.pt"
    assert main([str(checkpoint), str(out), "--share", str(share)]) == 0
    planes = torch.rand(2, 1, 1, 40, 48)
    learned, _ = advice(checkpoint, planes)
    found, _ = advice(out, planes)
    torch.testing.assert_close(found, share * learned, atol=1e-5, rtol=1e-4)
    assert float(learned.abs().max()) > 0.01


def test_nothing_of_it_is_the_prior(checkpoint, tmp_path):
    out = tmp_path / "out.pt"
    assert main([str(checkpoint), str(out), "--share", "0"]) == 0
    ir, vis_y = torch.rand(2, 1, 1, 40, 48)
    _, fused = advice(out, (ir, vis_y))
    grown = (functional.pad(plane, (PRIOR_REACH,) * 4, mode="reflect") for plane in (ir, vis_y))
    known = prior(*grown).cut(40, 48, PRIOR_REACH)
    expected = mixed(ir, vis_y, known, torch.zeros(1, ADVICE, 40, 48))
    torch.testing.assert_close(fused, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("share", ["-0.1", "1.5"])
def test_share_outside_is_refused(checkpoint, tmp_path, capsys, share):
    assert main([str(checkpoint), str(tmp_path / "out.pt"), f"--share={share}"]) == 1
    assert "from 0 to 1" in capsys.readouterr().err
    assert not (tmp_path / "out.pt").exists()


def test_place_that_cannot_be_written_is_told(checkpoint, tmp_path, capsys):
    assert main([str(checkpoint), str(tmp_path / "no" / "out.pt"), "--share", "0.5"]) == 1
    assert "cannot write" in capsys.readouterr().err
