"""Training shared by processes: two real ones that talk over gloo, against one alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from training_data import SIDE, small_settings, write_pairs

from trainer.checkpoint import load_checkpoint
from trainer.compute import Compute
from trainer.cuts import CutMaker
from trainer.distributed import World, check_shares
from trainer.errors import TrainerError
from trainer.layouts import PairFiles
from trainer.loop import train
from trainer.losses import LossWeights, fusion_loss
from trainer.models import start_model
from trainer.pictures import PictureStore
from trainer.settings import TrainSettings
from trainer.step_log import read_log
from trainer.targets import fusion_target

ROOT = Path(__file__).parents[2]
TWO = [*("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")]


SEED = 0


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders of the same training by one process and by two, and what the two said."""
    root = tmp_path_factory.mktemp("runs")
    settings = small_settings(
        *(write_pairs(root / "data"), root / "one", root / "saliency"),
        steps=2,
        phases=[{"share": 1, "crop": SIDE, "batch": 2}],
        validation=[write_pairs(root / "held-out", seed=50)],
        cards=0.5,
        seed=SEED,
    )
    train(settings)
    config = root / "two.yaml"
    config.write_text(yaml.safe_dump(settings.model_dump(mode="json")))
    command = [sys.executable, *TWO, "-m", "fusion_rt", "train", config, "--out", root / "two"]
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=240, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return root / "one", root / "two", done.stderr


@pytest.mark.parametrize("key", ["raw", "model"])
def test_two_processes_change_the_weights_as_one_does(runs, key):
    one, two = (load_checkpoint(run / "last.pt") for run in runs[:2])
    assert two["made_with"]["processes"] == "2"
    assert len(two["random"]) == 2
    compute = Compute(torch.device("cpu"), "fp32")
    start = start_model(TrainSettings.model_validate({**one["settings"], "init": None}), compute)
    begun, alone, shared = (flat(state) for state in (start.state_dict(), one[key], two[key]))
    # Adam divides by the size of the gradient, so that where there is next to none the order of
    # a sum shows; other cuts would turn the whole change.
    assert (shared - alone).norm() < 0.01 * (alone - begun).norm()


def test_two_processes_log_the_losses_of_one(runs):
    one, two = (read_log(run / "log.jsonl") for run in runs[:2])
    assert [line["step"] for line in two] == [line["step"] for line in one] == [0, 1, 2, 2]
    for ours, theirs in zip(one[1:3], two[1:3], strict=True):
        assert theirs["loss"] == pytest.approx(ours["loss"], abs=2e-5)
    # Held-out pictures are judged one by one, so that nothing depends on who judges them.
    for line in (0, 3):
        assert two[line]["validation"] == pytest.approx(one[line]["validation"], abs=2e-5)


def test_one_of_the_two_has_a_step_of_nothing_but_cards(runs):
    """The case in which the processes have different numbers of pictures."""
    maker = CutMaker(PictureStore([PairFiles(ROOT, ROOT)], None, 0), [1.0], SEED, 0.5)
    assert {maker.name(cut) == "test card" for cut in (0, 1)} == {True, False}


LEAVING = """
import os
import torch
from trainer.distributed import joined_world

cpu = torch.device("cpu")
with joined_world(cpu) as world:
    model = world.shared(torch.nn.Linear(3, 3), cpu)
    model(torch.ones(2, 3)).sum().backward()
    del model
threads = [open(f"/proc/self/task/{task}/comm").read() for task in os.listdir("/proc/self/task")]
assert not [name for name in threads if "gloo" in name], threads
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are told by /proc")
def test_no_thread_of_the_group_outlives_it(tmp_path):
    """One that did aborted a finished process now and then, while its interpreter went."""
    script = tmp_path / "leaving.py"
    script.write_text(LEAVING)
    done = subprocess.run(
        [sys.executable, *TWO, str(script)],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("scene", [[0, 0, 1, 1], [1, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 1]])
def test_mean_of_the_shares_is_the_loss_of_the_whole(scene):
    """Two processes whose gradients are averaged, against one; the sum over them is made here."""
    ir, vis, fused = torch.rand(3, 4, 1, SIDE, SIDE, generator=torch.manual_seed(1)).double()
    fused.requires_grad_()
    marks = torch.tensor(scene).double()

    def loss(part, scenes):
        target = fusion_target(ir[part], vis[part], ir[part])
        return fusion_loss(
            *(fused[part], ir[part], vis[part], target, LossWeights(), marks[part], scenes)
        )[0]

    class Two(World):
        def total(self, values):
            return marks.sum()

    whole = loss(slice(None), World().scenes(marks))
    shares = [slice(0, 2), slice(2, 4)]
    halves = [loss(part, Two(0, 2).scenes(marks[part])) for part in shares]
    shared = (halves[0] + halves[1]) / 2
    assert shared.item() == pytest.approx(whole.item(), rel=1e-12)
    slopes = [torch.autograd.grad(each, fused)[0] for each in (shared, whole)]
    torch.testing.assert_close(*slopes, rtol=1e-9, atol=1e-15)


def test_one_process_talks_and_each_reads_its_share(runs):
    assert runs[2].count("written:") == 1
    assert "pictures and their saliency 2/2" in runs[2]  # the first of two, of three pairs


def flat(state):
    return torch.cat([tensor.double().flatten() for tensor in state.values()])


@pytest.mark.parametrize(("batch", "size"), [(3, 2), (4, 8)])
def test_batch_that_cannot_be_shared_is_refused(batch, size):
    phases = [{"share": 1, "crop": SIDE, "batch": batch}]
    with pytest.raises(TrainerError, match=f"batch of {batch} cannot .* {size} processes") as info:
        check_shares(TrainSettings.model_validate({"phases": phases}), World(0, size))
    assert f"multiple of {size}" in info.value.hint
