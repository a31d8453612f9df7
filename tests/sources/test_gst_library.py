"""How the system's GStreamer bindings come into a virtual environment, and nothing else of it."""

from __future__ import annotations

import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES

import pytest

from fusion_rt.errors import SourceError
from fusion_rt.sources import gst_library
from fusion_rt.sources.gst_library import (
    GstUnavailableError,
    gstreamer_missing,
    load_alone,
    system_place,
)


def package(folder, name: str, **files: str) -> None:
    (folder / name).mkdir()
    for stem, text in files.items():
        (folder / name / f"{stem.replace('init', '__init__')}.py").write_text(text)


def bindings(folder, build: str | None) -> None:
    """A folder that looks like a system's packages; ``build`` is the end of the library's name."""
    folder.mkdir(parents=True, exist_ok=True)
    package(folder, "gi", init="")
    if build is not None:
        (folder / "gi" / f"_gi{build}").touch()


def test_the_place_that_holds_a_build_for_this_python(tmp_path):
    bindings(tmp_path / "a", ".cpython-27-x86_64-linux-gnu.so")
    bindings(tmp_path / "b", EXTENSION_SUFFIXES[0])
    assert system_place([tmp_path / "absent", tmp_path / "a", tmp_path / "b"]) == tmp_path / "b"


@pytest.mark.parametrize(
    ("build", "words", "remedy"),
    [
        pytest.param(None, "another Python", "--system-site-packages", id="no-library"),
        pytest.param(
            ".cpython-27-x86_64-linux-gnu.so",
            "_gi.cpython-27-x86_64-linux-gnu.so",
            "--system-site-packages",
            id="other-python",
        ),
        # It would load, but may be built for a debug or a free-threaded Python.
        pytest.param(".so", "another Python", "--system-site-packages", id="build-of-no-version"),
    ],
)
def test_bindings_for_another_python(tmp_path, build, words, remedy):
    bindings(tmp_path, build)
    with pytest.raises(GstUnavailableError) as caught:
        system_place([tmp_path])
    assert words in str(caught.value)
    assert remedy in caught.value.hint


def test_no_bindings_at_all_names_the_packages(tmp_path):
    with pytest.raises(GstUnavailableError, match="are not installed") as caught:
        system_place([tmp_path])
    assert "sudo apt install python3-gi" in caught.value.hint
    assert isinstance(caught.value, SourceError)


def test_one_package_loads_and_its_neighbours_do_not(tmp_path):
    package(
        tmp_path, "lonely_package", init="from . import part\nvalue = part.value", part="value=7"
    )
    package(tmp_path, "neighbour_of_it", init="")
    try:
        assert load_alone("lonely_package", tmp_path).value == 7
        with pytest.raises(ModuleNotFoundError):
            __import__("neighbour_of_it")
        assert str(tmp_path) not in sys.path
    finally:
        sys.modules.pop("lonely_package", None)
        sys.modules.pop("lonely_package.part", None)


def test_package_that_breaks_leaves_nothing_behind(tmp_path):
    package(tmp_path, "broken_gi", init="from . import part\nraise OSError('libgobject')", part="")
    with pytest.raises(GstUnavailableError, match="OSError: libgobject"):
        load_alone("broken_gi", tmp_path)
    assert not [name for name in sys.modules if name.startswith("broken_gi")]


def test_failure_is_found_once_and_told_each_time(monkeypatch):
    tries = []

    def fail():
        tries.append(1)
        raise GstUnavailableError("no GStreamer", hint="install it")

    monkeypatch.setattr(gst_library, "_load", fail)
    monkeypatch.setattr(gst_library, "_loaded", None)
    for _ in range(2):
        assert gstreamer_missing() == "no GStreamer"
        with pytest.raises(GstUnavailableError) as caught:
            gst_library.load_gst()
        assert caught.value.hint == "install it"
    assert len(tries) == 1


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def real_gst() -> None:
    reason = gstreamer_missing()
    if reason:
        pytest.skip(reason)


def test_the_systems_other_packages_stay_out_of_reach(real_gst):
    found = run(
        "import importlib.util, sys\n"
        "from pathlib import Path\n"
        "before = list(sys.path)\n"
        "from fusion_rt.sources.gst_library import load_gst\n"
        "print(load_gst().version)\n"
        "place = Path(sys.modules['gi'].__file__).parents[1]\n"
        "assert sys.path == before\n"
        "if str(place) not in sys.path:\n"
        "    for path in place.glob('*/__init__.py'):\n"
        "        spec = importlib.util.find_spec(path.parent.name)\n"
        "        own = path.parent.name == 'gi'\n"
        "        if own or spec is None:\n"
        "            continue\n"
        "        found_in = [spec.origin or '', *(spec.submodule_search_locations or [])]\n"
        "        assert not any(each.startswith(str(place)) for each in found_in), spec\n"
    )
    assert found.startswith("(1, ")


_DECODE = """
import sys
import numpy as np
{imports}
from fusion_rt.camera_settings import CameraSettings
from fusion_rt.frame import Sensor
from fusion_rt.sources import open_source
from fusion_rt.sources.gstreamer import open_gst
path = sys.argv[1]
with open_source(path, Sensor.IR) as source:
    by_av = source.read().image
capture = cv2.VideoCapture(path, cv2.CAP_FFMPEG)
good, by_cv = capture.read()
assert good and by_cv.shape[:2] == by_av.shape
text = f"gst:filesrc location={path} ! matroskademux ! h264parse ! avdec_h264"
with open_gst(CameraSettings(uri=text), Sensor.IR) as source:
    by_gst = source.poll(5.0).image
np.testing.assert_array_equal(by_gst, by_av)
with open_source(path, Sensor.IR) as source:  # and once more, after GStreamer's FFmpeg came
    np.testing.assert_array_equal(source.read().image, by_av)
"""
_GI = "from fusion_rt.sources.gst_library import load_gst; load_gst()"
_AV = "from fusion_rt.pyav import import_av; import_av()"


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(("import cv2", _AV, _GI), id="gstreamer-last"),
        pytest.param((_GI, "import cv2", _AV), id="gstreamer-first"),
        pytest.param(("import cv2", _GI, _AV), id="gstreamer-between"),
    ],
)
def test_pyav_opencv_and_gstreamer_decode_in_one_process(real_gst, tmp_path, encode, noise, order):
    """GStreamer brings the system's FFmpeg, the packages from PyPI bring one each."""
    path = encode(tmp_path / "a.mkv", noise(5))
    code = _DECODE.replace("{imports}", "\n".join(order))
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=120
    )
    if "GStreamer has no element" in done.stderr:
        pytest.skip("GStreamer has no decoder for H.264 here")
    assert done.returncode == 0, done.stderr
