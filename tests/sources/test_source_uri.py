from __future__ import annotations

from fractions import Fraction

import pytest

from fusion_rt.errors import UsageError
from fusion_rt.sources.uri import frames_per_second, parse_uri, track_number


@pytest.mark.parametrize(
    ("text", "kind", "path", "options"),
    [
        pytest.param("street.mp4", "video", "street.mp4", {}, id="video-file"),
        pytest.param("both.mkv?track=1", "video", "both.mkv", {"track": "1"}, id="second-track"),
        pytest.param("pics", "images", "pics", {}, id="existing-folder"),
        pytest.param("pics/?fps=30", "images", "pics/", {"fps": "30"}, id="folder-with-rate"),
        pytest.param("shot.PNG", "images", "shot.PNG", {}, id="one-picture"),
        pytest.param("pics/*.png", "images", "pics/*.png", {}, id="star"),
        pytest.param("pics/ir_?.png", "images", "pics/ir_?.png", {}, id="question-mark-is-a-glob"),
        pytest.param("a_?.png?fps=9", "images", "a_?.png", {"fps": "9"}, id="glob-and-option"),
        pytest.param("a_[0-4].png", "images", "a_[0-4].png", {}, id="bracket"),
        pytest.param("odd?fps=1.mp4", "video", "odd?fps=1.mp4", {}, id="existing-path-wins"),
        pytest.param("gone", "images", "gone", {}, id="missing-without-suffix-is-a-folder"),
        pytest.param("12:30.mp4", "video", "12:30.mp4", {}, id="colon-after-digits-is-no-scheme"),
        pytest.param(
            "synthetic:night?seed=3&fps=9",
            "synthetic",
            "night",
            {"seed": "3", "fps": "9"},
            id="synthetic-keeps-any-option",
        ),
        pytest.param("synthetic:", "synthetic", "", {}, id="synthetic-without-name"),
    ],
)
def test_text_is_taken_apart(text, kind, path, options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pics").mkdir()
    (tmp_path / "odd?fps=1.mp4").touch()
    uri = parse_uri(text)
    assert (uri.kind, uri.path, dict(uri.options), uri.text) == (kind, path, options, text)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        pytest.param("", "name is empty", "video file", id="empty"),
        pytest.param("a.mp4?trak=1", "'trak', known here: track", "'track'", id="misspelt-option"),
        pytest.param("a.mp4?fps=30", "'fps', known here: track", "leave", id="no-fps-for-video"),
        pytest.param("pics?track=1", "'track', known here: fps", "leave", id="no-track-for-images"),
        pytest.param("pics?fps=1&fps=2", "'fps' is given twice", "once", id="twice"),
        pytest.param("rtsp://cam/1", "live cameras (rtsp:) are not", "record", id="rtsp"),
        pytest.param("v4l2:/dev/video0", "live cameras (v4l2:) are not", "record", id="v4l2"),
        pytest.param("/dev/zero", "is a device: live cameras", "record", id="device"),
        pytest.param("syntetic:x", "unknown scheme 'syntetic:'", "'synthetic'", id="misspelt"),
        pytest.param("ftp://x/a.mp4", "unknown scheme 'ftp:'", "video file", id="foreign-scheme"),
    ],
)
def test_wrong_text_is_refused(text, message, hint):
    with pytest.raises(UsageError) as caught:
        parse_uri(text)
    assert message in str(caught.value)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "rate"),
    [("25", Fraction(25)), ("29.97", Fraction(2997, 100)), ("30000/1001", Fraction(30000, 1001))],
)
def test_rate_is_exact(text, rate):
    assert frames_per_second(text, "pics") == rate


@pytest.mark.parametrize("text", ["", "fast", "0", "-5", "1/0", "1001", "nan", "inf"])
def test_impossible_rate_is_refused(text):
    with pytest.raises(UsageError, match="fps is"):
        frames_per_second(text, "pics")


@pytest.mark.parametrize("text", ["", "-1", "1.5", "two", "²"])
def test_impossible_track_is_refused(text):
    with pytest.raises(UsageError, match="track is"):
        track_number(text, "a.mkv")
