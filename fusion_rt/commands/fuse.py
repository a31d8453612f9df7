"""``fusion-rt fuse``: still pictures, matched by name, PNG out under the same name."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibration.rig import Rig
from engines.base import Engine, EngineInfo, check_size
from engines.errors import EngineError, Stopped

from ..config import Settings
from ..engine_choice import check_engine, open_chosen
from ..errors import SourceError, UsageError
from ..frame import Sensor
from ..palette import palette_table
from ..registration.still import StillAlignments
from ..report import describe_engine
from ..signals import STOPPED_EXIT_CODE, stop_on_signals
from ..sinks.stills import write_png
from ..sources.picture import read_image
from ..sources.stills import Unmatched, match_by_stem
from ..sources.uri import IMAGE_SUFFIXES
from ..terminal import engine_facts, print_facts, progress_bar, say, say_error
from ..thermal import Agc
from ..views import compose, view_size

_KEPT_ENGINES = 4  # folders mix a few sizes; each open engine holds its own memory


@dataclass(frozen=True)
class FuseRequest:
    """What to fuse.

    Attributes:
        ir: infrared picture, or a folder of them.
        vis: visible picture, or a folder of them.
        out: folder for the results.
        rig: geometry; None where the pictures lie on each other.
        settings: engine, registration, thermal and view are used.
    """

    ir: Path
    vis: Path
    out: Path
    rig: Rig | None
    settings: Settings


def fuse(request: FuseRequest) -> int:
    """Fuse every pair; what has no partner, or cannot be read or fitted, is named and left out.

    Ctrl-C ends it after the picture under way, or while an engine opens.

    Returns:
        Exit code: 0, 1 when something was left out, 130 when the user stopped it.

    Raises:
        UsageError: the results would replace the input.
        SourceError: no pair at all, or the only one cannot be read.
        FusionError, EngineError: in words. Pictures written before stay.
    """
    palette_table(request.settings.view.palette)  # unknown names are refused before any work
    view_size(request.settings.view.view, (64, 64))
    engine = request.settings.engine
    check_engine(engine)
    if request.out.suffix.lower() in IMAGE_SUFFIXES:
        raise UsageError(
            f"--out {request.out} names a picture, but results go to a folder",
            hint="name a folder; the result gets the visible picture's name",
        )
    if request.out.resolve() in (_folder(request.ir), _folder(request.vis)):
        raise UsageError(
            f"{request.out} holds the input, which the results would replace",
            hint="give another folder as --out",
        )
    pairs, unmatched = match_by_stem(request.ir, request.vis)
    if not pairs:
        raise SourceError(
            f"no names match between {request.ir} and {request.vis}: {_listed(unmatched)}",
            hint="give both pictures of a pair the same name, such as ir/0001.png and vis/0001.png",
        )
    left_out = [f"no partner: {_listed(unmatched)}"] if unmatched else []
    written = 0
    begun = time.monotonic()
    stop = threading.Event()
    alignments = StillAlignments(request.rig, request.settings.registration, say)
    with ExitStack() as stack:
        stack.enter_context(stop_on_signals(stop.set))
        engines = stack.enter_context(_Engines(request.settings, stop.is_set))
        with progress_bar("fusing", len(pairs)) as bar:
            for ir_path, vis_path in pairs:
                if stop.is_set():
                    break
                result = request.out / f"{vis_path.stem}.png"
                bar.advance(result.name)
                try:
                    picture = _fuse_pair(ir_path, vis_path, request, engines, alignments)
                except (SourceError, UsageError) as error:  # this pair's own fault
                    if len(pairs) == 1:
                        raise
                    left_out.append(f"{error} ({error.hint})")
                    continue
                except Stopped:  # asked for by the user, while an engine opened
                    break
                write_png(result, picture)
                written += 1
    seconds = time.monotonic() - begun
    print_facts(
        [
            ("pairs", f"{written} of {len(pairs)} fused"),
            ("throughput", f"{written / seconds:.1f} pairs/s, opening included"),
            *engines.facts(),
            ("written", str(request.out) if written else "nothing"),
        ]
    )
    for line in left_out:
        say_error(f"left out: {line}", "")
    if stop.is_set():
        say("stopped before the end; what was fused until then is kept")
        return STOPPED_EXIT_CODE
    return 1 if left_out else 0


def _folder(path: Path) -> Path:
    """The folder of pictures that the user named, or that holds the picture named."""
    return path.resolve() if path.is_dir() else path.resolve().parent


def _fuse_pair(
    ir_path: Path,
    vis_path: Path,
    request: FuseRequest,
    engines: _Engines,
    alignments: StillAlignments,
) -> np.ndarray:
    ir, ir_notes = read_image(ir_path, Sensor.IR)
    vis, vis_notes = read_image(vis_path, Sensor.VIS)
    del vis_notes  # a grey visible picture gives a grey result, which needs no explanation
    for note in ir_notes:
        say(f"note: {ir_path.name}: {note}")
    vis_wh = (vis.shape[1], vis.shape[0])
    try:
        kit = alignments.kit((ir.shape[1], ir.shape[0]), vis_wh)
        check_size(kit.size_wh)
    except (UsageError, EngineError) as error:
        raise UsageError(f"{ir_path.name}: {error}", hint=error.hint) from error
    if ir.dtype == np.uint16:
        ir = Agc(request.settings.thermal).apply(ir, captured_ns=0)
    alignment = alignments.align(kit, ir_path.name, ir, vis)
    vis = alignment.visible(vis, ir)
    ir = alignment.infrared(ir)
    fused = engines.fuse(alignment.size_wh, alignment.weight, ir, vis)
    picture = compose(
        request.settings.view.view,
        ir_on_vis=ir,
        vis_bgr=vis,
        fused=fused,
        palette=request.settings.view.palette,
        seen=alignment.ir_seen,
        vis_seen=alignment.vis_seen,
    )
    return picture[..., 0] if _is_grey(picture) else picture


def _is_grey(picture: np.ndarray) -> bool:
    """Whether B, G and R are equal everywhere, as where the visible picture was grey."""
    blue, green, red = (picture[..., channel] for channel in range(3))
    return np.array_equal(blue, green) and np.array_equal(green, red)


class _Engines:
    """One open engine for each of the sizes met last."""

    def __init__(self, settings: Settings, stop: Callable[[], bool]) -> None:
        self._settings = settings.engine
        self._stop = stop
        self._open: OrderedDict[tuple[int, int], Engine] = OrderedDict()
        self._infos: dict[tuple[int, int], EngineInfo] = {}  # for every size met

    def __enter__(self) -> _Engines:
        return self

    def __exit__(self, *_: object) -> None:
        """Close every engine, also where one of them fails to close."""
        with ExitStack() as stack:
            for engine in self._open.values():
                stack.callback(engine.close)

    def facts(self) -> list[tuple[str, str]]:
        """Rows for `print_facts`: each engine that was opened, with its sizes."""
        if not self._infos:
            return engine_facts(None)
        alike: dict[tuple[str, str], list[EngineInfo]] = {}
        for info in self._infos.values():
            alike.setdefault((info.name, info.precision), []).append(info)
        rows = []
        for infos in alike.values():
            rows += engine_facts(describe_engine(infos[-1]), [info.size_wh for info in infos])
        return rows

    def fuse(
        self, size_wh: tuple[int, int], weight: np.ndarray, ir: np.ndarray, vis: np.ndarray
    ) -> np.ndarray:
        engine = self._open.pop(size_wh, None) or self._start(size_wh)
        self._open[size_wh] = engine
        engine.set_weight(weight)
        return engine.fuse(ir, vis)

    def _start(self, size_wh: tuple[int, int]) -> Engine:
        if len(self._open) >= _KEPT_ENGINES:
            self._open.popitem(last=False)[1].close()
        engine = open_chosen(self._settings, size_wh, report=say, stop=self._stop)
        self._infos[size_wh] = engine.info
        return engine


def _listed(unmatched: Unmatched, most: int = 10) -> str:
    """For instance "infrared only: a.png, b.png; visible only: c.png"."""
    parts = []
    for name, files in (("infrared", unmatched.ir), ("visible", unmatched.vis)):
        if files:
            more = f" and {len(files) - most} more" if len(files) > most else ""
            parts.append(f"{name} only: {', '.join(files[:most])}{more}")
    return "; ".join(parts)
