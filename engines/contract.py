"""The deployable graph as every back end sees it: names, shapes, types and the luma it shares.

A model file holds the whole image operation, bytes in and bytes out:

========  ==============  =======  ===================================================
tensor    shape           dtype    meaning
========  ==============  =======  ===================================================
ir        (1, 1, H, W)    uint8    infrared, already lying on the visible picture
vis       (1, H, W, 3)    uint8    visible, BGR
weight    (1, 1, H, W)    uint8    how much to fuse: 0 shows ``vis`` alone, 255 all of it
fused     (1, H, W, 3)    uint8    result, BGR
========  ==============  =======  ===================================================

The *grid* variant warps inside the graph: its ``ir`` is the camera's own picture (1, 1, Hi, Wi)
and it takes one more input, ``grid`` (1, H, W, 2) float32, x then y in -1..1 (corners not
aligned), as ONNX GridSample and ``torch.nn.functional.grid_sample`` define it. Beyond its border
the infrared picture is mirrored, as the host's warp does it.

Height and width are dynamic from 64 x 64 to 3840 x 2160, odd sizes included.
"""

from __future__ import annotations

from typing import Final

IR: Final = "ir"
VIS: Final = "vis"
WEIGHT: Final = "weight"
GRID: Final = "grid"
FUSED: Final = "fused"

INPUTS: Final = (IR, VIS, WEIGHT)
GRID_INPUTS: Final = (IR, VIS, WEIGHT, GRID)

MIN_WH: Final = (64, 64)
MAX_WH: Final = (3840, 2160)

# Luma weights in the order B, G, R. Source: ITU-R BT.601-7, section 2.5.1.
BT601_BGR: Final = (0.114, 0.587, 0.299)

# Opset that TensorRT 10 and 11, TensorRT-RTX, OpenVINO and ONNX Runtime all take;
# GridSample exists from 16 on.
OPSET: Final = 17

# Each file computes in one precision inside; its tensors are the ones above all the same.
FILE_PRECISIONS: Final = ("fp32", "fp16", "int8")


def model_file(stem: str, *, precision: str = "fp32", grid: bool = False) -> str:
    """Name of the file that holds a model in one precision, such as ``bts-grid-fp16.onnx``.

    Args:
        stem: name of the FP32 plain file without its suffix.
        precision: one of `FILE_PRECISIONS`.
        grid: the variant that warps the infrared inside the graph.
    """
    end = "" if precision == "fp32" else f"-{precision}"
    return f"{stem}{'-grid' if grid else ''}{end}.onnx"
