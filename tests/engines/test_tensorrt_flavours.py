"""What each version of TensorRT is told: flags, types, shapes, limits. By a recording stand-in."""

from __future__ import annotations

import configparser
import re
import sys
import threading
from pathlib import Path

import pytest
from fake_tensorrt import FILES, PLAN, fake_tensorrt

from engines.contract import FILE_PRECISIONS, model_file
from engines.errors import BackendUnavailable, EngineError, Stopped, UnknownNameError
from engines.models import ModelFile
from engines.tensorrt import flavour as flavours
from engines.tensorrt import messages, target
from engines.tensorrt.build import build_plan
from engines.tensorrt.cuda import DeviceFacts
from engines.tensorrt.messages import BuildOutOfMemory, LibraryReport, logger_of
from engines.tensorrt.request import BuildRequest

WEAK, FLAG, ALWAYS = "8.6.1", "10.7.0", "11.4.0.106"
GPU = target.Target("NVIDIA X", "8.6", 16_384)


@pytest.fixture(autouse=True)
def own_logger(monkeypatch):
    """Each stand-in is another library; the real one is one for the whole process."""
    monkeypatch.setattr(messages, "_loggers", {})


@pytest.fixture
def model(tmp_path):
    """A model with all its variants; the stand-in does not read them."""
    for precision in FILE_PRECISIONS:
        for grid in (False, True):
            (tmp_path / model_file("mine", precision=precision, grid=grid)).write_bytes(b"onnx")
    return ModelFile("mine", tmp_path / "mine.onnx")


def go_on():
    return False


def build(trt, model, precision="fp16", stop=go_on, report=lambda progress: None, **options):
    flavour = flavours.flavour_of("tensorrt", trt)
    timing = options.pop("timing_cache", None)
    request = BuildRequest(model, precision, (320, 200), GPU, **options)
    return build_plan(flavour, request, report, stop, timing_cache=timing)


def only(trt, name):
    return [call[1:] for call in trt.calls if call[0] == name]


@pytest.mark.parametrize(
    ("version", "precision", "network_flags", "flags"),
    [
        pytest.param(WEAK, "fp32", 0b01, [], id="8.6-fp32-nothing-narrower"),
        pytest.param(
            WEAK, "fp16", 0b01, ["FP16", "PREFER_PRECISION_CONSTRAINTS", "TF32"], id="8.6-fp16"
        ),
        pytest.param(WEAK, "int8", 0b01, ["INT8", "TF32"], id="8.6-int8"),
        pytest.param(FLAG, "fp32", 0b10, [], id="10-fp32"),
        pytest.param(FLAG, "fp16", 0b10, ["TF32"], id="10-fp16-by-the-file-alone"),
        pytest.param(FLAG, "int8", 0b10, ["TF32"], id="10-int8-by-the-file-alone"),
        pytest.param(ALWAYS, "fp32", 0, [], id="11-fp32"),
        pytest.param(ALWAYS, "fp16", 0, ["TF32"], id="11-fp16"),
        pytest.param(ALWAYS, "int8", 0, ["TF32"], id="11-int8"),
    ],
)
def test_flags(model, version, precision, network_flags, flags):
    trt = fake_tensorrt(version, FILES[precision])
    built = build(trt, model, precision)
    assert built.plan == PLAN
    assert only(trt, "network") == [(network_flags,)]
    assert only(trt, "build") == [(flags, None)]


def test_weak_typing_keeps_wide_what_the_file_keeps_wide(model):
    trt = fake_tensorrt(WEAK, FILES["fp16"])
    build(trt, model)
    held = {
        layer.type.name: (layer.precision.name, layer.output_types[0].name)
        for layer in trt.network.layers
        if layer.precision is not None
    }
    # Not the cast back, which has its type, nor the shape, which is no number of the picture.
    assert held == {"ELEMENTWISE": ("FLOAT", "FLOAT")}


@pytest.mark.parametrize("version", [FLAG, ALWAYS])
def test_strong_typing_sets_no_precision_of_layers(model, version):
    trt = fake_tensorrt(version, FILES["fp16"])
    build(trt, model)
    assert all(getattr(layer, "precision", None) is None for layer in trt.network.layers)


@pytest.mark.parametrize(
    ("flags", "network_flags", "words"),
    [
        pytest.param({"FP16"}, 0b10, "kFP16", id="10-refuses-fp16-with-strong-typing"),
        pytest.param({"INT8"}, 0b10, "kFP16", id="10-refuses-int8-with-strong-typing"),
    ],
)
def test_the_stand_in_refuses_what_the_library_refuses(flags, network_flags, words):
    """Otherwise the tests above could pass with wrong flags."""
    trt = fake_tensorrt(FLAG, FILES["fp16"])
    logger = logger_of(flavours.flavour_of("tensorrt", trt))
    builder = trt.Builder(logger)
    network, config = builder.create_network(network_flags), builder.create_builder_config()
    network.fill()
    config.flags |= flags
    with messages.collecting() as said:
        assert builder.build_serialized_network(network, config) is None
    assert words in said.texts("error")[0]


