"""The part of the kernel's Video4Linux interface that is used here, byte for byte.

The layout is that of 64-bit little-endian Linux; x86-64 and aarch64 have the same, and the same
way to number requests.

Source: linux/videodev2.h and asm-generic/ioctl.h; the tests compare with the compiler's view.
"""

from __future__ import annotations

import ctypes
from ctypes import Structure, Union, c_char, c_int32, c_int64, c_uint8, c_uint32, c_uint64
from typing import Final

BUF_TYPE_VIDEO_CAPTURE: Final = 1
MEMORY_MMAP: Final = 1
FIELD_NONE: Final = 1

CAP_VIDEO_CAPTURE: Final = 0x0000_0001
CAP_VIDEO_CAPTURE_MPLANE: Final = 0x0000_1000
CAP_STREAMING: Final = 0x0400_0000
CAP_DEVICE_CAPS: Final = 0x8000_0000  # device_caps is filled in

FMT_FLAG_COMPRESSED: Final = 0x1
FMT_FLAG_EMULATED: Final = 0x2  # made by a library, not by the camera

RANGE_DISCRETE: Final = 1  # of frame sizes and of frame intervals; else a range
PIX_FMT_PRIV_MAGIC: Final = 0xFEED_CAFE  # the fields after priv are meant
COLORSPACE_JPEG: Final = 7
QUANTIZATION_FULL: Final = 1
QUANTIZATION_LIMITED: Final = 2

BUF_FLAG_ERROR: Final = 0x0000_0040
BUF_FLAG_TIMESTAMP_MASK: Final = 0x0000_E000
BUF_FLAG_TIMESTAMP_MONOTONIC: Final = 0x0000_2000
BUF_FLAG_TSTAMP_SRC_MASK: Final = 0x0007_0000
BUF_FLAG_TSTAMP_SRC_SOE: Final = 0x0001_0000  # start of exposure; 0: end of the frame

CAP_TIMEPERFRAME: Final = 0x1000  # the rate can be set


class Capability(Structure):
    """What a device is: struct v4l2_capability."""

    _fields_ = [
        ("driver", c_char * 16),
        ("card", c_char * 32),
        ("bus_info", c_char * 32),
        ("version", c_uint32),
        ("capabilities", c_uint32),
        ("device_caps", c_uint32),
        ("reserved", c_uint32 * 3),
    ]


class FormatDescription(Structure):
    """One pixel format that is offered: struct v4l2_fmtdesc."""

    _fields_ = [
        ("index", c_uint32),
        ("type", c_uint32),
        ("flags", c_uint32),
        ("description", c_char * 32),
        ("pixelformat", c_uint32),
        ("reserved", c_uint32 * 4),
    ]


class Fraction32(Structure):
    """A fraction: struct v4l2_fract."""

    _fields_ = [("numerator", c_uint32), ("denominator", c_uint32)]


class DiscreteSize(Structure):
    """One size: struct v4l2_frmsize_discrete."""

    _fields_ = [("width", c_uint32), ("height", c_uint32)]


class StepwiseSize(Structure):
    """A range of sizes: struct v4l2_frmsize_stepwise."""

    _fields_ = [
        ("min_width", c_uint32),
        ("max_width", c_uint32),
        ("step_width", c_uint32),
        ("min_height", c_uint32),
        ("max_height", c_uint32),
        ("step_height", c_uint32),
    ]


class _SizeUnion(Union):
    _fields_ = [("discrete", DiscreteSize), ("stepwise", StepwiseSize)]


class FrameSize(Structure):
    """One size, or a range of them, of a format: struct v4l2_frmsizeenum."""

    _anonymous_ = ("size",)
    _fields_ = [
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("type", c_uint32),
        ("size", _SizeUnion),
        ("reserved", c_uint32 * 2),
    ]


class StepwiseInterval(Structure):
    """A range of frame intervals: struct v4l2_frmival_stepwise."""

    _fields_ = [("min", Fraction32), ("max", Fraction32), ("step", Fraction32)]


class _IntervalUnion(Union):
    _fields_ = [("discrete", Fraction32), ("stepwise", StepwiseInterval)]


class FrameInterval(Structure):
    """One interval, or a range, of a format and size: struct v4l2_frmivalenum."""

    _anonymous_ = ("interval",)
    _fields_ = [
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("type", c_uint32),
        ("interval", _IntervalUnion),
        ("reserved", c_uint32 * 2),
    ]


