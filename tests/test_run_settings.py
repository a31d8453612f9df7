"""Settings of live runs: file, overrides and options; refusals that name the key; shipped files."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fusion_rt.camera_settings import CameraSettings
from fusion_rt.errors import UsageError
from fusion_rt.run_settings import RELOADABLE, RunSettings, load_run_settings
from fusion_rt.sources.open_live import check_live
from fusion_rt.thermal.layout import load_layout

CONFIGS = Path(__file__).parents[1] / "configs"
CAMERAS = {"ir": "v4l2:/dev/video2", "vis": "v4l2:/dev/video0"}
LIVE = sorted(
    path for path in CONFIGS.glob("*.yaml") if "cameras" in (yaml.safe_load(path.read_text()) or {})
)


@pytest.fixture
def write(tmp_path):
    def write(text: str) -> Path:
        path = tmp_path / "c.yaml"
        path.write_text(text)
        return path

    return write


# --- shipped files --------------------------------------------------------------------------------


def test_all_live_examples_are_found():
    assert {path.stem for path in LIVE} >= {
        "desktop-gpu",
        "jetson-csi-boson",
        "live",
        "two-rtsp",
        "webcam-uvc-thermal",
    }


@pytest.mark.parametrize("path", LIVE, ids=lambda path: path.stem)
def test_example_can_be_used(path):
    settings = load_run_settings(path)
    for camera in (settings.cameras.ir, settings.cameras.vis):
        check_live(camera)
        if camera.layout is not None:
            load_layout(camera.layout)


def test_reference_file_holds_exactly_the_defaults():
    settings = load_run_settings(CONFIGS / "live.yaml")
    assert settings == RunSettings.model_validate({"cameras": CAMERAS})


def test_reference_file_names_every_key():
    given = yaml.safe_load((CONFIGS / "live.yaml").read_text())
    settings = RunSettings.model_validate({"cameras": CAMERAS})
    assert list(given) == list(RunSettings.model_fields)
    for name, section in settings:
        fields = getattr(type(section), "model_fields", None)
        if fields is not None:
            assert set(given[name]) == set(fields), name
    assert set(given["cameras"]["ir"]) == set(CameraSettings.model_fields)


def test_reference_file_says_what_takes_effect_at_once():
    lines = (CONFIGS / "live.yaml").read_text().splitlines()
    marked = {line.partition(":")[0] for line in lines if "# at once" in line}
    assert marked == set(RELOADABLE)


# --- file, overrides, options ---------------------------------------------------------------------


def test_camera_may_be_a_plain_string(write):
    settings = load_run_settings(write("cameras: {ir: 'rtsp://h/ir', vis: '/dev/video0'}"))
    assert settings.cameras.ir == CameraSettings(uri="rtsp://h/ir")
    assert settings.cameras.vis == CameraSettings(uri="/dev/video0")


@pytest.mark.parametrize(
    ("overrides", "given", "uri", "timeout_s"),
    [
        pytest.param([], {}, "rtsp://h/ir", 2.0, id="as-in-the-file"),
        pytest.param(["cameras.ir.timeout_s=5"], {}, "rtsp://h/ir", 5.0, id="more-of-it"),
        pytest.param(["cameras.ir=rtsp://h/b"], {}, "rtsp://h/b", 2.0, id="another-one"),
        pytest.param(["cameras.ir.uri=rtsp://h/b"], {}, "rtsp://h/b", 2.0, id="another-uri"),
        pytest.param([], {"cameras.ir.uri": "udp://@:5000"}, "udp://@:5000", 2.0, id="option"),
        pytest.param(
            ["cameras.ir.uri=rtsp://h/b"],
            {"cameras.ir.uri": "rtsp://h/c"},
            "rtsp://h/c",
            2.0,
            id="option-wins",
        ),
        pytest.param([], {"cameras.ir.uri": None}, "rtsp://h/ir", 2.0, id="option-not-given"),
        pytest.param(
            ["cameras.ir=rtsp://h/b"],
            {"cameras.ir.uri": "rtsp://h/c"},
            "rtsp://h/c",
            2.0,
            id="option-over-a-plain-string",
        ),
    ],
)
def test_what_is_laid_over_a_plain_string(write, overrides, given, uri, timeout_s):
    path = write("cameras: {ir: 'rtsp://h/ir', vis: '/dev/video0'}")
    camera = load_run_settings(path, overrides, given).cameras.ir
    assert (camera.uri, camera.timeout_s) == (uri, timeout_s)


def test_no_file_is_needed():
    given = {"cameras.ir.uri": "rtsp://h/ir", "cameras.vis.uri": "rtsp://h/vis", "seconds": 3.0}
    settings = load_run_settings(None, ["pairing.mode=latest"], given)
    assert (settings.pairing.mode, settings.seconds) == ("latest", 3.0)


def test_paths_in_the_file_are_relative_to_it_and_others_to_the_working_folder(write):
    path = write(
        "cameras:\n  ir: {uri: rtsp://h/ir, layout: mine.yaml}\n  vis: /dev/video0\n"
        "rig: rig.yaml\nengine: {model: nets/mine.onnx}\n"
        "output: {film: out/f.mp4, report: /tmp/r.json}"
    )
    settings = load_run_settings(path)
    folder = path.parent
    assert settings.rig == folder / "rig.yaml"
    assert settings.output.film == folder / "out/f.mp4"
    assert settings.output.report == Path("/tmp/r.json")
    assert settings.cameras.ir.layout == str(folder / "mine.yaml")
    assert settings.engine.model == str(folder / "nets/mine.onnx")
    settings = load_run_settings(path, ["rig=other.yaml"], {"output.film": Path("f.mp4")})
    assert settings.rig == Path("other.yaml")
    assert settings.output.film == Path("f.mp4")


def test_names_that_are_no_paths_stay(write):
    path = write("cameras: {ir: {uri: a, layout: boson}, vis: b}\nengine: {model: bts-lite}")
    settings = load_run_settings(path)
    assert (settings.cameras.ir.layout, settings.engine.model) == ("boson", "bts-lite")


def test_empty_sections_keep_their_defaults(write):
    path = write("cameras: {ir: a, vis: b}\noutput:\nview:\n")
    assert load_run_settings(path) == RunSettings.model_validate(
        {"cameras": {"ir": "a", "vis": "b"}}
    )


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        pytest.param(
            "pairing: {mod: latest}", "unknown key 'pairing.mod'", "'pairing.mode'?", id="typo"
        ),
        pytest.param("camera: {}", "unknown key 'camera'", "'cameras'?", id="typo-of-a-section"),
        pytest.param(
            "cameras: {ir: {url: rtsp://h/a}, vis: b}",
            "unknown key 'cameras.ir.url'",
            "'cameras.ir.uri'?",
            id="typo-of-a-camera",
        ),
        pytest.param("cameras: {ir: a}", "cameras.vis", "uri", id="one-camera"),
        pytest.param("rig: null", "cameras", "ir, vis", id="no-cameras"),
        pytest.param("cameras: {ir: '', vis: b}", "cameras.ir.uri is ''", "uri", id="empty-name"),
        pytest.param(
            "cameras: {ir: a, vis: b}\npairing: {mode: best}",
            "pairing.mode is 'best'",
            "mode",
            id="unknown-mode",
        ),
        pytest.param(
            "cameras: {ir: a, vis: b}\nclock: {apply: always}",
            "clock.apply is 'always'",
            "estimate, apply",
            id="unknown-policy",
        ),
        pytest.param(
            "cameras: {ir: a, vis: b}\nseconds: 0", "greater than 0", "seconds", id="no-time"
        ),
        pytest.param(
            "cameras: {ir: {uri: a, timeout_s: 0.1}, vis: b}",
            "cameras.ir.timeout_s is 0.1",
            "timeout_s",
            id="too-short-a-time-out",
        ),
        pytest.param("pace: fast", "unknown key 'pace'", "known here", id="a-key-of-replay"),
    ],
)
def test_refusals_name_file_key_and_remedy(write, text, message, hint):
    with pytest.raises(UsageError, match=r"c\.yaml") as caught:
        load_run_settings(write(text))
    assert message in str(caught.value)
    assert hint in caught.value.hint


SECRET = "rtsp://user:secretword@host/x"


@pytest.mark.parametrize(
    "text",
    [
        f"cameras: {{ir: '{SECRET}', vis: b, sound: c}}",
        f"cameras: {{ir: ['{SECRET}'], vis: b}}",
        f"cameras: '{SECRET}'",
        f"seconds: '{SECRET}'\ncameras: {{ir: a, vis: b}}",
        f"- {SECRET}",
        f"'{SECRET}': 3",
        f"cameras:\n  ir: {SECRET}: y",
        "cameras:\n  ir: 'rtsp://user:secretword",
        f"cameras: {{ir: {{uri: '{SECRET}', timeout_s: 0}}, vis: b}}",
    ],
)
def test_no_refusal_shows_a_password(write, text):
    with pytest.raises(UsageError) as caught:
        load_run_settings(write(text))
    assert "secretword" not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(
    "override",
    [
        f"cameras.ir.uri.x={SECRET}",
        f"cameras={SECRET}",
        f"cameras.ir={{uri: {SECRET}",
        f"cameras.vis={{uri: {SECRET}, timeout_s: 0}}",
        f"={SECRET}",
        f"seconds={SECRET}",
    ],
)
def test_no_refusal_of_an_override_shows_a_password(override):
    given = ["cameras.ir.uri=a", "cameras.vis.uri=b", override]
    with pytest.raises(UsageError) as caught:
        load_run_settings(None, given)
    assert "secretword" not in str(caught.value) + caught.value.hint


def test_settings_do_not_show_a_password():
    settings = load_run_settings(None, [f"cameras.ir={SECRET}", "cameras.vis=b"])
    assert settings.cameras.ir.uri == SECRET
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert "secretword" not in shown