@pytest.mark.parametrize("version", [WEAK, FLAG, ALWAYS])
@pytest.mark.parametrize(
    ("asked", "held"), [("fp16", "fp32"), ("int8", "fp16"), ("fp32", "int8"), ("fp32", "fp16")]
)
def test_file_of_another_precision_is_refused(model, version, asked, held):
    """A strongly typed builder would build it without a word."""
    trt = fake_tensorrt(version, FILES[held])
    with pytest.raises(EngineError, match=f"holds an {held} network, not an {asked} one"):
        build(trt, model, asked)
    assert not only(trt, "build")


def test_shapes_are_fixed(model):
    trt = fake_tensorrt(FLAG, FILES["fp16"])
    build(trt, model)
    assert sorted(only(trt, "shape")) == [
        ("ir", (1, 1, 200, 320)),
        ("vis", (1, 200, 320, 3)),
        ("weight", (1, 1, 200, 320)),
    ]


def test_infrared_of_its_own_size_takes_the_grid_variant(model):
    grid = [("ir", "UINT8"), ("vis", "UINT8"), ("weight", "UINT8"), ("grid", "FLOAT")]
    trt = fake_tensorrt(FLAG, FILES["fp16"], inputs=grid)
    build(trt, model, ir_size_wh=(160, 128))
    assert sorted(only(trt, "shape"))[:2] == [
        ("grid", (1, 200, 320, 2)),
        ("ir", (1, 1, 128, 160)),
    ]
    with pytest.raises(EngineError, match="takes ir, vis, weight; a grid model takes"):
        build(fake_tensorrt(FLAG, FILES["fp16"]), model, ir_size_wh=(160, 128))


def test_parser_errors_are_listed_in_words(model):
    trt = fake_tensorrt(FLAG, [], parser_errors=["axis 7\nis not there", "b", "c", "d", "e"])
    with pytest.raises(EngineError) as caught:
        build(trt, model)
    text = str(caught.value)
    assert "node 'stem' (Conv): axis 7 is not there; " in text
    assert text.endswith("; and 1 more")
    with pytest.raises(EngineError, match="node 3: axis 7"):
        build(fake_tensorrt(WEAK, [], parser_errors=["axis 7"]), model)


def test_no_driver(model):
    with pytest.raises(BackendUnavailable, match="there is no NVIDIA driver") as caught:
        build(fake_tensorrt(FLAG, FILES["fp16"], driver=False), model)
    assert "nvidia-smi" in caught.value.hint


def test_short_of_memory_a_smaller_workspace_is_tried_once(model):
    trt = fake_tensorrt(FLAG, FILES["fp16"], memory_mib=4096)
    built = build(trt, model)
    assert [limit for _, limit in only(trt, "build")] == [None, 4096]
    assert built.plan == PLAN
    assert "16384 MiB were asked for" in built.notes[0]
    assert "workspace of 4096 MiB" in built.notes[0]


def test_short_of_memory_twice(model):
    trt = fake_tensorrt(FLAG, FILES["fp16"], memory_mib=1)
    with pytest.raises(BuildOutOfMemory, match="too little free memory, 16384 MiB") as caught:
        build(trt, model)
    assert len(only(trt, "build")) == 2
    assert caught.value.asked_bytes == 16 << 30


def test_what_the_library_said_is_kept(model):
    built = build(fake_tensorrt(FLAG, FILES["fp16"]), model)
    assert built.messages == ("warning: mind the gap",)
    trt = fake_tensorrt(FLAG, FILES["fp16"], memory_mib=1)
    with pytest.raises(BuildOutOfMemory) as caught:
        build(trt, model)
    assert isinstance(caught.value.__cause__, LibraryReport)
    assert "warning: mind the gap" in str(caught.value.__cause__)


def test_one_logger_for_the_life_of_the_process(model):
    flavour = flavours.flavour_of("tensorrt", fake_tensorrt(FLAG, FILES["fp16"]))
    assert logger_of(flavour) is logger_of(flavour)


def test_stop_ends_the_build_after_its_step(model):
    trt = fake_tensorrt(FLAG, FILES["fp16"], phases=[("Timing", 10_000_000)])
    seen = []
    with pytest.raises(Stopped) as caught:
        build(trt, model, stop=lambda: True, report=seen.append)
    assert caught.value.exit_code == 130
    under_way = [progress for progress in seen if progress.stage == "timing"]
    assert under_way
    assert 0 < under_way[-1].done < under_way[-1].total == 10_000_000


def test_what_cannot_be_stopped_is_left_alone(model):
    """8.6 has no monitor: the wish is told as an error, the thread ends with the process."""
    trt = fake_tensorrt(WEAK, FILES["fp16"])
    may_end = threading.Event()
    quick = trt.Builder.build_serialized_network

    def slow(*arguments):
        may_end.wait(20)
        return quick(*arguments)

    trt.Builder.build_serialized_network = slow
    with pytest.raises(Stopped, match=r"TensorRT 8\.6\.1 goes on until the process ends"):
        build(trt, model, stop=lambda: True)
    may_end.set()