class PixFormat(Structure):
    """How pictures lie in a buffer: struct v4l2_pix_format."""

    _fields_ = [
        ("width", c_uint32),
        ("height", c_uint32),
        ("pixelformat", c_uint32),
        ("field", c_uint32),
        ("bytesperline", c_uint32),
        ("sizeimage", c_uint32),
        ("colorspace", c_uint32),
        ("priv", c_uint32),
        ("flags", c_uint32),
        ("ycbcr_enc", c_uint32),
        ("quantization", c_uint32),
        ("xfer_func", c_uint32),
    ]


class _FormatUnion(Union):
    # The union holds pointers elsewhere, which puts it on a multiple of 8.
    _fields_ = [("pix", PixFormat), ("raw", c_uint64 * 25)]


class Format(Structure):
    """Format of a stream: struct v4l2_format."""

    _anonymous_ = ("fmt",)
    _fields_ = [("type", c_uint32), ("fmt", _FormatUnion)]


class CaptureParameters(Structure):
    """Rate of a stream: struct v4l2_captureparm."""

    _fields_ = [
        ("capability", c_uint32),
        ("capturemode", c_uint32),
        ("timeperframe", Fraction32),
        ("extendedmode", c_uint32),
        ("readbuffers", c_uint32),
        ("reserved", c_uint32 * 4),
    ]


class _ParameterUnion(Union):
    _fields_ = [("capture", CaptureParameters), ("raw", c_uint8 * 200)]


class StreamParameters(Structure):
    """Parameters of a stream: struct v4l2_streamparm."""

    _anonymous_ = ("parm",)
    _fields_ = [("type", c_uint32), ("parm", _ParameterUnion)]


class RequestBuffers(Structure):
    """How many buffers: struct v4l2_requestbuffers."""

    _fields_ = [
        ("count", c_uint32),
        ("type", c_uint32),
        ("memory", c_uint32),
        ("capabilities", c_uint32),
        ("reserved", c_uint8 * 4),
    ]


class Timeval(Structure):
    """Seconds and microseconds: struct timeval."""

    _fields_ = [("tv_sec", c_int64), ("tv_usec", c_int64)]


class Timecode(Structure):
    """Not used, but it takes room: struct v4l2_timecode."""

    _fields_ = [
        ("type", c_uint32),
        ("flags", c_uint32),
        ("frames", c_uint8),
        ("seconds", c_uint8),
        ("minutes", c_uint8),
        ("hours", c_uint8),
        ("userbits", c_uint8 * 4),
    ]


class _PlaceUnion(Union):
    _fields_ = [("offset", c_uint32), ("userptr", c_uint64)]


class Buffer(Structure):
    """One buffer on its way between driver and program: struct v4l2_buffer."""

    _anonymous_ = ("m",)
    _fields_ = [
        ("index", c_uint32),
        ("type", c_uint32),
        ("bytesused", c_uint32),
        ("flags", c_uint32),
        ("field", c_uint32),
        ("timestamp", Timeval),
        ("timecode", Timecode),
        ("sequence", c_uint32),
        ("memory", c_uint32),
        ("m", _PlaceUnion),
        ("length", c_uint32),
        ("reserved2", c_uint32),
        ("request_fd", c_int32),
    ]


_READ, _WRITE = 2, 1  # as the kernel reads and writes, seen from the program


def _request(direction: int, number: int, argument: type[ctypes._CData]) -> int:
    return direction << 30 | ctypes.sizeof(argument) << 16 | ord("V") << 8 | number


VIDIOC_QUERYCAP: Final = _request(_READ, 0, Capability)
VIDIOC_ENUM_FMT: Final = _request(_READ | _WRITE, 2, FormatDescription)
VIDIOC_S_FMT: Final = _request(_READ | _WRITE, 5, Format)
VIDIOC_REQBUFS: Final = _request(_READ | _WRITE, 8, RequestBuffers)
VIDIOC_QUERYBUF: Final = _request(_READ | _WRITE, 9, Buffer)
VIDIOC_QBUF: Final = _request(_READ | _WRITE, 15, Buffer)
VIDIOC_DQBUF: Final = _request(_READ | _WRITE, 17, Buffer)
VIDIOC_STREAMON: Final = _request(_WRITE, 18, c_int32)
VIDIOC_STREAMOFF: Final = _request(_WRITE, 19, c_int32)
VIDIOC_S_PARM: Final = _request(_READ | _WRITE, 22, StreamParameters)
VIDIOC_ENUM_FRAMESIZES: Final = _request(_READ | _WRITE, 74, FrameSize)
VIDIOC_ENUM_FRAMEINTERVALS: Final = _request(_READ | _WRITE, 75, FrameInterval)
