"""``fusion-rt train``: exit codes and words; what it computes is tested in ``tests/trainer``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from training_data import small_settings, use_tiny_network, write_pairs
from typer.testing import CliRunner

from fusion_rt.cli import app
from trainer.checkpoint import load_checkpoint

TESTS = Path(__file__).parent.parent


def fusion_rt(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def config(tmp_path, monkeypatch):
    """A file for a small training of a small network."""
    use_tiny_network(monkeypatch)
    settings = small_settings(
        write_pairs(tmp_path / "data", 1), tmp_path / "never", tmp_path / "cache"
    )
    path = tmp_path / "c.yaml"
    path.write_text(yaml.safe_dump(settings.model_dump(mode="json")))
    return path


def test_training_runs_and_says_what_it_wrote(config, tmp_path):
    done = fusion_rt("train", config, "--out", tmp_path / "out", "--set", "steps=2")
    assert done.exit_code == 0, done.output
    assert "training: 1 pair in" in done.stderr
    assert f"written: {tmp_path / 'out' / 'model.pt'}" in done.stderr
    assert not (tmp_path / "never").exists()
    assert "| processor |" in (tmp_path / "out" / "report.md").read_text()


# In a process of its own, as a signal in the middle of native code of other tests' libraries may
# end the process that runs all tests.
INTERRUPTED = """
import signal, sys
import pytest
from training_data import use_tiny_network
from fusion_rt.cli import app
from trainer import session

use_tiny_network(pytest.MonkeyPatch())
real = session.Updater.__call__

steps = iter(range(4))

def interrupted(self, batch, rate, stop):
    result = real(self, batch, rate, stop)
    if next(steps) == 1:
        signal.raise_signal(int(sys.argv[1]))
    return result

session.Updater.__call__ = interrupted
app(sys.argv[2:])
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_keeps_a_checkpoint_and_says_how_to_go_on(config, tmp_path, number):
    out = tmp_path / "out"
    arguments = ["train", config, "--out", out, "--set", "checkpoint_every=100"]
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(int(number)), *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(TESTS)},
        cwd=TESTS.parent,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 130, done.stderr
    assert "stopped: 3 of 4 steps are kept" in done.stderr
    assert "--resume" in done.stderr
    assert load_checkpoint(out / "last.pt")["step"] == 3
    again = fusion_rt(*arguments, "--resume")
    assert again.exit_code == 0, again.output
    assert "going on after step 3" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["--set", "stepps=3"], 2, ["unknown key 'stepps'", "'steps'"], id="typo"),
        pytest.param(["--set", "data=[none]"], 1, ["none is not a folder", "MSRS"], id="no-data"),
        pytest.param(["--set", "init=m.onnx"], 1, ["ONNX model", "bts.pt"], id="model-to-begin"),
        pytest.param(
            ["--set", "phases=[{share: 1, crop: 201, batch: 1}]"],
            1,
            ["ir/0.png is 220x200, too small for cuts of 201 px", "a smaller crop"],
            id="crop-larger-than-a-picture",
        ),
        pytest.param(
            ["--set", "phases=[{share: 1, crop: 4096, batch: 4096}]"],
            1,
            ["4096 cuts of 4096 px needs about", "choose a crop of at most"],
            id="no-memory",
        ),
        pytest.param(["--resume"], 2, ["nothing to go on with", "--resume"], id="no-checkpoint"),
    ],
)
def test_failures_are_one_line_and_a_remedy(config, tmp_path, monkeypatch, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.onnx").touch()
    done = fusion_rt("train", config, *arguments)
    assert done.exit_code == code
    error, hint = done.stderr.strip().splitlines()[-2:]
    assert error.startswith("error:")
    assert hint.startswith("hint:")
    assert words[0] in error
    assert words[1] in hint


def test_first_line_comes_before_torch_is_loaded(tmp_path):
    code = (
        "import sys\nfrom fusion_rt import terminal\n"
        "def say(text):\n    sys.exit(f'{text}, torch: {\"torch\" in sys.modules}')\n"
        "terminal.say = say\n"
        "from fusion_rt.commands.train import train\n"
        "from pathlib import Path\n"
        "train(Path('mine.yaml'), [], Path('out/mine'), False)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    line = "starting: training by mine.yaml, results to out/mine; loading torch, torch: False"
    assert done.stderr.strip() == line


def test_of_many_processes_one_talks(config, tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    done = fusion_rt("train", config, "--out", tmp_path / "out", "--set", "steps=2")
    assert "starting" not in done.stderr


def test_without_torch_the_extra_is_named(config, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    done = fusion_rt("train", config)
    assert done.exit_code == 2
    assert "training needs 'torch'" in done.stderr
    assert "pip install -c constraints.txt -e '.[train]'" in done.stderr
