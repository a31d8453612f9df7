from __future__ import annotations

import pytest
import torch

from trainer.blend import main
from trainer.build import build_network
from trainer.checkpoint import load_model, save_checkpoint


@pytest.fixture
def pair(tmp_path):
    paths = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        paths.append(tmp_path / f"{seed}.pt")
        state = build_network("bts-lite").state_dict()
        save_checkpoint(paths[-1], {"model": state, "network": "bts-lite"})
    return paths


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_each_weight_lies_between_the_two(pair, tmp_path, share):
    assert main([*map(str, pair), str(tmp_path / "out.pt"), "--share", str(share)]) == 0
    first, second, found = (load_model(p).state_dict() for p in (*pair, tmp_path / "out.pt"))
    for name, tensor in found.items():
        wanted = first[name].double() * (1 - share) + second[name].double() * share
        torch.testing.assert_close(tensor, wanted.to(tensor.dtype), atol=1e-7, rtol=0)


@pytest.mark.parametrize("share", ["-0.1", "1.5"])
def test_share_outside_is_refused(pair, tmp_path, capsys, share):
    assert main([*map(str, pair), str(tmp_path / "out.pt"), f"--share={share}"]) == 1
    assert "from 0 to 1" in capsys.readouterr().err
    assert not (tmp_path / "out.pt").exists()


def test_other_networks_are_refused(pair, tmp_path, capsys):
    save_checkpoint(pair[1], {"model": build_network("bts").state_dict(), "network": "bts"})
    assert main([*map(str, pair), str(tmp_path / "out.pt"), "--share", "0.5"]) == 1
    assert "same network" in capsys.readouterr().err
