"""Real files, written by the tests themselves."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest


def _encode(
    path: Path,
    frames: Sequence[np.ndarray],
    *,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    given: str = "gray",
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 30),
    container: dict[str, str] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """One track; each frame is an array in the pixel format ``given``, or an av.VideoFrame."""
    with av.open(str(path), "w", options=container or {}) as out:
        track = out.add_stream(codec, rate=30)
        first = frames[0]
        is_array = isinstance(first, np.ndarray)
        track.width = first.shape[1] if is_array else first.width
        track.height = first.shape[0] if is_array else first.height
        track.pix_fmt = pix_fmt
        track.time_base = track.codec_context.time_base = time_base
        lossless = {"preset": "ultrafast", "qp": "0"} if codec == "libx264" else {}
        track.options = {**lossless, **(options or {})}
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format=given) if is_array else pixels
            frame.pts = index if pts is None else pts[index]
            frame.time_base = time_base
            out.mux(track.encode(frame))
        out.mux(track.encode(None))
    return path


@pytest.fixture
def encode() -> Callable[..., Path]:
    return _encode


@pytest.fixture
def noise() -> Callable[..., list[np.ndarray]]:
    """Frames of moving noise, so that every frame costs many bytes wherever a file is cut."""

    def frames(count: int, wh: tuple[int, int] = (96, 80), dtype: type = np.uint8) -> list:
        rng = np.random.default_rng(7)
        base = rng.integers(0, np.iinfo(dtype).max + 1, (wh[1], wh[0]), dtype)
        return [np.roll(base, 3 * index, axis=1) for index in range(count)]

    return frames


@pytest.fixture
def cut() -> Callable[[Path, float], Path]:
    """The first part of a file, as a second file."""

    def first_part(path: Path, share: float) -> Path:
        data = path.read_bytes()
        part = path.with_name(f"cut_{path.name}")
        part.write_bytes(data[: int(len(data) * share)])
        return part

    return first_part


@pytest.fixture
def real_data() -> Path:
    place = os.environ.get("FUSION_RT_DATA")
    if not place:
        pytest.skip("needs the recordings that FUSION_RT_DATA names")
    return Path(place)
