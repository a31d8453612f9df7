"""Plans on disk: what is found, what is set aside, what goes, and in which words."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import time

import pytest

from engines import plan_cache, plan_fit
from engines.errors import BackendUnavailable, EngineError
from engines.models import find_model, find_variant
from engines.plan_cache import PlanCache
from engines.plan_fit import Here
from engines.plan_key import SCHEMA, PlanKey
from engines.plan_prune import Rule, choose, remove
from engines.tensorrt.cuda import CudaError, DeviceFacts

KEY = PlanKey(
    model="bts",
    model_sha256="ab" * 32,
    flavour="tensorrt",
    version="10.3.0",
    gpu="NVIDIA X",
    compute_capability="8.6",
    size_wh=(640, 480),
    ir_size_wh=None,
    precision="fp16",
)
PLAN = bytes(range(256)) * 8
OTHER = {
    "model": "bts-lite",
    "model_sha256": "cd" * 32,
    "flavour": "tensorrt-rtx",
    "version": "10.7.0",
    "gpu": "NVIDIA Y",
    "compute_capability": "8.9",
    "size_wh": (480, 640),
    "ir_size_wh": (640, 480),
    "precision": "int8",
    "schema": SCHEMA + 1,
}


@pytest.fixture
def cache(tmp_path):
    return PlanCache(tmp_path / "cache")


@pytest.fixture
def notes():
    return []


def changed(**fields):
    return dataclasses.replace(KEY, **fields)


def names(cache):
    return sorted(path.name for path in cache.folder.iterdir())


def test_every_field_of_the_key_counts():
    assert set(OTHER) == {field.name for field in dataclasses.fields(PlanKey)}
    keys = [KEY, *(changed(**{name: value}) for name, value in OTHER.items())]
    assert len({key.digest for key in keys}) == len(keys)
    assert len({key.stem for key in keys}) == len(keys)


def test_key_survives_json():
    for key in (KEY, changed(ir_size_wh=(320, 256))):
        assert PlanKey.from_data(json.loads(json.dumps(key.as_data()))) == key


def test_names_of_files_are_readable_and_harmless():
    key = changed(model="mine/../odd name:é", ir_size_wh=(320, 256))
    assert key.stem.startswith("mine_.._odd_name_-640x480-ir320x256-fp16-tensorrt-")
    assert "/" not in key.stem


def test_what_was_stored_is_found(cache, notes):
    stored = cache.store(KEY, PLAN, 12.3456)
    found, plan = cache.find(KEY, notes.append)
    assert (found, plan) == (stored, PLAN)
    assert (found.seconds, found.size, found.parity) == (12.346, len(PLAN), None)
    assert notes == []
    assert len(names(cache)) == 2


@pytest.mark.parametrize("name", OTHER)
def test_another_key_finds_nothing(cache, notes, name):
    cache.store(KEY, PLAN, 1)
    assert cache.find(changed(**{name: OTHER[name]}), notes.append) is None
    assert notes == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"version": "10.7.0"}, "version 10.3.0 -> 10.7.0"),
        ({"gpu": "NVIDIA Y"}, "GPU NVIDIA X -> NVIDIA Y"),
        ({"compute_capability": "8.9"}, "compute capability 8.6 -> 8.9"),
        ({"model_sha256": "cd" * 32}, "the model file was changed"),
        (
            {"version": "10.7.0", "gpu": "NVIDIA Y"},
            "version 10.3.0 -> 10.7.0, GPU NVIDIA X -> NVIDIA Y",
        ),
        ({}, ""),
        # Another job is no reason: such a plan was never meant for it.
        ({"precision": "int8"}, ""),
        ({"size_wh": (1280, 720)}, ""),
        ({"ir_size_wh": (640, 480)}, ""),
        ({"model": "bts-lite"}, ""),
        ({"flavour": "tensorrt-rtx"}, ""),
    ],
)
def test_why_a_plan_does_not_fit(cache, fields, words):
    cache.store(KEY, PLAN, 1)
    assert cache.why_stale(changed(**fields)) == words


def test_newest_plan_is_the_one_compared_with(cache):
    for day, version in ((3, "10.7.0"), (9, "10.13.0"), (5, "10.1.0")):
        entry = cache.store(changed(version=version), PLAN, 1)
        data = json.loads(entry.sidecar.read_text())
        entry.sidecar.write_text(json.dumps({**data, "built": f"2026-01-0{day}T00:00:00+00:00"}))
    assert cache.why_stale(KEY) == "version 10.13.0 -> 10.3.0"


def spoil_plan(entry):
    content = entry.path.read_bytes()
    entry.path.write_bytes(content[:-1] + b"x")


def edit(**fields):
    def spoil(entry):
        data = json.loads(entry.sidecar.read_text())
        entry.sidecar.write_text(json.dumps({**data, **fields}))

    return spoil


def without_seconds(entry):
    data = json.loads(entry.sidecar.read_text())
    del data["seconds"]
    entry.sidecar.write_text(json.dumps(data))


DAMAGES = [
    pytest.param(spoil_plan, "its content has changed", id="changed-byte"),
    pytest.param(lambda e: e.path.write_bytes(PLAN[:99]), "99 bytes instead of 2048", id="short"),
    pytest.param(lambda e: e.path.unlink(), "its plan is gone", id="no-plan"),
    pytest.param(lambda e: e.sidecar.write_bytes(b""), "cannot be read", id="empty-sidecar"),
    pytest.param(lambda e: e.sidecar.write_bytes(b"\xff{"), "cannot be read", id="not-text"),
    pytest.param(lambda e: e.sidecar.write_text("[]"), "not of schema", id="not-a-table"),
    pytest.param(edit(schema=SCHEMA + 1), "not of schema", id="other-schema"),
    pytest.param(without_seconds, "lacks something", id="lacks-a-field"),
    pytest.param(edit(key={}), "does not say what", id="no-key"),
    pytest.param(
        edit(key=changed(precision="int8").as_data()), "belongs to another", id="other-key"
    ),
    pytest.param(edit(built="yesterday"), "", id="no-date"),
    pytest.param(edit(built="0001-01-01T00:00:00+14:00"), "out of range", id="date-before-all"),
    pytest.param(edit(bytes=float("inf")), "out of range", id="endless-size"),
    pytest.param(edit(bytes=[1]), "lacks something", id="size-is-a-list"),
    pytest.param(lambda e: e.sidecar.write_bytes(b"[" * 100_000), "cannot be read", id="deep"),
    *(
        pytest.param(edit(plan=name), "names another file", id=f"plan-is-{label}")
        for label, name in {
            "a-number": 5,
            "empty": "",
            "the-folder": ".",
            "the-one-above": "..",
            "in-another-folder": "a/b.plan",
            "of-another-plan": "bts.plan",
            "with-a-zero": f"{KEY.stem}-\0.plan",
            "the-sidecar": f"{KEY.stem}.json",
        }.items()
    ),
    pytest.param(edit(parity=3), "parity cannot be read", id="parity-is-a-number"),
]


@pytest.mark.parametrize(("spoil", "words"), DAMAGES)
def test_damaged_plan_is_set_aside_and_can_be_built_anew(cache, notes, spoil, words):
    spoil(cache.store(KEY, PLAN, 1))
    assert cache.find(KEY, notes.append) is None
    assert len(notes) == 1
    assert words in notes[0]
    assert "set aside" in notes[0]
    assert any(name.endswith(".json.damaged") for name in names(cache))
    assert cache.find(KEY, notes.append) is None  # told once, not at each start
    assert len(notes) == 1
    cache.store(KEY, PLAN, 1)
    assert cache.find(KEY, notes.append)[1] == PLAN


@pytest.mark.parametrize(("spoil", "words"), DAMAGES)
def test_damaged_plan_disturbs_no_other(cache, spoil, words):
    spoil(cache.store(KEY, PLAN, 1))
    other = cache.store(changed(precision="fp32"), PLAN, 1)
    assert other in cache.plans()
    assert cache.why_stale(changed(version="11.0.0", precision="fp32"))
    assert len(cache.entries()) == 2


def test_a_new_plan_replaces_the_old_one(cache, notes):
    cache.store(KEY, PLAN, 1).kernels.write_bytes(b"of the old plan")
    cache.store(KEY, PLAN[::-1], 2)
    assert cache.find(KEY, notes.append)[1] == PLAN[::-1]
    assert len(names(cache)) == 2
    cache.store(KEY, PLAN[::-1], 3)  # the same content
    assert cache.find(KEY, notes.append)[0].seconds == 3
    assert len(names(cache)) == 2


def test_parity_is_written_beside_the_plan(cache, notes):
    entry = cache.store(KEY, PLAN, 1)
    cache.note_parity(KEY, {"psnr_db": 52.5})
    assert cache.find(KEY, notes.append)[0].parity == {"psnr_db": 52.5}
    cache.note_parity(KEY, {"psnr_db": 1.0}, sha256="of another plan")
    assert cache.find(KEY, notes.append)[0].parity == {"psnr_db": 52.5}
    cache.note_parity(KEY, {"psnr_db": 53.5}, sha256=entry.sha256)
    assert cache.find(KEY, notes.append)[0].parity == {"psnr_db": 53.5}
    cache.store(KEY, PLAN, 1)  # a new plan has not been compared
    assert cache.find(KEY, notes.append)[0].parity is None
    with pytest.raises(EngineError, match="no plan"):
        cache.note_parity(changed(precision="fp32"), {})


def test_plan_that_is_replaced_while_it_is_read(cache, notes, monkeypatch):
    entry = cache.store(KEY, PLAN, 1)
    read = plan_cache.read

    def read_late(path):
        if path == entry.path and path.exists():
            cache.store(KEY, PLAN[::-1], 2)
        return read(path)

    monkeypatch.setattr(plan_cache, "read", read_late)
    assert cache.find(KEY, notes.append)[1] == PLAN[::-1]
    assert notes == []


HAMMER = """
import os, sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from test_plan_cache import KEY
from engines.plan_cache import PlanCache
cache, notes = PlanCache(Path(sys.argv[1])), []
for turn in range(60):
    content = f"{os.getpid() if turn % 2 else 0} {turn}".encode()
    cache.store(KEY, content, turn)
    found = cache.find(KEY, notes.append)
    assert found is not None
    cache.plans(), cache.why_stale(KEY)
