"""The kernel's structures as Python has them, against the C compiler's view of the headers."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

from fusion_rt.sources.v4l2 import kernel
from fusion_rt.sources.v4l2.fourcc import READABLE, fourcc_text

STRUCTURES = {
    "v4l2_capability": kernel.Capability,
    "v4l2_fmtdesc": kernel.FormatDescription,
    "v4l2_frmsizeenum": kernel.FrameSize,
    "v4l2_frmivalenum": kernel.FrameInterval,
    "v4l2_pix_format": kernel.PixFormat,
    "v4l2_format": kernel.Format,
    "v4l2_captureparm": kernel.CaptureParameters,
    "v4l2_streamparm": kernel.StreamParameters,
    "v4l2_requestbuffers": kernel.RequestBuffers,
    "v4l2_timecode": kernel.Timecode,
    "v4l2_buffer": kernel.Buffer,
}
# What a field is called in C where Python's name differs.
C_NAMES = {
    ("v4l2_format", "pix"): "fmt.pix",
    ("v4l2_format", "raw"): None,
    ("v4l2_streamparm", "capture"): "parm.capture",
    ("v4l2_streamparm", "raw"): None,
    ("v4l2_buffer", "offset"): "m.offset",
    ("v4l2_buffer", "userptr"): "m.userptr",
}
CONSTANTS = [
    name
    for name in vars(kernel)
    if name.startswith(("CAP_", "BUF_FLAG_", "VIDIOC_", "FIELD_", "FMT_FLAG_", "QUANTIZATION_F"))
]
SPECIAL = {
    "CAP_TIMEPERFRAME": "V4L2_CAP_TIMEPERFRAME",
    "BUF_TYPE_VIDEO_CAPTURE": "V4L2_BUF_TYPE_VIDEO_CAPTURE",
    "MEMORY_MMAP": "V4L2_MEMORY_MMAP",
    "RANGE_DISCRETE": "V4L2_FRMSIZE_TYPE_DISCRETE",
    "PIX_FMT_PRIV_MAGIC": "V4L2_PIX_FMT_PRIV_MAGIC",
    "COLORSPACE_JPEG": "V4L2_COLORSPACE_JPEG",
    "QUANTIZATION_FULL": "V4L2_QUANTIZATION_FULL_RANGE",
    "QUANTIZATION_LIMITED": "V4L2_QUANTIZATION_LIM_RANGE",
}
FORMATS = {
    "Y16": "Y16",
    "Y16-BE": "Y16_BE",
    "Y14": "Y14",
    "Y12": "Y12",
    "Y10": "Y10",
    "GREY": "GREY",
    "YUYV": "YUYV",
    "UYVY": "UYVY",
    "NV12": "NV12",
    "YU12": "YUV420",
    "BGR3": "BGR24",
    "RGB3": "RGB24",
    "MJPG": "MJPEG",
    "JPEG": "JPEG",
}


def c_name(name: str) -> str:
    if name in SPECIAL:
        return SPECIAL[name]
    return name if name.startswith("VIDIOC_") else f"V4L2_{name}"


def fields(structure: type[ctypes.Structure], c_struct: str) -> list[tuple[str, str]]:
    """Python's and C's name of each field, those of unnamed unions included.

    What is reserved has other names in other versions of the headers.
    """
    names = []
    for name, kind, *_ in structure._fields_:
        if name in getattr(structure, "_anonymous_", ()):
            names += [inner for inner, *_ in kind._fields_]
        else:
            names.append(name)
    pairs = [(name, C_NAMES.get((c_struct, name), name)) for name in names]
    return [(name, c) for name, c in pairs if c is not None and not name.startswith("reserved")]


def truth(tmp_path: Path, expressions: list[str]) -> list[int]:
    """Values of C expressions, by the compiler and headers of this machine."""
    if shutil.which("gcc") is None:
        pytest.skip("needs gcc")
    if not Path("/usr/include/linux/videodev2.h").exists():
        pytest.skip("needs linux/videodev2.h of the kernel's headers")
    if ctypes.sizeof(ctypes.c_void_p) != 8:
        pytest.skip("the layout is that of 64-bit systems")
    lines = "\n".join(f'printf("%lu\\n", (unsigned long)({one}));' for one in expressions)
    source = tmp_path / "truth.c"
    source.write_text(
        "#include <stddef.h>\n#include <stdio.h>\n#include <linux/videodev2.h>\n"
        f"int main(void) {{\n{lines}\nreturn 0;\n}}\n"
    )
    program = tmp_path / "truth"
    subprocess.run(["gcc", "-o", program, source], check=True, timeout=60)
    done = subprocess.run([program], check=True, capture_output=True, text=True, timeout=10)
    return [int(line) for line in done.stdout.split()]


def test_sizes_and_places_are_those_of_the_compiler(tmp_path):
    expected: dict[str, int] = {}
    for c_struct, structure in STRUCTURES.items():
        expected[f"sizeof(struct {c_struct})"] = ctypes.sizeof(structure)
        for name, c in fields(structure, c_struct):
            expected[f"offsetof(struct {c_struct}, {c})"] = getattr(structure, name).offset
    assert len(expected) > 70
    assert dict(zip(expected, truth(tmp_path, list(expected)), strict=True)) == expected


def test_numbers_are_those_of_the_headers(tmp_path):
    expected = {c_name(name): getattr(kernel, name) for name in (*CONSTANTS, *SPECIAL)}
    for code in READABLE:
        expected[f"V4L2_PIX_FMT_{FORMATS[fourcc_text(code)]}"] = code
    assert len(expected) > 40
    assert dict(zip(expected, truth(tmp_path, list(expected)), strict=True)) == expected


def test_layout_of_64_bit_systems_is_there_on_any_machine():
    # Figures of the kernel's ABI on x86-64 and aarch64.
    assert ctypes.sizeof(kernel.Buffer) == 88
    assert ctypes.sizeof(kernel.Format) == 208
    assert ctypes.sizeof(kernel.StreamParameters) == 204
    assert kernel.VIDIOC_DQBUF == 0xC0585611
    assert kernel.VIDIOC_QUERYCAP == 0x80685600
