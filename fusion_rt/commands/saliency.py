"""``fusion-rt saliency``: what training takes for salient in infrared pictures, to be looked at."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..errors import SourceError, UsageError
from ..frame import Sensor
from ..sinks.stills import write_png
from ..sources.listing import list_pictures
from ..sources.picture import read_image
from ..sources.uri import IMAGE_SUFFIXES
from ..terminal import print_facts, progress_bar, say, say_error
from ..thermal import Agc
from .saliency_panel import saliency_panel

if TYPE_CHECKING:
    from trainer.saliency_cache import SaliencyCache

FULL_SCALE = 0.5  # saliency that the written pictures show as white
PANELS = "panel"

# Of a picture (H, W) uint8: its saliency, and that in the form that the mask is made of.
_Look = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class SaliencyRequest:
    """What to show.

    Attributes:
        ir: infrared picture, folder or pattern.
        out: folder for the results.
        method: "projection" of patches, as in training by default, or "whole".
        panel: also write the picture, its saliency and the mask side by side.
        cache: folder of saliency maps, as that of a training; None keeps none.
    """

    ir: str
    out: Path
    method: Literal["whole", "projection"]
    panel: bool
    cache: Path | None


def saliency(request: SaliencyRequest) -> int:
    """Write the saliency of every picture as 16-bit grey PNG, white for `FULL_SCALE`.

    With the method of a training it is what a training on these very pictures takes; one on more
    pictures learns its filter from others, which changes little.

    Returns:
        Exit code: 0, or 1 when a picture could not be read and was left out.

    Raises:
        UsageError: the results would replace the input or each other.
        SourceError: no picture at all, or the only one cannot be read.
        TrainerError, FusionError: in words. Pictures written before stay.
    """
    files, _ = list_pictures(request.ir)  # its notes are about recordings
    _check(request.out, files)
    from trainer.optional import require

    require("torch", purpose="saliency")
    from trainer.errors import DataError
    from trainer.saliency_cache import SaliencyCache

    left_out, written, begun = [], 0, time.monotonic()
    with ExitStack() as stack:
        folder = request.cache or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cache = SaliencyCache(folder)
        look = _whole(cache) if request.method == "whole" else _projection(cache, files)
        with progress_bar("saliency of", len(files)) as bar:
            for path in files:
                try:
                    ir = _read(path)
                    found, levels = look(ir)
                except (SourceError, DataError) as error:  # this picture's own fault
                    if len(files) == 1:
                        raise
                    which = "" if isinstance(error, SourceError) else f"{path}: "
                    left_out.append(f"{which}{error} ({error.hint})")
                else:
                    _write(request, path.stem, ir, found, levels)
                    written += 1
                bar.advance(path.name)
    seconds = time.monotonic() - begun
    facts = [
        ("pictures", f"{written} of {len(files)}, {seconds / len(files):.2f} s each"),
        ("written", f"{request.out}, 16 bit, white is {FULL_SCALE:g}" if written else "nothing"),
    ]
    if written and request.panel:
        facts.append(("panels", str(request.out / PANELS)))
    print_facts(facts)
    for line in left_out:
        say_error(f"left out: {line}", "")
    return 1 if left_out else 0


def _check(out: Path, files: list[Path]) -> None:
    if out.suffix.lower() in IMAGE_SUFFIXES:
        raise UsageError(
            f"--out {out} names a picture, but results go to a folder",
            hint="name a folder; the result gets the infrared picture's name",
        )
    if out.resolve() in {path.resolve().parent for path in files}:
        raise UsageError(
            f"{out} holds the input, which the results would replace",
            hint="give another folder as --out",
        )
    stems: dict[str, Path] = {}
    for path in files:
        if path.stem in stems:
            raise UsageError(
                f"{stems[path.stem]} and {path} would both become {path.stem}.png",
                hint="keep one of them, or name them one by one",
            )
        stems[path.stem] = path


def _read(path: Path) -> np.ndarray:
    ir, notes = read_image(path, Sensor.IR)
    for note in notes:
        say(f"note: {path.name}: {note}")
    if ir.dtype == np.uint16:
        return Agc().apply(ir, captured_ns=0)
    return ir


def _whole(cache: SaliencyCache) -> _Look:
    from trainer.saliency_cache import by_level

    def look(ir: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = cache.get(ir)
        return found, by_level(ir, found)

    return look


def _projection(cache: SaliencyCache, files: list[Path]) -> _Look:
    """The filter is learned as a training on these pictures learns it, from the same of them.

    Those that training would refuse are left out.

    Raises:
        SourceError, DataError: none of them will do.
    """
    from trainer.pairs import chosen
    from trainer.salience import FILTER_PICTURES
    from trainer.saliency import PATCH, patch_saliency

    pictures, faults = [], []
    drawn = chosen(sorted(files, key=lambda path: path.stem), FILTER_PICTURES)
    with progress_bar("learning from", len(drawn)) as bar:
        for path in drawn:
            try:
                ir = _read(path)
            except SourceError as error:  # told again, and in full, when its own turn comes
                faults.append(error)
            else:
                if min(ir.shape) >= PATCH:
                    pictures.append(ir)
            bar.advance(path.name)
        if faults and not pictures:
            raise faults[0]
        kernel = cache.patch_filter(pictures)

    def look(ir: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        found = patch_saliency(ir, kernel)
        return found, found

    return look


def _write(
    request: SaliencyRequest, stem: str, ir: np.ndarray, found: np.ndarray, levels: np.ndarray
) -> None:
    import torch

    from trainer.targets import salient_mask

    share = np.clip(found / FULL_SCALE, 0, 1)
    write_png(request.out / f"{stem}.png", np.rint(share * 65535).astype(np.uint16))
    if request.panel:
        mask = salient_mask(torch.from_numpy(levels)[None, None])[0, 0].numpy()
        panel = saliency_panel(ir, found, mask)
        write_png(request.out / PANELS / f"{stem}.png", panel)
