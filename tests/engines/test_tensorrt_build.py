"""Real builds by TensorRT-RTX, which needs no GPU to build: models, targets, cache, stopping."""

from __future__ import annotations

import dataclasses
import os

import pytest

from engines.contract import FILE_PRECISIONS
from engines.errors import EngineError, Stopped
from engines.models import ModelFile, find_model, shipped_models
from engines.plan_cache import PlanCache
from engines.tensorrt import build as build_module
from engines.tensorrt.build import build_plan
from engines.tensorrt.cuda import DeviceFacts
from engines.tensorrt.flavour import load
from engines.tensorrt.prepare import plan_key, prepare_plan
from engines.tensorrt.request import BuildRequest
from engines.tensorrt.target import (
    ANYWHERE,
    PORTABLE,
    Target,
    known_capabilities,
    named_target,
    target_of,
)

pytest.importorskip("tensorrt_rtx", reason="tensorrt_rtx is not installed")

WH, IR_WH = (160, 120), (96, 80)
ADA = Target("any", "8.9")


@pytest.fixture(scope="module")
def rtx():
    return load("tensorrt-rtx")


@pytest.fixture
def cache(tmp_path):
    return PlanCache(tmp_path)


@pytest.fixture
def notes():
    return []


def request_for(precision="fp16", model="bts-lite", **fields):
    return BuildRequest(find_model(model), precision, WH, **{"target": ADA, **fields})


def build(rtx, request, seen=None, stop=lambda: False):
    return build_plan(rtx, request, [].append if seen is None else seen.append, stop)


def prepare(rtx, request, cache, notes, **options):
    return prepare_plan(rtx, request, cache, notes.append, progress=lambda _: None, **options)


@pytest.mark.parametrize("ir_size_wh", [None, IR_WH], ids=["plain", "grid"])
@pytest.mark.parametrize("precision", FILE_PRECISIONS)
@pytest.mark.parametrize("model", shipped_models())
def test_every_shipped_model_becomes_a_plan(rtx, model, precision, ir_size_wh):
    request = request_for(precision, model, ir_size_wh=ir_size_wh)
    built = build(rtx, request)
    assert built.plan[:4] == b"vtrt"
    # Weights are in the plan, and kernels beside them.
    assert len(built.plan) > request.file().path.stat().st_size / 2
    assert built.notes == ()
    assert not [line for line in built.messages if line.startswith("error")]


@pytest.mark.parametrize("size_wh", [(64, 64), (101, 77), (77, 101)])
def test_any_size(rtx, size_wh):
    built = build(rtx, dataclasses.replace(request_for(), size_wh=size_wh))
    assert built.plan[:4] == b"vtrt"


def test_every_compute_capability_that_is_offered(rtx):
    offered = known_capabilities(rtx)
    assert {"7.5", "8.6", "8.9", "12.0"} <= set(offered)
    plans = {build(rtx, request_for(target=named_target(rtx, name))).plan for name in offered}
    assert len(plans) == len(offered)


def test_compute_capability_that_is_not_offered(rtx):
    with pytest.raises(
        EngineError, match=r"does not build for compute capability '9\.0'"
    ) as caught:
        named_target(rtx, "9.0")
    assert "8.6" in caught.value.hint


def test_target_is_the_kind_of_gpu_and_not_its_name(rtx):
    facts = DeviceFacts(0, "NVIDIA X", "8.9", 8 << 30, False, (12, 4))
    assert target_of(rtx, facts) == Target("any", "8.9", 8192)
    unlisted = dataclasses.replace(facts, compute_capability="9.0")
    assert target_of(rtx, unlisted) == Target("any", PORTABLE, 8192)


def test_progress_is_told_on_the_calling_thread(rtx):
    seen = []
    build(rtx, request_for(), seen)
    assert seen
    assert [progress.seconds for progress in seen] == sorted(p.seconds for p in seen)


def test_stopping_ends_the_real_build(rtx, monkeypatch):
    monkeypatch.setattr(build_module, "_POLL_S", 0.001)
    with pytest.raises(Stopped, match="stopped while building"):
        build(rtx, request_for("fp32", "bts"), stop=lambda: True)
    assert build(rtx, request_for()).plan  # the library can go on


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"\xff" * 99, r"does not take .*mine\.onnx: ", id="no-protobuf"),
        pytest.param(b"", r"mine\.onnx takes nothing; a plain model", id="empty"),
    ],
)
def test_file_that_is_no_model(rtx, tmp_path, content, words):
    path = tmp_path / "mine.onnx"
    path.write_bytes(content)
    request = dataclasses.replace(request_for("fp32"), model=ModelFile("mine", path))
    with pytest.raises(EngineError, match=words) as caught:
        build(rtx, request)
    assert "exported by fusion-rt" in caught.value.hint


