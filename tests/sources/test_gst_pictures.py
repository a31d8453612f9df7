"""Pixels that come out of GStreamer, against pixels that were put in."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fusion_rt.camera_settings import CameraSettings
from fusion_rt.errors import SourceError
from fusion_rt.frame import Sensor
from fusion_rt.sources.gst_library import gstreamer_missing, load_gst
from fusion_rt.sources.gst_picture import PictureReader
from fusion_rt.sources.gstreamer import open_gst

ODD_WH = (37, 21)


@pytest.fixture(autouse=True)
def real_gst():
    reason = gstreamer_missing()
    if reason:
        pytest.skip(reason)
    return load_gst()


def raw_file(folder, images) -> str:
    path = folder / "pixels.raw"
    path.write_bytes(b"".join(np.ascontiguousarray(image).tobytes() for image in images))
    return str(path)


def noise(rng, shape, dtype):
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def pictures(pipeline: str, sensor: Sensor, count: int) -> list[np.ndarray]:
    with open_gst(CameraSettings(uri=f"gst:{pipeline}"), sensor) as source:
        frames = []
        while len(frames) < count:
            frame = source.poll(5.0)
            assert frame is not None
            frames.append(frame)
    # Without losses, as the pipeline plays at its own pace and is read as fast as it gives.
    assert [frame.seq for frame in frames] == list(range(count))
    assert all(frame.image.flags.c_contiguous for frame in frames)
    return [frame.image for frame in frames]


@pytest.mark.parametrize("padding", [0, 3], ids=["tight-rows", "padded-rows"])
@pytest.mark.parametrize(
    ("sensor", "name", "dtype", "channels"),
    [
        pytest.param(Sensor.IR, "gray16-le", "<u2", 1, id="counts"),
        pytest.param(Sensor.IR, "gray8", np.uint8, 1, id="grey"),
        pytest.param(Sensor.VIS, "bgr", np.uint8, 3, id="colour"),
    ],
)
def test_pixels_come_through_unchanged_at_odd_sizes(
    tmp_path, sensor, name, dtype, channels, padding
):
    width, height = ODD_WH
    rng = np.random.default_rng(3)
    dtype = np.dtype(dtype)
    pad = padding * dtype.itemsize
    shape = (height, width, channels) if channels > 1 else (height, width)
    given = [noise(rng, shape, dtype) for _ in range(3)]
    rows = [image.reshape(height, -1).view(np.uint8) for image in given]
    padded = [np.pad(image, ((0, 0), (0, pad)), constant_values=99) for image in rows]
    stride = padded[0].shape[1]
    text = (
        f"filesrc location={raw_file(tmp_path, padded)} ! rawvideoparse format={name} "
        f"width={width} height={height} framerate=8/1 plane-strides=<{stride}> "
        f"frame-size={stride * height}"
    )
    for got, image in zip(pictures(text, sensor, 3), given, strict=True):
        assert got.dtype == image.dtype.newbyteorder("=")
        np.testing.assert_array_equal(got, image)


@pytest.mark.parametrize(
    ("name", "bgr", "levels"),
    [
        pytest.param("BGRx", (10, 20, 30), (10, 20, 30), id="bgrx-of-a-jetson"),
        pytest.param("RGB", (10, 20, 30), (10, 20, 30), id="rgb"),
        pytest.param("RGBA", (10, 20, 30), (10, 20, 30), id="rgba"),
        pytest.param("GRAY8", (77, 77, 77), (77, 77, 77), id="grey-repeated"),
    ],
)
def test_channel_order(name, bgr, levels):
    color = 0xFF << 24 | bgr[2] << 16 | bgr[1] << 8 | bgr[0]
    text = (
        f"videotestsrc is-live=true pattern=solid-color foreground-color={color} ! "
        f"video/x-raw,format={name},width=33,height=17 ! appsink"
    )
    with open_gst(CameraSettings(uri=f"gst:{text}"), Sensor.VIS) as source:
        image = source.poll(5.0).image
    assert image.shape == (17, 33, 3)
    # GStreamer itself draws grey by its own rounding.
    assert np.abs(image.astype(int) - levels).max() <= (12 if name == "GRAY8" else 0)


@pytest.mark.parametrize("wh", [(64, 48), (1280, 720)], ids=["small", "large"])
@pytest.mark.parametrize("name", ["I420", "NV12", "YUY2", "UYVY", "Y42B", "Y444"])
def test_infrared_takes_luma_of_16_to_235_as_black_to_white(name, wh):
    """Whatever size: by GStreamer's own conversion small pictures stay grey and large ones not."""
    for pattern, level in (("white", 255), ("black", 0)):
        text = (
            f"videotestsrc is-live=true pattern={pattern} ! "
            f"video/x-raw,format={name},width={wh[0]},height={wh[1]}"
        )
        with open_gst(CameraSettings(uri=f"gst:{text}"), Sensor.IR) as source:
            image = source.poll(5.0).image
        assert image.shape == wh[::-1]
        assert image.dtype == np.uint8
        assert np.unique(image).tolist() == [level]