def test_failing_report_stops_the_build(model):
    """Otherwise the thread would go on for minutes for nobody."""
    trt = fake_tensorrt(FLAG, FILES["fp16"], phases=[("Timing", 10_000_000)])

    def broken(progress):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(trt, model, report=broken)
    assert all(thread.name != "build plan" for thread in threading.enumerate())


def test_measurements_are_kept_and_used(model, tmp_path):
    path = tmp_path / "timing" / "x.timing"
    trt = fake_tensorrt(WEAK, FILES["fp16"])
    build(trt, model, timing_cache=path)
    assert path.read_bytes() == b"+"
    build(trt, model, timing_cache=path)
    assert trt.config.cache.content == b"+"
    assert path.read_bytes() == b"++"


def test_measurements_of_another_gpu_are_not_used(model, tmp_path):
    path = tmp_path / "x.timing"
    path.write_bytes(b"other GPU")
    trt = fake_tensorrt(FLAG, FILES["fp16"])
    built = build(trt, model, timing_cache=path)
    assert "does not fit this TensorRT and GPU" in built.notes[0]
    assert path.read_bytes() == b"+"


def test_measurements_that_cannot_be_kept_cost_no_plan(model, tmp_path):
    (tmp_path / "file").write_text("")
    trt = fake_tensorrt(FLAG, FILES["fp16"])
    built = build(trt, model, timing_cache=tmp_path / "file" / "x.timing")
    assert built.plan == PLAN
    assert "the next build measures anew" in built.notes[-1]


@pytest.mark.parametrize(
    ("name", "version", "typing", "monitored", "timing_cache"),
    [
        ("tensorrt", "8.6.2.3", "weak", False, True),
        ("tensorrt", "10.0.1", "flag", True, True),
        ("tensorrt", "10.16.1.11", "flag", True, True),
        ("tensorrt", "11.0.0.114", "always", True, True),
        ("tensorrt", "12.1.0", "always", True, True),
        ("tensorrt-rtx", "1.4.0.76", "flag", True, False),
        ("tensorrt-rtx", "1.7.1.116", "always", True, False),
    ],
)
def test_traits_follow_the_version(name, version, typing, monitored, timing_cache):
    module = fake_tensorrt("10.7.0", [])
    module.__version__ = version
    found = flavours.flavour_of(name, module)
    assert (found.typing, found.monitored, found.timing_cache) == (typing, monitored, timing_cache)


def test_what_is_too_old_or_unknown_is_refused(monkeypatch):
    module = fake_tensorrt("8.6.1", [])
    module.__version__ = "8.5.2"
    with pytest.raises(BackendUnavailable, match=r"TensorRT 8\.5\.2 is too old: 8\.6"):
        flavours.flavour_of("tensorrt", module)
    with pytest.raises(UnknownNameError, match="back end 'tensor'"):
        flavours.load("tensor")
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(BackendUnavailable, match="'tensorrt' does not load") as caught:
        flavours.load("tensorrt")
    assert "pip install" in caught.value.hint


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        pytest.param("x86_64", r"pip install 'fusion-rt\[tensorrt\]'", id="pc"),
        pytest.param("aarch64", "JetPack; .*venv --system-site-packages", id="jetson"),
    ],
)
def test_remedy_is_that_of_the_machine(monkeypatch, machine, words):
    monkeypatch.setattr(flavours.platform, "machine", lambda: machine)
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    with pytest.raises(BackendUnavailable) as caught:
        flavours.load("tensorrt")
    assert re.search(words, caught.value.hint)


def test_oldest_version_that_is_installed_is_one_that_works():
    setup = configparser.ConfigParser()
    setup.read(Path(__file__).parents[2] / "setup.cfg")
    extras = "".join(setup["options.extras_require"].values())
    required = dict(re.findall(r"^(tensorrt[a-z0-9-]*)>=([0-9.]+)", extras, re.MULTILINE))
    for package, name in (("tensorrt", "tensorrt"), ("tensorrt-rtx-cu13", "tensorrt-rtx")):
        module = fake_tensorrt("10.7.0", [])
        module.__version__ = required[package]
        assert flavours.flavour_of(name, module).version == required[package]


def facts(capability):
    return DeviceFacts(0, "NVIDIA X", capability, 16 << 30, False, (12, 4))


def test_tensorrt_builds_for_the_gpu_beside_it(model):
    flavour = flavours.flavour_of("tensorrt", fake_tensorrt(FLAG, []))
    assert target.target_of(flavour, facts("8.6")) == GPU
    with pytest.raises(EngineError, match="builds for the GPU of this machine only"):
        target.named_target(flavour, "8.6")
