from __future__ import annotations

from fractions import Fraction

import pytest

from fusion_rt.errors import UsageError
from fusion_rt.frame import Sensor
from fusion_rt.sources import open_source
from fusion_rt.sources.uri import frames_per_second, parse_uri, redacted, track_number


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
        pytest.param(
            "rtsp://h/a?x=1", "network", "rtsp://h/a?x=1", {}, id="address-keeps-its-query"
        ),
        pytest.param("udp://@:5000", "network", "udp://@:5000", {}, id="udp-without-host"),
        pytest.param("HTTP://h/m.mp4", "network", "HTTP://h/m.mp4", {}, id="scheme-in-capitals"),
        pytest.param("/dev/video0", "v4l2", "/dev/video0", {}, id="device-there-or-not"),
        pytest.param("/dev/v4l/by-id/a", "v4l2", "/dev/v4l/by-id/a", {}, id="device-by-its-link"),
        pytest.param("v4l2:/dev/video2", "v4l2", "/dev/video2", {}, id="v4l2-device"),
        pytest.param("v4l2:serial=12", "v4l2", "serial=12", {}, id="v4l2-serial"),
        pytest.param("v4l2:usb-a-index0", "v4l2", "usb-a-index0", {}, id="v4l2-by-id"),
        pytest.param("camera:1", "camera", "1", {}, id="by-number"),
        pytest.param("csi:0?fps=30", "csi", "0", {"fps": "30"}, id="ribbon-cable"),
        pytest.param("gst: a ! b x=1?y=2", "gst", "a ! b x=1?y=2", {}, id="pipeline-is-kept-whole"),
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
        pytest.param("rtsp:cam/1", "no network address", "rtsp://host", id="no-slashes"),
        pytest.param("http://", "no network address", "http://host", id="no-host"),
        pytest.param("gst:", "no pipeline", "v4l2src", id="no-pipeline"),
        pytest.param("v4l2:", "names no camera", "/dev/video0", id="no-device"),
        pytest.param("csi:", "names no camera", "csi:0", id="no-number"),
        pytest.param("csi:0?wdth=9", "'wdth', known here: fps", "'width'", id="misspelt-csi"),
        pytest.param("v4l2:a?fps=9", "'fps', known here: none", "leave", id="no-v4l2-options"),
        pytest.param("/dev/zero", "a device, but no camera", "fusion-rt sources", id="device"),
        pytest.param("syntetic:x", "unknown scheme 'syntetic:'", "'synthetic'", id="misspelt"),
        pytest.param("gopher://x/a", "unknown scheme 'gopher:'", "video file", id="foreign-scheme"),
    ],
)
def test_wrong_text_is_refused(text, message, hint):
    with pytest.raises(UsageError) as caught:
        parse_uri(text)
    assert message in str(caught.value)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "text", ["rtsp://h/a", "/dev/video0", "v4l2:serial=1", "csi:0", "gst:videotestsrc"]
)
def test_camera_is_no_recording(text):
    with pytest.raises(UsageError, match="is a live camera") as caught:
        open_source(text, Sensor.IR)
    assert "fusion-rt run" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("rtsp://host:554/a", "rtsp://host:554/a", id="nothing-to-hide"),
        pytest.param("rtsp://me:pw@host/a", "rtsp://me:***@host/a", id="name-and-password"),
        pytest.param("rtsp://abc123@host/a", "rtsp://***@host/a", id="token-alone"),
        pytest.param("rtsp://me:p@w@host/a", "rtsp://me:***@host/a", id="at-sign-in-password"),
        pytest.param("rtsp://me:p/w@host/a", "rtsp://me:***@host/a", id="slash-in-password"),
        pytest.param("rtsp://me:p@/w@host/a", "rtsp://me:***@host/a", id="both-in-password"),
        pytest.param("rtsp://me:p?#w@host", "rtsp://me:***@host", id="marks-in-password"),
        pytest.param("udp://@239.0.0.1:5000", "udp://@239.0.0.1:5000", id="multicast"),
        pytest.param("http://h/v?usr=a&pwd=b&q=1", "http://h/v?usr=a&pwd=***&q=1", id="in-query"),
        pytest.param("http://h/v?Token=b", "http://h/v?Token=***", id="token-in-query"),
        pytest.param("srt://h:1?passphrase=b", "srt://h:1?passphrase=***", id="srt"),
        pytest.param(
            "rtsp://h/user=a_password=b_c=1", "rtsp://h/user=a_password=***", id="in-path"
        ),
        pytest.param(
            "gst:rtspsrc location=rtsp://me:pw@h/a user-pw='a b' ! x264enc key-int-max=9",
            "gst:rtspsrc location=rtsp://me:***@h/a user-pw=*** ! x264enc key-int-max=9",
            id="pipeline",
        ),
        pytest.param(
            "no rtsp://a:b@c, no http://d:e@f", "no rtsp://a:***@c, no http://d:***@f", id="two"
        ),
    ],
)
def test_passwords_are_hidden(text, shown):
    assert redacted(text) == shown


def test_taken_apart_an_address_shows_no_password():
    uri = parse_uri("rtsp://me:secret@host/a?pwd=secret")
    assert "secret" in uri.path
    assert "secret" not in f"{uri.text} {uri.name} {uri!r}"


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
