"""The command line on real files: what it writes, its exit codes and its words."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

WH = (96, 80)
DATA = os.environ.get("FUSION_RT_DATA")


def fusion_rt(*arguments, cwd=None, env=None):
    """Run the command as a user does."""
    environment = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run(
        [sys.executable, "-m", "fusion_rt", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        env={**environment, **(env or {})},
    )


def write_pictures(folder: Path, count: int, color: bool, wh=WH, names=None) -> Path:
    folder.mkdir(parents=True)
    xs, ys = np.meshgrid(np.arange(wh[0]), np.arange(wh[1]))
    for index in range(count):
        plane = ((xs * 2 + ys + 7 * index) % 256).astype(np.uint8)
        if color:
            plane = np.dstack([plane, plane[::-1], 255 - plane])
        else:
            plane = cv2.circle(np.full_like(plane, 40), (20 + 3 * index, 40), 12, 230, -1)
        name = names[index] if names else f"{index:04d}"
        assert cv2.imwrite(str(folder / f"{name}.png"), plane)
    return folder


@pytest.fixture
def pair(tmp_path):
    """Folders ir and vis with 12 pictures each."""
    return write_pictures(tmp_path / "ir", 12, False), write_pictures(tmp_path / "vis", 12, True)


def frames_of(path):
    with av.open(str(path)) as container:
        return [f.to_ndarray(format="bgr24") for f in container.decode(video=0)]


def error_lines(done):
    return [line for line in done.stderr.splitlines() if line.startswith(("error:", "hint:"))]


def leftovers(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_replay_writes_film_stills_and_report(pair, tmp_path):
    ir, vis = pair
    out = tmp_path / "out"
    done = fusion_rt(
        *("replay", "--ir", f"{ir}?fps=25", "--vis", f"{vis}?fps=25"),
        *("--out", out / "fused.mp4", "--stills", out / "stills", "--report", out / "report.json"),
    )
    assert done.returncode == 0, done.stderr
    assert "running without a window" in done.stderr
    assert len(frames_of(out / "fused.mp4")) == 12
    with av.open(str(out / "fused.mp4")) as container:
        duration = container.streams.video[0].duration * container.streams.video[0].time_base
    assert duration == pytest.approx(Fraction(12, 25), abs=1e-3)
    assert len(list((out / "stills").glob("*.png"))) == 12
    report = json.loads((out / "report.json").read_text())
    assert report["frames"]["captured_ir"] == report["frames"]["captured_vis"] == 12
    assert report["frames"]["fused"] == 12
    assert report["throughput_fps"] > 0
    for stage in ("capture", "pair", "register", "fuse", "sink", "end_to_end"):
        assert set(report["latency_ms"][stage]) == {"p50", "p95", "p99", "max"}
    assert set(report["skew_ms"]) == {"p50", "p95", "max"}
    assert report["engine"]["size"] == list(WH)
    assert {"name", "device", "precision"} <= set(report["engine"])
    assert report["machine"]["processor"]
    assert not [name for name in leftovers(out) if ".part." in name]


def test_replay_repeats_bit_for_bit(pair, tmp_path):
    ir, vis = pair
    contents = []
    for run in ("one", "two"):
        done = fusion_rt("replay", "--ir", ir, "--vis", vis, "--stills", tmp_path / run)
        assert done.returncode == 0, done.stderr
        contents.append([path.read_bytes() for path in sorted((tmp_path / run).iterdir())])
    assert len(contents[0]) == 12
    assert contents[0] == contents[1]


def test_fuse_and_replay_show_the_same_picture(pair, tmp_path):
    ir, vis = pair
    assert fusion_rt("replay", "--ir", ir, "--vis", vis, "--stills", tmp_path / "a").returncode == 0
    done = fusion_rt("fuse", "--ir", ir, "--vis", vis, "--out", tmp_path / "b")
    assert done.returncode == 0, done.stderr
    for one, two in zip(
        sorted((tmp_path / "a").iterdir()), sorted((tmp_path / "b").iterdir()), strict=True
    ):
        np.testing.assert_array_equal(cv2.imread(str(one)), cv2.imread(str(two)))


def test_fuse_keeps_grey_grey_and_colour_colour(tmp_path):
    ir = write_pictures(tmp_path / "ir", 1, False)
    for name, color in (("grey", False), ("colour", True)):
        vis = write_pictures(tmp_path / name, 1, color)
        done = fusion_rt("fuse", "--ir", ir, "--vis", vis, "--out", tmp_path / f"out-{name}")
        assert done.returncode == 0, done.stderr
        picture = cv2.imread(str(tmp_path / f"out-{name}" / "0000.png"), cv2.IMREAD_UNCHANGED)
        assert picture.ndim == (3 if color else 2)


def test_fuse_takes_sixteen_bit_infrared(tmp_path):
    ir = tmp_path / "ir.png"
    counts = np.linspace(29_000, 31_000, WH[0] * WH[1]).astype(np.uint16).reshape(WH[::-1])
    assert cv2.imwrite(str(ir), counts)
    vis = write_pictures(tmp_path / "vis", 1, True) / "0000.png"
    done = fusion_rt("fuse", "--ir", ir, "--vis", vis, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert leftovers(tmp_path / "out") == ["0000.png"]


def test_fuse_lists_what_has_no_partner_and_fuses_the_rest(tmp_path):
    ir = write_pictures(tmp_path / "ir", 2, False, names=["a", "b"])
    vis = write_pictures(tmp_path / "vis", 2, True, names=["b", "c"])
    done = fusion_rt("fuse", "--ir", ir, "--vis", vis, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "infrared only: a.png; visible only: c.png" in done.stderr
    assert leftovers(tmp_path / "out") == ["b.png"]


def test_fuse_goes_on_after_a_bad_pair(tmp_path):
    ir = write_pictures(tmp_path / "ir", 3, False, names=["a", "b", "c"])
    vis = write_pictures(tmp_path / "vis", 3, True, names=["a", "b", "c"])
    (ir / "a.png").write_bytes((ir / "a.png").read_bytes()[:100])
    assert cv2.imwrite(str(ir / "b.png"), np.zeros((40, 48), np.uint8))
    for folder in (ir, vis):  # below what an engine takes
        assert cv2.imwrite(str(folder / "d.png"), np.zeros((40, 48), np.uint8))
    done = fusion_rt("fuse", "--ir", ir, "--vis", vis, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "a.png cannot be read as a picture" in done.stderr
    assert "b.png: infrared is 48x40 and visible 96x80" in done.stderr
    assert "d.png: pictures of 48x40 cannot be fused" in done.stderr
    assert "1 of 4 fused" in done.stderr
    assert leftovers(tmp_path / "out") == ["c.png"]


def test_fuse_wants_a_folder(pair, tmp_path):
    done = fusion_rt("fuse", "--ir", pair[0], "--vis", pair[1], "--out", tmp_path / "one.png")
    assert done.returncode == 2
    assert "names a picture" in done.stderr


def test_torn_last_picture_keeps_the_film(pair, tmp_path):
    ir, vis = pair
    torn = ir / "0011.png"
    torn.write_bytes(torn.read_bytes()[:200])
    out = tmp_path / "f.mp4"
    done = fusion_rt("replay", "--ir", ir, "--vis", vis, "--out", out, "--no-window")
    assert done.returncode == 1
    assert "breaks off after picture 10" in done.stderr
    assert len(frames_of(out)) == 11


def test_built_in_scene_brings_its_own_rig(tmp_path):
    uri = "synthetic:?seconds=0.1&vis_size=160x96&ir_size=96x80"
    report = tmp_path / "r.json"
    done = fusion_rt("replay", "--ir", uri, "--vis", uri, "--report", report, "--no-window")
    assert done.returncode == 0, done.stderr
    assert 0.5 < json.loads(report.read_text())["infrared_coverage"] < 0.95


def test_fuse_with_no_names_in_common_lists_them(tmp_path):
    ir = write_pictures(tmp_path / "ir", 1, False, names=["a"])
    vis = write_pictures(tmp_path / "vis", 1, True, names=["b"])
    done = fusion_rt("fuse", "--ir", ir, "--vis", vis, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "infrared only: a.png; visible only: b.png" in done.stderr
    assert not (tmp_path / "out").exists()


def test_truncated_video_is_fused_up_to_the_break(pair, tmp_path):
    ir, vis = pair
    video = tmp_path / "vis.mkv"
    with av.open(str(video), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = *WH, "bgr0"
        for path in sorted(vis.iterdir()):
            frame = av.VideoFrame.from_ndarray(cv2.imread(str(path)), format="bgr24")
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
    video.write_bytes(video.read_bytes()[: video.stat().st_size * 6 // 10])
    done = fusion_rt("replay", "--ir", ir, "--vis", video, "--out", tmp_path / "o" / "f.mp4")
    assert done.returncode == 1
    assert "vis.mkv breaks off after frame" in done.stderr
    assert 3 <= len(frames_of(tmp_path / "o" / "f.mp4")) < 12


def test_sixteen_bit_and_unequal_sizes_go_with_a_rig(tmp_path):
    ir = tmp_path / "ir"
    ir.mkdir()
    for index in range(3):
        counts = np.full((64, 80), 29_000 + index, np.uint16)
        counts[20:40, 20:40] = 31_000
        assert cv2.imwrite(str(ir / f"{index}.png"), counts)
    vis = write_pictures(tmp_path / "vis", 3, True, wh=(160, 128))
    rig = tmp_path / "rig.yaml"
    rig.write_text(
        "rig: 1\nir: {size: [80, 64]}\nvis: {size: [160, 128]}\n"
        "H_vis_ir: [[2, 0, 0.5], [0, 2, 0.5], [0, 0, 1]]\n"
    )
    done = fusion_rt(
        *("replay", "--ir", ir, "--vis", vis, "--rig", rig, "--stills", tmp_path / "out")
    )
    assert done.returncode == 0, done.stderr
    assert cv2.imread(str(tmp_path / "out" / "000000.png")).shape == (128, 160, 3)


BAD_INPUT = {
    "missing-file": (["--ir", "nowhere.mp4", "--vis", "{vis}"], 1, "nowhere.mp4"),
    "not-a-video": (["--ir", "{text}", "--vis", "{vis}"], 1, "notes.txt"),
    "empty-folder": (["--ir", "{empty}", "--vis", "{vis}"], 1, "empty"),
    "unequal-sizes": (["--ir", "{small}", "--vis", "{vis}"], 2, "64x64 and visible 96x80"),
    "empty-rig": (["--ir", "{ir}", "--vis", "{vis}", "--rig", "{empty_rig}"], 2, "is empty"),
    "nan-rig": (["--ir", "{ir}", "--vis", "{vis}", "--rig", "{nan_rig}"], 2, "NaN"),
    "unknown-key": (["--ir", "{ir}", "--vis", "{vis}", "--set", "engin.name=x"], 2, "'engin'"),
    "unknown-engine": (["--ir", "{ir}", "--vis", "{vis}", "--engine", "tpu"], 2, "engine 'tpu'"),
    "unknown-model": (["--ir", "{ir}", "--vis", "{vis}", "--model", "bst"], 2, "model 'bst'"),
    "unknown-view": (["--ir", "{ir}", "--vis", "{vis}", "--view", "fusd"], 2, "'fusd'"),
    "unknown-palette": (["--ir", "{ir}", "--vis", "{vis}", "--palette", "iron"], 2, "'iron'"),
    "unknown-option": (["--ir", "{ir}?fsp=3", "--vis", "{vis}"], 2, "'fsp'"),
    "far-apart": (
        ["--ir", "{ir}", "--vis", "{vis}", "--set", "pairing.ir_offset_ms=9000"],
        1,
        "no two were taken within",
    ),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_gets_one_line_a_remedy_and_leaves_no_file(case, pair, tmp_path):
    arguments, code, words = BAD_INPUT[case]
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("not a video")
    (tmp_path / "empty.yaml").write_text("")
    (tmp_path / "nan.yaml").write_text(
        "rig: 1\nir: {size: [96, 80]}\nvis: {size: [96, 80]}\n"
        "H_vis_ir: [[1, 0, .nan], [0, 1, 0], [0, 0, 1]]\n"
    )
    places = {
        "ir": pair[0],
        "vis": pair[1],
        "small": write_pictures(tmp_path / "small", 2, False, wh=(64, 64)),
        "empty": tmp_path / "empty",
        "text": tmp_path / "notes.txt",
        "empty_rig": tmp_path / "empty.yaml",
        "nan_rig": tmp_path / "nan.yaml",
    }
    out = tmp_path / "out"
    done = fusion_rt(
        *("replay", *(text.format(**places) for text in arguments)),
        *("--out", out / "f.mp4", "--report", out / "r.json"),
    )
    assert done.returncode == code, done.stderr
    lines = error_lines(done)
    assert [line.split(":")[0] for line in lines] == ["error", "hint"], done.stderr
    assert words in lines[0]
    assert "Traceback" not in done.stderr
    assert leftovers(out) == []


def test_debug_shows_the_traceback(pair):
    done = fusion_rt("--debug", "replay", "--ir", "nowhere.mp4", "--vis", pair[1])
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        pytest.param(["--out", "{video}"], "v.mp4 is an input", id="film-over-input"),
        pytest.param(["--report", "{video}"], "v.mp4 is an input", id="report-over-input"),
        pytest.param(["--report", "{rig}"], "rig.yaml is an input", id="report-over-rig"),
        pytest.param(["--stills", "{ir}"], "ir is an input", id="stills-among-input"),
        pytest.param(
            ["--out", "{new}", "--report", "{new}"], "two outputs would go to", id="two-in-one"
        ),
    ],
)
def test_input_is_never_replaced(outputs, words, pair, tmp_path):
    ir, vis = pair
    video, rig = tmp_path / "v.mp4", tmp_path / "rig.yaml"
    rig.write_text("rig: 1\nir: {size: [96, 80]}\nvis: {size: [96, 80]}\nH_vis_ir: identity\n")
    assert fusion_rt("replay", "--ir", ir, "--vis", vis, "--out", video).returncode == 0
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    places = {"video": video, "rig": rig, "ir": ir, "new": tmp_path / "new.mp4"}
    done = fusion_rt(
        *("replay", "--ir", ir, "--vis", f"{video}?track=0", "--rig", rig),
        *(text.format(**places) for text in outputs),
    )
    assert done.returncode == 2
    assert words in done.stderr
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def test_stills_are_not_fused_into_their_own_folder(pair):
    done = fusion_rt("fuse", "--ir", pair[0], "--vis", pair[1], "--out", pair[1])
    assert done.returncode == 2
    assert "holds the input" in done.stderr


def test_a_run_survives_a_closed_standard_error(pair, tmp_path):
    out = tmp_path / "f.mp4"
    command = [sys.executable, "-m", "fusion_rt", "replay", "--ir", pair[0], "--vis", pair[1]]
    command += ["--out", out, "--engine", "classical", "--no-window"]
    reader, writer = os.pipe()
    os.close(reader)  # whoever read the lines has gone
    try:
        assert subprocess.run(command, stderr=writer, timeout=60).returncode == 0
    finally:
        os.close(writer)
    assert len(frames_of(out)) == 12
    out.unlink()
    text = " ".join(f"'{part}'" for part in command)
    assert subprocess.run(f"{text} 2>&-", shell=True, timeout=60).returncode == 0
    assert len(frames_of(out)) == 12


def test_brackets_and_colons_in_names_are_shown_as_they_are(pair, tmp_path):
    out = tmp_path / "[night] :v: [/b]" / "f.mp4"
    done = fusion_rt(
        *("replay", "--ir", pair[0], "--vis", pair[1], "--out", out, "--engine", "classical"),
    )
    assert done.returncode == 0, done.stderr
    assert "[night] :v: [/b]/f.mp4" in done.stderr.replace("\n", "")


@pytest.mark.parametrize("option", ["--rig", "--config"])
def test_picture_given_as_text_file(option, pair):
    done = fusion_rt(
        "replay", "--ir", pair[0], "--vis", pair[1], option, pair[0] / "0000.png", "--no-window"
    )
    assert done.returncode == 2
    assert "is not a text file" in done.stderr


@pytest.mark.parametrize(("option", "name"), [("--out", "f.mp4"), ("--report", "r.json")])
def test_output_that_cannot_be_written_is_found_before_the_first_frame(option, name, pair):
    place = pair[0] / "0000.png" / name  # below a file
    done = fusion_rt("replay", "--ir", pair[0], "--vis", pair[1], option, place)
    assert done.returncode == 1
    assert error_lines(done)[0].startswith("error: cannot write")
    assert "fusing" not in done.stderr


def with_file_limit(limit: int, *arguments) -> subprocess.CompletedProcess:
    """Run the command where no file may grow beyond ``limit`` bytes.

    That stands for a full disk: the same write fails in the same place.
    """
    code = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        "from fusion_rt.cli import main\n"
        "main()\n"
    )
    command = [sys.executable, "-B", "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("option", "name", "limit"),
    [("--out", "f.mp4", 3000), ("--stills", "s", 300), ("--report", "r.json", 300)],
)
def test_disk_that_fills_up_ends_the_run_and_leaves_no_half_file(
    option, name, limit, pair, tmp_path
):
    out = tmp_path / "out"
    done = with_file_limit(
        *(limit, "replay", "--ir", pair[0], "--vis", pair[1], "--no-window"),
        *(option, out / name, "--engine", "classical"),
    )
    assert done.returncode == 1, done.stderr
    assert f"cannot write {out / name}" in done.stderr
    assert "Traceback" not in done.stderr
    assert leftovers(out) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_finishes_the_film(tmp_path, number):
    ir = write_pictures(tmp_path / "ir", 200, False)
    vis = write_pictures(tmp_path / "vis", 200, True)
    out = tmp_path / "f.mp4"
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "fusion_rt", "replay", "--ir", ir, "--vis", vis, "--out", out),
            *("--no-window", "--pace", "realtime", "--engine", "classical"),
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    part = tmp_path / "f.part.mp4"
    deadline = time.monotonic() + 60
    # The film's first fragment is on disk after a second of film.
    while not (part.exists() and part.stat().st_size > 2000) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "captured" in errors
    assert 0 < len(frames_of(out)) < 200
    assert not part.exists()


def test_bench_writes_the_agreed_keys(tmp_path):
    done = fusion_rt(
        *("bench", "--size", "96x80", "--frames", "40", "--json", tmp_path / "b.json"),
        *("--engine", "classical"),
    )
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "b.json").read_text())
    for part in ("engine_alone", "pipeline"):
        assert result[part]["throughput_fps"] > 0
        assert set(result[part]["latency_ms"]) == {"p50", "p95", "p99"}


def test_doctor_finds_the_main_job_working_and_names_what_is_missing():
    done = fusion_rt("doctor", "--json")
    assert done.returncode == 0, done.stderr
    grades = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert grades["engine auto"]["grade"] == "ok"
    assert grades["video files"]["grade"] == "ok"
    assert grades["display"]["grade"] == "note"
    assert grades["display"]["remedy"]


def test_demo_writes_two_films_and_a_report(tmp_path):
    out = tmp_path / "demo"
    done = fusion_rt("demo", "--out", out, "--seconds", "0.3", "--size", "320x180", "--no-window")
    assert done.returncode == 0, done.stderr
    assert leftovers(out) == ["fused.mp4", "report.json", "rig.yaml", "side_by_side.mp4"]
    report = json.loads((out / "report.json").read_text())
    assert report["frames"]["fused"] == 9
    assert len(frames_of(out / "fused.mp4")) == 9
    assert frames_of(out / "fused.mp4")[0].shape == (180, 320, 3)
    # The command that the demo prints does the same from the files it wrote.
    command = next(line for line in done.stderr.splitlines() if "fusion-rt replay" in line)
    again = subprocess.run(
        f"{sys.executable} -m fusion_rt {command.strip().removeprefix('fusion-rt ')}"
        f" --no-window --report {tmp_path / 'r.json'}",
        shell=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert again.returncode == 0, again.stderr
    assert json.loads((tmp_path / "r.json").read_text())["frames"]["fused"] == 9


@pytest.mark.skipif(DATA is None, reason="FUSION_RT_DATA is not set")
def test_real_clip_and_real_still(tmp_path):
    clip = Path(DATA) / "video" / "0111_1716"
    done = fusion_rt(
        *("replay", "--ir", f"{clip}/ir?fps=30", "--vis", f"{clip}/vis?fps=30"),
        *("--out", tmp_path / "f.mp4", "--engine", "classical", "--no-window"),
    )
    assert done.returncode == 0, done.stderr
    assert len(frames_of(tmp_path / "f.mp4")) == 20
    tno = Path(DATA) / "test" / "tno"
    done = fusion_rt(
        *("fuse", "--ir", tno / "ir" / "01.png", "--vis", tno / "vis" / "01.png"),
        *("--out", tmp_path),
    )
    assert done.returncode == 0, done.stderr
    fused = cv2.imread(str(tmp_path / "01.png"), cv2.IMREAD_UNCHANGED)
    ir = cv2.imread(str(tno / "ir" / "01.png"), cv2.IMREAD_GRAYSCALE)
    assert fused.shape == ir.shape