assert not notes, notes
"""


def test_two_processes_at_once(cache, notes):
    here = os.path.dirname(__file__)
    root = os.path.dirname(os.path.dirname(here))
    command = [sys.executable, "-c", HAMMER, str(cache.root), here, root]
    running = [
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=root) for _ in range(2)
    ]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert cache.find(KEY, notes.append) is not None
    assert notes == []


def test_folder_that_cannot_be_written(tmp_path, notes):
    (tmp_path / "file").write_text("")
    cache = PlanCache(tmp_path / "file" / "cache")
    assert cache.find(KEY, notes.append) is None
    for attempt in (lambda: cache.store(KEY, PLAN, 1), cache.check_writable):
        with pytest.raises(EngineError, match="cannot write") as caught:
            attempt()
        assert "FUSION_RT_CACHE=" in caught.value.hint


def test_check_leaves_nothing_behind(cache):
    cache.check_writable()
    assert names(cache) == []


def test_plan_is_found_by_its_file(cache):
    entry = cache.store(KEY, PLAN, 1)
    assert cache.of_file(entry.path) == cache.of_file(entry.sidecar) == entry
    stray = cache.folder / "stray.plan"
    stray.write_bytes(b"")
    with pytest.raises(EngineError, match="no file beside it"):
        cache.of_file(stray)
    with pytest.raises(EngineError, match="is not there"):
        cache.of_file(cache.folder / "none.plan")


def gpu(name="NVIDIA X", capability="8.6"):
    return DeviceFacts(0, name, capability, 16 << 30, False, (12, 4))


def sha_of(model, precision):
    import hashlib

    return hashlib.sha256(
        find_variant(find_model(model), precision=precision).path.read_bytes()
    ).hexdigest()


@pytest.mark.parametrize(
    ("fields", "here", "words"),
    [
        pytest.param({}, {}, "", id="fits"),
        pytest.param({}, {"versions": {}}, "TensorRT is not installed", id="not-installed"),
        pytest.param(
            {"version": "10.1.0"}, {}, "for TensorRT 10.1.0, 10.3.0 is installed", id="old-version"
        ),
        pytest.param({}, {"devices": (gpu("NVIDIA Y"),)}, "no such GPU", id="other-gpu"),
        pytest.param({}, {"devices": (gpu("Z"), gpu())}, "", id="second-of-two-gpus"),
        pytest.param({}, {"devices": ()}, "no such GPU here (none)", id="no-gpu"),
        pytest.param({}, {"devices": None}, "", id="gpus-cannot-be-asked"),
        pytest.param(
            {"gpu": "any", "compute_capability": "8.6"},
            {"devices": (gpu("NVIDIA Y"),)},
            "",
            id="any-of-its-kind",
        ),
        pytest.param(
            {"gpu": "any", "compute_capability": "portable"},
            {"devices": (gpu("NVIDIA Y", "12.0"),)},
            "",
            id="portable",
        ),
        pytest.param({"model_sha256": "ab" * 32}, {}, "is another one now", id="other-file"),
        pytest.param(
            {"model": "my-own", "model_sha256": "ab" * 32}, {}, "", id="own-file-is-not-known"
        ),
        pytest.param(
            {"model": "bts.onnx", "model_sha256": "ab" * 32},
            {},
            "",
            id="own-file-like-shipped",
        ),
    ],
)
def test_what_is_of_use_here(cache, fields, here, words):
    key = changed(**{"model_sha256": sha_of("bts", "fp16"), **fields})
    around = Here(**{"versions": {"tensorrt": "10.3.0"}, "devices": (gpu(),), **here})
    reason = around.why_unfit(cache.store(key, PLAN, 1))
    assert words in reason
    assert bool(reason) == bool(words)


@pytest.fixture
def filled(cache):
    """An old plan, a new one, a damaged one, one set aside, leftovers, and measurements."""
    old = cache.store(changed(version="10.1.0"), PLAN, 1)
    for plan in (old, cache.store(KEY, PLAN, 1)):
        plan.kernels.write_bytes(b"123456")
    (cache.folder / "broken.json").write_text("{")
    (cache.folder / "x.plan.damaged").write_bytes(b"12345")
    (cache.folder / "lost.plan").write_bytes(b"1234567")
    (cache.folder / ".being-written.part").write_bytes(b"1")
    for other in ("timing/x.timing", "openvino/x.blob", "parity/x.json"):
        (cache.root / other).parent.mkdir()
        (cache.root / other).write_bytes(b"123")
    long_ago = time.time() - 40 * 86_400
    aged = (cache.folder / "lost.plan", cache.root / "openvino" / "x.blob")
    for path in (*old.files, *aged, *cache.folder.glob("*.kernels")):
        os.utime(path, (long_ago, long_ago))
    return cache


def unfit(plan):
    return "for another version" if plan.key.version == "10.1.0" else ""


@pytest.mark.parametrize(
    ("rule", "reasons"),
    [
        pytest.param(Rule(), [], id="no-rule"),
        pytest.param(Rule(older_than_days=30), ["40 days old"] * 3, id="old"),
        pytest.param(Rule(older_than_days=50), [], id="not-so-old"),
        pytest.param(
            Rule(why_unfit=unfit),
            [
                "damaged: its description cannot be read",
                "for another version",
                "left over",
                "set aside as damaged",
            ],
            id="unfit",
        ),
        pytest.param(Rule(everything=True), ["all go"] * 9, id="all"),
    ],
)
def test_what_goes(filled, rule, reasons):
    chosen = choose(filled, rule)
    assert sorted(removal.reason for removal in chosen) == reasons
    if rule.everything:
        others = {"timing/x.timing", "openvino/x.blob", "parity/x.json"}
        assert others <= {removal.name for removal in chosen}
    gone = {path for removal in chosen for path in removal.paths}
    size = sum(path.stat().st_size for path in gone)
    before = set(filled.root.rglob("*"))
    assert remove(chosen) == size
    assert before - set(filled.root.rglob("*")) == gone


def test_what_went_meanwhile_is_no_fault(filled):
    chosen = choose(filled, Rule(everything=True))
    remove(chosen)
    remove(chosen)
    assert choose(filled, Rule(everything=True)) == []


def test_empty_cache(cache):
    assert cache.plans() == []
    assert cache.why_stale(KEY) == ""
    assert choose(cache, Rule(everything=True)) == []


@pytest.mark.parametrize(
    ("error", "found"),
    [
        pytest.param(CudaError("unknown error"), None, id="cuda-fails"),
        pytest.param(BackendUnavailable("no pycuda"), None, id="cannot-be-asked"),
        pytest.param(EngineError("there is no GPU 0"), (), id="no-gpu"),
    ],
)
def test_what_is_said_of_gpus_that_cannot_be_asked(monkeypatch, error, found):
    def facts(index):
        raise error

    monkeypatch.setattr(plan_fit, "device_facts", facts)
    assert plan_fit.look_around().devices == found