@pytest.mark.parametrize(
    ("matrix", "kr", "kb"),
    [
        pytest.param("bt601", 0.299, 0.114, id="bt601"),
        pytest.param("bt709", 0.2126, 0.0722, id="bt709"),
    ],
)
def test_visible_follows_the_streams_matrix(tmp_path, matrix, kr, kb):
    """Against the definition in ITU-R BT.601 and BT.709, section 3 of each."""
    rng = np.random.default_rng(5)
    width, height = 38, 22  # rows of 40 bytes for GStreamer, of chroma 20
    y = rng.integers(60, 200, (height, width))
    u, v = (cv2.resize(rng.uniform(90, 160, (3, 3)), (width // 2, height // 2)) for _ in range(2))
    planes = [np.rint(plane).astype(np.uint8) for plane in (y, u, v)]
    padded = [np.pad(p, ((0, 0), (0, -p.shape[1] % 4))) for p in planes]
    text = (
        f"filesrc location={raw_file(tmp_path, padded)} ! rawvideoparse format=i420 "
        f"width={width} height={height} framerate=8/1 colorimetry={matrix}"
    )
    (got,) = pictures(text, Sensor.VIS, 1)
    luma = (planes[0] - 16.0) * 255 / 219
    blue, red = (np.kron((plane - 128.0) * 255 / 224, np.ones((2, 2))) for plane in planes[1:])
    b, r = luma + 2 * (1 - kb) * blue, luma + 2 * (1 - kr) * red
    g = (luma - kr * r - kb * b) / (1 - kr - kb)
    expected = np.stack([b, g, r], axis=-1)
    # The scaler works in whole numbers: within 3 levels; the other matrix is 10 and more off.
    assert np.abs(got - np.clip(expected, 0, 255)).max() <= 3


def test_coloured_infrared_is_told():
    text = "gst:videotestsrc is-live=true pattern=smpte ! video/x-raw,format=I420"
    with open_gst(CameraSettings(uri=text), Sensor.IR) as source:
        assert "colour video as infrared: its luma is used" in source.info.notes


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("videotestsrc ! jpegenc ! appsink", "gives image/jpeg", id="not-decoded"),
        pytest.param(
            "videotestsrc ! video/x-raw,format=v308 ! appsink", "gives v308", id="unknown-format"
        ),
        pytest.param(
            "videotestsrc ! video/x-raw,format=v308 ! appsink caps=video/x-raw,format=v308",
            "gives v308",
            id="users-own-caps",
        ),
    ],
)
def test_other_formats_are_refused_in_words(text, words):
    with pytest.raises(SourceError, match=words) as caught:
        open_gst(CameraSettings(uri=f"gst:{text}"), Sensor.IR)
    assert "videoconvert" in caught.value.hint


def test_a_buffer_that_is_too_short_is_refused(real_gst):
    gst = real_gst.gst
    caps = gst.Caps.from_string("video/x-raw,format=GRAY8,width=8,height=8,framerate=1/1")
    sample = gst.Sample.new(gst.Buffer.new_wrapped(bytes(60)), caps, None, None)
    with pytest.raises(SourceError, match="has 60 bytes, but needs 64"):
        PictureReader(real_gst, Sensor.IR).pixels(sample)
