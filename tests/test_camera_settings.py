"""Settings of a camera: text or mapping, limits, and no password to be seen."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from fusion_rt.camera_settings import CameraSettings


def test_text_stands_for_the_address_alone():
    assert CameraSettings.model_validate("/dev/video0") == CameraSettings(uri="/dev/video0")


def test_size_is_given_in_numbers_too():
    assert CameraSettings(uri="csi:0", size="1280x720").size_wh == (1280, 720)
    assert CameraSettings(uri="csi:0").size_wh is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param({}, "uri", id="no-address"),
        pytest.param("", "uri", id="empty-address"),
        pytest.param({"uri": "csi:0", "size": "640"}, "width x height", id="half-a-size"),
        pytest.param({"uri": "csi:0", "size": "0x480"}, "width x height", id="no-width"),
        pytest.param({"uri": "csi:0", "fps": 0}, "greater than 0", id="no-rate"),
        pytest.param({"uri": "csi:0", "timeout_s": 0}, "0.2", id="no-patience"),
        pytest.param({"uri": "csi:0", "transport": "http"}, "'tcp' or 'udp'", id="transport"),
        pytest.param({"uri": "csi:0", "adress": "x"}, "adress", id="unknown-key"),
        pytest.param(7, "CameraSettings", id="a-number"),
    ],
)
def test_wrong_settings_are_refused(given, message):
    with pytest.raises(ValidationError, match=message):
        CameraSettings.model_validate(given)


def test_password_is_kept_for_the_camera_and_from_everybody_else():
    camera = CameraSettings(uri="rtsp://me:secret@host/a")
    assert "secret" in camera.uri
    assert "secret" not in f"{camera!r} {camera} {camera.model_dump()} {camera.model_dump_json()}"
    assert camera.name == "rtsp://me:***@host/a"