def test_grid_file_in_the_place_of_the_plain_one(rtx, tmp_path):
    grid = dataclasses.replace(request_for("fp32"), ir_size_wh=IR_WH).file()
    path = tmp_path / "mine.onnx"
    path.write_bytes(grid.path.read_bytes())
    request = dataclasses.replace(request_for("fp32"), model=ModelFile("mine", path))
    with pytest.raises(EngineError, match="a plain model takes ir, vis, weight"):
        build(rtx, request)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"precision": "bf16"}, "no plan computes in bf16"),
        ({"size_wh": (63, 64)}, "63x64 cannot be fused"),
        ({"ir_size_wh": (5000, 64)}, "5000x64 cannot be fused"),
    ],
)
def test_requests_that_cannot_be(fields, words):
    with pytest.raises(EngineError, match=words):
        dataclasses.replace(request_for(), **fields)


def test_missing_variant_says_how_to_write_it(rtx, tmp_path):
    path = tmp_path / "mine.onnx"
    path.write_bytes(b"")
    with pytest.raises(EngineError, match="fp16") as caught:
        build(rtx, dataclasses.replace(request_for(), model=ModelFile("mine", path)))
    assert "fusion-rt export" in caught.value.hint


def test_second_time_the_plan_comes_from_the_cache(rtx, cache, notes):
    first = prepare(rtx, request_for(), cache, notes)
    second = prepare(rtx, request_for(), cache, notes)
    assert (second.plan, second.entry) == (first.plan, first.entry)
    assert second.seconds is None
    assert first.seconds > 0
    assert notes == []
    again = prepare(rtx, request_for(), cache, notes, anew=True)
    assert again.seconds is not None
    assert len(cache.plans()) == 1


def test_plan_of_an_older_version_is_built_anew_with_a_reason(rtx, cache, notes):
    key = plan_key(rtx, request_for())
    cache.store(dataclasses.replace(key, version="1.6.0"), b"an older plan", 40)
    prepared = prepare(rtx, request_for(), cache, notes)
    assert prepared.seconds is not None
    assert notes == [
        f"no plan kept for bts-lite fp16 160x120 fits: version 1.6.0 -> {rtx.version}; building one"
    ]


def test_changed_model_file_is_built_anew(rtx, cache, notes, tmp_path):
    path = tmp_path / "mine.onnx"
    request = dataclasses.replace(request_for("fp32"), model=ModelFile("mine", path))
    for source in ("bts-lite", "bts"):
        path.write_bytes(find_model(source).path.read_bytes())
        prepare(rtx, request, cache, notes)
    assert notes == [
        "no plan kept for mine fp32 160x120 fits: the model file was changed; building one"
    ]


def test_damaged_plan_is_built_anew(rtx, cache, notes):
    first = prepare(rtx, request_for(), cache, notes)
    first.entry.path.write_bytes(first.plan[:1000])
    second = prepare(rtx, request_for(), cache, notes)
    assert second.seconds is not None
    assert "set aside" in notes[0]
    assert prepare(rtx, request_for(), cache, notes).seconds is None


def test_plan_that_cannot_be_kept_is_used_all_the_same(rtx, notes, tmp_path):
    (tmp_path / "file").write_text("")
    prepared = prepare(rtx, request_for(), PlanCache(tmp_path / "file"), notes)
    assert prepared.plan[:4] == b"vtrt"
    assert prepared.entry is None
    assert "FUSION_RT_CACHE=" in notes[0]


@pytest.mark.parametrize("name", ["precision", "size_wh", "ir_size_wh", "target"])
def test_key_follows_the_request(rtx, name):
    other = {
        "precision": "fp32",
        "size_wh": (160, 128),
        "ir_size_wh": IR_WH,
        "target": ANYWHERE,
    }
    request = request_for()
    changed = dataclasses.replace(request, **{name: other[name]})
    assert plan_key(rtx, changed).digest != plan_key(rtx, request).digest


def test_builds_leave_no_file_but_the_plan(rtx, cache, notes):
    prepare(rtx, request_for(), cache, notes)
    found = [name for _, _, names in os.walk(cache.root) for name in names]
    assert len(found) == 2
