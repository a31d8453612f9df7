"""Shows each fused pair in the views that were asked for, and hands it to the sinks."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from .errors import SinkError
from .frame import FramePair
from .palette import PALETTES
from .registration.running import Registration
from .sinks.base import Sink
from .sinks.hud import HudState, draw_banner, draw_help, draw_hud
from .sinks.stills import write_png
from .sinks.window import WindowSink
from .thermal import Agc
from .views import INFRARED_VIEWS, VIEWS, compose

_NOTICE_S = 2.0
_STEPS = {"n": 1, "f": -1}  # px that a key moves near things
_STALE_EVERY_S = 0.2
_STALE_LIGHT = 0.35  # of the last picture's brightness


def render(
    pair: FramePair, view: str, palette: str, registration: Registration, hud: HudState | None
) -> np.ndarray:
    """One view of a finished pair.

    Args:
        pair: after the fuse stage; its pictures are not changed.
        view: see `fusion_rt.views`.
        palette: for the infrared picture where the view shows it.
        registration: of the pair.
        hud: figures to draw into it; None for none.

    Returns:
        (H, W, 3) uint8 BGR, possibly the pair's own picture: not to be written to.
    """
    assert pair.vis_bgr is not None
    assert pair.fused is not None
    alignment = registration.of(pair)
    picture = compose(
        view,
        ir_on_vis=registration.warped(pair) if view in INFRARED_VIEWS else None,
        vis_bgr=pair.vis_bgr,
        fused=pair.fused,
        palette=palette,
        seen=alignment.ir_seen,
        vis_seen=alignment.vis_seen,
    )
    if hud is not None:
        picture = picture.copy()
        draw_hud(picture, hud)
    return picture


@dataclass(frozen=True)
class Output:
    """A sink and what it shows.

    Attributes:
        sink: where pictures go.
        view: which one.
        palette: for the infrared picture.
        registration: of the pairs.
        hud: whether figures are drawn into the picture.
    """

    sink: Sink
    view: str
    palette: str
    registration: Registration
    hud: bool = False

    def show(self, pair: FramePair, hud: HudState, captured_ns: int | None = None) -> None:
        """Hand the pair on; ``captured_ns`` stands in for its own time where that is given."""
        drawn = hud if self.hud else None
        picture = render(pair, self.view, self.palette, self.registration, drawn)
        self.sink.write(picture, pair.captured_ns if captured_ns is None else captured_ns)


class Screen:
    """The window with its keys: another view, palette and distance, figures, help, gain, save."""

    def __init__(
        self,
        window: WindowSink,
        view: str,
        palette: str,
        registration: Registration,
        saves: Path,
        agc: Agc,
    ) -> None:
        """Start with figures on.

        Args:
            window: open.
            view: shown first.
            palette: used first.
            registration: of the pairs.
            saves: folder that the key ``s`` saves pictures to.
            agc: gain control of the infrared, which the key ``g`` locks.
        """
        self._window = window
        self._view = view
        self._palette = palette
        self._registration = registration
        self._saves = saves
        self._agc = agc
        self._hud = True
        self._help = False
        self._notice = ("", 0.0)
        self._last: FramePair | None = None
        self._stale_until = 0.0

    @property
    def stop_asked(self) -> bool:
        """Whether the user wants to quit."""
        return self._window.stop_asked

    def show(self, pair: FramePair, hud: HudState) -> None:
        """Show the newest pair."""
        self._last = pair
        notice, until = self._notice
        if notice and time.monotonic() < until:
            hud = replace(hud, banner=notice)
        drawn = hud if self._hud else None
        picture = render(pair, self._view, self._palette, self._registration, drawn)
        if self._help or (hud.banner and not self._hud):
            picture = picture.copy()
        if hud.banner and not self._hud:
            draw_banner(picture, hud.banner)  # what is wrong shows without the figures too
        if self._help:
            draw_help(picture)
        self._window.write(picture, pair.captured_ns)

    @property
    def pointer_xy(self) -> tuple[int, int] | None:
        """Px of the fused picture under the pointer; None where the view shows several pictures."""
        return None if self._view == "side-by-side" else self._window.pointer_xy

    def show_stale(self, why: str) -> None:
        """Show that there is no live picture: the last one, grey and dark, and why.

        Redrawn a few times a second, as ``why`` counts the time.
        """
        now = time.monotonic()
        if now < self._stale_until:
            return
        self._stale_until = now + _STALE_EVERY_S
        picture: np.ndarray
        if self._last is None:
            width, height = self._registration.size_wh
            picture = np.zeros((height, width, 3), np.uint8)
        else:
            live = render(self._last, self._view, self._palette, self._registration, None)
            grey = cv2.cvtColor(live, cv2.COLOR_BGR2GRAY)
            picture = cv2.cvtColor(
                cv2.convertScaleAbs(grey, alpha=_STALE_LIGHT), cv2.COLOR_GRAY2BGR
            )
        draw_banner(picture, why)
        self._window.write(picture, 0)

    def choose(self, view: str, palette: str) -> None:
        """Show another view and palette from now on."""
        self._view, self._palette = view, palette

    def handle_keys(self) -> None:
        """React to the keys pressed since the last call; keeps the window alive."""
        while (key := self._window.poll()) is not None:
            if key == "h":
                self._hud = not self._hud
            elif key == "?":
                self._help = not self._help
            elif key == "v":
                self._view = _next(list(VIEWS), self._view)
            elif key == "p":
                self._palette = _next(list(PALETTES), self._palette)
            elif key in _STEPS:
                self._tell(self._registration.step(_STEPS[key]))
            elif key == "a":
                self._tell(self._registration.toggle_auto())
            elif key == "g":
                self._lock_gain()
            elif key == "s" and self._last is not None:
                self._save(self._last)

    def _save(self, pair: FramePair) -> None:
        name = f"fusion-{time.strftime('%Y%m%d-%H%M%S')}-{pair.vis.seq:06d}.png"
        path = self._saves / name
        try:
            picture = render(pair, self._view, self._palette, self._registration, None)
            write_png(path, picture)
            notice = f"saved {path}"
        except SinkError as error:  # told in the picture: a key must not end the run
            notice = str(error)
        self._tell(notice)

    def _lock_gain(self) -> None:
        if self._last is not None and self._last.ir.image.dtype != np.uint16:
            self._tell("this infrared picture has 8 bits: its gain is the camera's own")
        elif self._agc.locked:
            self._agc.unlock()
            self._tell("infrared gain follows the scene")
        else:
            self._agc.lock()
            self._tell("infrared gain locked")

    def _tell(self, notice: str) -> None:
        self._notice = (notice, time.monotonic() + _NOTICE_S)

    def close(self) -> None:
        """Close the window."""
        self._window.close()


def _next(names: list[str], current: str) -> str:
    return names[(names.index(current) + 1) % len(names)]
