"""``fusion-rt engine`` as its user sees it: files, words and exit codes."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "fusion_rt", "engine"]
RTX = importlib.util.find_spec("tensorrt_rtx") is not None
needs_rtx = pytest.mark.skipif(not RTX, reason="tensorrt_rtx is not installed")
SMALL = ("build", "bts-lite", "--backend", "tensorrt-rtx", "--size", "96x80")
FOR_ADA = ("--compute-capability", "8.9")


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def engine(cache, *arguments, before=()):
    """Run the command as a user does, with a cache of its own."""
    command = [*COMMAND[:3], *before, "engine", *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "FUSION_RT_CACHE": str(cache)},
    )


def plans(cache):
    return sorted((cache / "plans").glob("*.plan"))


def flat(text):
    return " ".join(text.split())


@needs_rtx
def test_from_building_to_clearing_away(cache):
    done = engine(cache, *SMALL, *FOR_ADA)
    assert done.returncode == 0, done.stderr
    (plan,) = plans(cache)
    assert "building bts-lite fp16 96x80" in done.stderr
    assert str(plan) in done.stderr
    assert "not measured yet" in done.stderr

    again = engine(cache, *SMALL, *FOR_ADA)
    assert "was there already" in again.stderr
    assert plans(cache) == [plan]
    forced = engine(cache, *SMALL, *FOR_ADA, "--force")
    assert forced.returncode == 0
    assert plans(cache) != [plan]
    (plan,) = plans(cache)

    listed = flat(engine(cache, "list").stderr)
    assert "bts-lite 96x80 fp16 TensorRT-RTX 1." in listed
    assert "any GPU (8.9)" in listed
    assert "1 plan, " in listed

    for what in (plan, plan.name, "bts-lite-96x80-fp16"):
        shown = flat(engine(cache, "inspect", what).stderr)
        assert "MiB, whole" in shown
        assert "parity not measured yet" in shown
    plan.write_bytes(b"x")
    assert "damaged: its content has changed" in flat(engine(cache, "inspect", plan).stderr)

    dry = engine(cache, "prune", "--all", "--dry-run")
    assert "2 files would go, freeing" in flat(dry.stderr)
    assert plans(cache) == [plan]
    pruned = engine(cache, "prune", "--all")
    assert pruned.returncode == 0
    assert "2 files removed, freeing" in flat(pruned.stderr)
    assert plans(cache) == []
    assert "no plans in" in engine(cache, "list").stderr


@needs_rtx
def test_grid_plan_beside_the_plain_one(cache):
    for more in ((), ("--ir-size", "64x64")):
        done = engine(cache, *SMALL, *FOR_ADA, "--precision", "fp32", *more)
        assert done.returncode == 0, done.stderr
    assert len(plans(cache)) == 2
    assert "96x80 ir 64x64" in flat(engine(cache, "list").stderr)


@needs_rtx
def test_without_a_gpu_it_is_said_for_what_is_built(cache):
    if importlib.util.find_spec("pycuda") is not None:
        pytest.skip("here may be a GPU")
    done = engine(cache, *SMALL)
    assert done.returncode == 0, done.stderr
    assert "building without a GPU" in done.stderr
    assert "portable" in engine(cache, "list").stderr


@needs_rtx
def test_debug_shows_what_the_library_said(cache):
    done = engine(cache, *SMALL, *FOR_ADA, before=("--debug",))
    assert "tensorrt-rtx: info: " in done.stderr


@needs_rtx
def test_bar_in_a_terminal(cache):
    """A terminal of its own: bars were drawn without end where standard error went through them."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*COMMAND, *SMALL, *FOR_ADA],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "FUSION_RT_CACHE": str(cache), "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(ours, 4096):
            shown += chunk
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(ours)
    assert process.wait(timeout=60) == 0
    assert b"building bts-lite fp16 96x80" in shown
    assert len(plans(cache)) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "words", "remedy"),
    [
        pytest.param(("build", "bst"), 2, "unknown model 'bst'", "'bts'", id="unknown-model"),
        pytest.param(("build", "--size", "big"), 2, "cannot read the size", "WxH", id="size"),
        pytest.param(("build", "--size", "32x32"), 1, "32x32 cannot be fused", "64x64", id="small"),
        pytest.param(
            ("build", "--compute-capability", "5.2"), 1, "capability '5.2'", "8.6", id="old-gpu"
        ),
        pytest.param(("inspect", "nothing"), 2, "unknown model 'nothing'", "bts", id="nothing"),
        pytest.param(("inspect", "a/b.plan"), 1, "b.plan is not there", "list", id="no-plan"),
        pytest.param(("prune",), 2, "not said what is to go", "--unfit", id="prune-what"),
    ],
)
def test_mistakes_get_one_line_and_a_remedy(cache, arguments, code, words, remedy):
    backend = ("--backend", "tensorrt-rtx") if arguments[0] == "build" else ()
    if backend and not RTX:
        pytest.skip("tensorrt_rtx is not installed")
    done = engine(cache, *arguments, *backend)
    assert done.returncode == code, done.stderr
    what, hint = done.stderr.splitlines()[-2:]
    assert what.startswith("error: ")
    assert words in what
    assert hint.startswith("hint: ")
    assert remedy in hint


