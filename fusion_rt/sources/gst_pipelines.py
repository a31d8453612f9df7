"""Ready pipelines for GStreamer, as text.

Only numbers and names from the tables below ever enter a text. Addresses, logins and device names
are set as properties of the finished elements, so that no sign in them can be taken for a part of
the pipeline.

The texts for Jetson, NVIDIA's desktop cards and VA-API follow the makers' documentation; they were
never run by us on such a machine.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from ..errors import SourceError, UsageError
from .gst_coded import WATCHED
from .gst_picture import FORMATS

Has = Callable[[str], bool]  # whether GStreamer has an element of that name

SINK_CAPS = f"video/x-raw,format={{{','.join(FORMATS)}}}"
CONVERT = "videoconvert"  # passes the formats above on as they are
# From the decoder's or camera's memory to one that the processor reads; done by the chip.
_JETSON_OUT = "nvvidconv ! video/x-raw,format=NV12"
# One row per way of decoding: the elements it takes, and its text. The first that is there is used.
# disable-dpb gives each picture out at once; it takes streams without B-frames, as cameras send.
_JETSON_DECODER = (
    ("nvv4l2decoder", "nvvidconv"),
    f"nvv4l2decoder enable-max-performance=true disable-dpb=true ! {_JETSON_OUT}",
)
# Slices, as threads for whole frames would hold as many frames back. Damaged pictures stay out.
_AVDEC = "thread-type=slice output-corrupt=false discard-corrupted-frames=true"
_DECODERS: dict[str, tuple[tuple[tuple[str, ...], str], ...]] = {
    "H264": (
        _JETSON_DECODER,
        (("nvh264dec",), "nvh264dec"),
        (("vah264dec",), "vah264dec"),
        (("avdec_h264",), f"avdec_h264 {_AVDEC}"),
    ),
    "H265": (
        _JETSON_DECODER,
        (("nvh265dec",), "nvh265dec"),
        (("vah265dec",), "vah265dec"),
        (("avdec_h265",), f"avdec_h265 {_AVDEC}"),
    ),
    "JPEG": (
        (("nvv4l2decoder", "nvvidconv"), f"nvv4l2decoder mjpeg=true ! {_JETSON_OUT}"),
        (("jpegdec",), "jpegdec"),
    ),
}
_UNPACK = {
    "H264": f"rtph264depay ! h264parse name={WATCHED}",
    "H265": f"rtph265depay ! h265parse name={WATCHED}",
    "JPEG": f"rtpjpegdepay name={WATCHED}",
}
# Four letters of Video4Linux and what GStreamer calls it.
_V4L2_CAPS = {
    "MJPG": "image/jpeg",
    "Y16": "video/x-raw,format=GRAY16_LE",
    "GREY": "video/x-raw,format=GRAY8",
    "YUYV": "video/x-raw,format=YUY2",
    "UYVY": "video/x-raw,format=UYVY",
    "NV12": "video/x-raw,format=NV12",
    "BGR3": "video/x-raw,format=BGR",
}


def decoder(codec: str, has: Has) -> str:
    """Text of the best decoder that is there: Jetson's, NVIDIA's, VA-API's, then the processor.

    Args:
        codec: "H264", "H265" or "JPEG", as RTP calls them.
        has: looks an element up.

    Raises:
        SourceError: another codec, or no decoder for it.
    """
    if codec not in _DECODERS:
        raise SourceError(
            f"GStreamer's ready pipelines decode {', '.join(_DECODERS)}, but the camera sends "
            f"{codec}",
            hint="set the camera to H.264, or set library: pyav",
        )
    for elements, text in _DECODERS[codec]:
        if all(has(element) for element in elements):
            return text
    raise SourceError(
        f"GStreamer has no decoder for {codec}",
        hint="sudo apt install gstreamer1.0-libav gstreamer1.0-plugins-good; or library: pyav",
    )


def rtp_tail(codec: str, has: Has) -> str:
    """From RTP packets of one codec to pictures: no source and no sink.

    Raises:
        SourceError: see `decoder`.
    """
    decode = decoder(codec, has)  # first, as it knows which codecs there are
    return f"{_UNPACK[codec]} ! {decode} ! {CONVERT}"


def csi_text(number: int, size_wh: tuple[int, int] | None, fps: Fraction | None) -> str:
    """A camera on the ribbon cable of a Jetson, brought to BGRx by the chip; no sink.

    Args:
        number: which of them, from 0.
        size_wh: width and height in px; None: as the camera's first mode has it.
        fps: frames per second; None: likewise.
    """
    caps = "video/x-raw(memory:NVMM),format=NV12" + _asked(size_wh, fps)
    return f"nvarguscamerasrc sensor-id={number} ! {caps} ! nvvidconv ! video/x-raw,format=BGRx"


def v4l2_text(
    fourcc: str | None, size_wh: tuple[int, int] | None, fps: Fraction | None, has: Has
) -> str:
    """A Video4Linux camera named ``camera``, its device yet to be set; no sink.

    Args:
        fourcc: pixel format as Video4Linux writes it; None: what the camera offers first.
        size_wh: width and height in px; None: likewise.
        fps: frames per second; None: likewise.
        has: looks an element up: a Jetson decodes JPEG by its chip.

    Raises:
        UsageError: a pixel format that GStreamer does not know.
        SourceError: no decoder for JPEG.
    """
    source = "v4l2src name=camera"
    if fourcc is None:
        asked = _asked(size_wh, fps)
        return f"{source} ! video/x-raw{asked}" if asked else source
    caps = _V4L2_CAPS.get(fourcc.strip())
    if caps is None:
        raise UsageError(
            f"format is {fourcc}, but by GStreamer must be one of {', '.join(_V4L2_CAPS)}",
            hint="choose one of these, or set library: auto",
        )
    text = f"{source} ! {caps}{_asked(size_wh, fps)}"
    return f"{text} ! {decoder('JPEG', has)}" if caps == "image/jpeg" else text


def _asked(size_wh: tuple[int, int] | None, fps: Fraction | None) -> str:
    size = f",width={size_wh[0]},height={size_wh[1]}" if size_wh else ""
    return size + (f",framerate={fps.numerator}/{fps.denominator}" if fps else "")
