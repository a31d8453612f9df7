"""Reads the recordings of one scene side by side, frame by frame."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import SourceError, UsageError
from ..frame import Sensor
from ..sources import Source, open_source
from ..sources.uri import parse_uri

IR, VIS = "infrared", "visible"

# A name in front of "=" has no sign that paths and their options have.
_NAMED = re.compile(r"([^=/\\:*?\[]*)=(.*)", re.DOTALL)


class Moment(NamedTuple):
    """Pictures of one moment.

    Attributes:
        ir: (H, W) uint8.
        vis: (H, W, 3) uint8 BGR.
        fused: by name, each like ``vis``.
    """

    ir: np.ndarray
    vis: np.ndarray
    fused: dict[str, np.ndarray]


def parse_clips(texts: tuple[str, ...]) -> dict[str, str]:
    """Fused recordings as the user names them, ``URI`` or ``NAME=URI``: URI by name.

    Without a name it is the file's without suffix, or the folder's. What exists as it stands is
    taken as a path, whatever signs it has.

    Raises:
        UsageError: an empty name or URI, one name twice, or the name of a source.
    """
    clips: dict[str, str] = {}
    for text in texts:
        named = None if Path(text).exists() else _NAMED.fullmatch(text)
        name, uri = (named[1].strip(), named[2]) if named else (_usual_name(text), text)
        if not name or not uri.strip():
            raise UsageError(
                f"cannot read --fused '{text}'",
                hint="write URI or NAME=URI, for instance ours=out/fused.mp4",
            )
        if name in (IR, VIS, *clips):
            raise UsageError(
                f"--fused '{text}' is called '{name}', which is taken",
                hint=f"name it apart, for instance second={uri}",
            )
        clips[name] = uri
    return clips


def _usual_name(text: str) -> str:
    uri = parse_uri(text)
    path = Path(uri.path)
    return path.stem if path.suffix else path.resolve().name


class Clips:
    """Both sources and the fused recordings of one scene, open, in step with each other.

    Attributes:
        frame_count: of all; None where no recording tells it before its end.
        notes: what is to be said of the infrared recording, one sentence each.
    """

    def __init__(self, ir: str, vis: str, fused: Mapping[str, str]) -> None:
        """Open all of them.

        Args:
            ir: URI of the infrared recording.
            vis: URI of the visible one.
            fused: URI of each fused one, by name.

        Raises:
            UsageError: a name that cannot be understood.
            SourceError: one cannot be read, or they differ in size or length.
        """
        self._stack = ExitStack()
        self._sources: dict[str, Source] = {}
        self._read = 0
        try:
            for name, uri in {IR: ir, VIS: vis, **fused}.items():
                sensor = Sensor.IR if name == IR else Sensor.VIS
                self._sources[name] = self._stack.enter_context(open_source(uri, sensor))
            self._check_alike()
        except BaseException:
            self._stack.close()
            raise
        counts = (source.info.frame_count for source in self._sources.values())
        self.frame_count = next((count for count in counts if count is not None), None)
        # Notes on the rate of pictures without time stamps: time plays no part here.
        notes = self._sources[IR].info.notes
        self.notes = tuple(note for note in notes if "frames/s" not in note)

    def __iter__(self) -> Iterator[Moment]:
        """Moments until the common end; one is in memory at a time.

        Raises:
            SourceError: one ends before the others, or cannot be read on.
        """
        while True:
            frames = {name: source.read() for name, source in self._sources.items()}
            ended = [name for name, frame in frames.items() if frame is None]
            if len(ended) == len(frames):
                return
            if ended:
                going_on = next(name for name, frame in frames.items() if frame is not None)
                raise SourceError(
                    f"{self._uri(ended[0])} ends after {self._read} frames, "
                    f"but {self._uri(going_on)} goes on",
                    hint=_SAME_LENGTH,
                )
            self._read += 1
            images = {name: frame.image for name, frame in frames.items() if frame is not None}
            yield Moment(images.pop(IR), images.pop(VIS), images)

    def close(self) -> None:
        """Release all files."""
        self._stack.close()

    def __enter__(self) -> Clips:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _uri(self, name: str) -> str:
        return self._sources[name].info.uri

    def _check_alike(self) -> None:
        first = self._sources[IR].info
        if first.bit_depth != 8:
            raise SourceError(
                f"{first.uri} has {first.bit_depth} bit, but figures compare 8-bit pictures",
                hint="give what was fused: fusion-rt replay --view ir --stills FOLDER writes it",
            )
        for source in self._sources.values():
            info = source.info
            if info.size_wh != first.size_wh:
                raise SourceError(
                    f"{info.uri} is {_size(info.size_wh)}, "
                    f"but {first.uri} is {_size(first.size_wh)}",
                    hint="figures compare pixel by pixel: fusion-rt replay --view ir --stills "
                    "FOLDER writes the infrared as it lies on the visible picture",
                )
            counts = (info.frame_count, first.frame_count)
            if None not in counts and counts[0] != counts[1]:
                raise SourceError(
                    f"{info.uri} has {counts[0]} frames, but {first.uri} has {counts[1]}",
                    hint=_SAME_LENGTH,
                )


_SAME_LENGTH = "give recordings of the same moments, one fused frame for each pair"


def _size(size_wh: tuple[int, int]) -> str:
    return f"{size_wh[0]}x{size_wh[1]}"