def test_back_end_that_is_not_installed(cache):
    code = "import sys; sys.modules['tensorrt'] = None; from fusion_rt.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "engine", "build", "--backend", "tensorrt"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "FUSION_RT_CACHE": str(cache)},
    )
    assert done.returncode == 1
    assert "pip install" in done.stderr
    assert "Traceback" not in done.stderr


@needs_rtx
def test_cache_that_cannot_be_written_is_found_before_building(tmp_path):
    (tmp_path / "file").write_text("")
    done = engine(tmp_path / "file" / "cache", *SMALL, *FOR_ADA)
    assert done.returncode == 1
    assert "cannot write" in done.stderr
    assert "export FUSION_RT_CACHE=" in done.stderr
    assert "building" not in done.stderr


def test_model_is_shown_without_onnx(cache):
    code = (
        "import importlib.util as util; found = util.find_spec\n"
        "util.find_spec = lambda name, *more: None if name == 'onnx' else found(name, *more)\n"
        "from fusion_rt.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "engine", "inspect", "bts"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "FUSION_RT_CACHE": str(cache)},
    )
    assert done.returncode == 0, done.stderr
    assert "bts.onnx" in done.stderr
    assert "shown where onnx is installed" in done.stderr
    assert "operations:" not in done.stderr


def test_model_is_shown_with_its_operations(cache):
    pytest.importorskip("onnx", reason="onnx is not installed")
    shown = flat(engine(cache, "inspect", "bts").stderr)
    assert "bts-fp16.onnx" in shown
    assert "vis uint8 (1, H, W, 3)" in shown
    assert "20 Conv" in shown
    assert "float16" in shown


SLOW = """
import sys
from types import SimpleNamespace
sys.path.insert(0, sys.argv.pop(1))
from fake_tensorrt import FILES, fake_tensorrt
sys.modules["tensorrt"] = fake_tensorrt(
    "10.7.0", FILES["fp16"], phases=[("Timing graph nodes", 1_000_000_000)]
)
from engines.tensorrt.cuda import DeviceFacts
from fusion_rt.commands import engine
engine.device_facts = lambda index: DeviceFacts(0, "NVIDIA X", "8.6", 8 << 30, False, (12, 4))
engine.open_device = lambda index: SimpleNamespace(close=lambda: None)
from fusion_rt.cli import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_a_long_build(cache, number):
    """The stand-in's build would take hours."""
    tests = str(Path(__file__).parent)
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, tests, "engine", "build", "--backend", "tensorrt"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "FUSION_RT_CACHE": str(cache)},
    )
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line)
        if "building" in line:
            break
    process.send_signal(number)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130, lines
    assert "error: stopped while building" in rest
    assert plans(cache) == []
