"""Cameras for the soak test, and what goes wrong with them in turn."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import soak_simulated

from fusion_rt.frame import Sensor

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "live"))
from rtsp_server import PAIR, RtspServer, missing

_RETRIES = 4
_RIG = """\
rig: 1
ir: {size: [320, 240]}
vis: {size: [640, 480]}
H_vis_ir: [[2.0, 0.0, 0.5], [0.0, 2.0, 0.5], [0.0, 0.0, 1.0]]
"""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong for a while.

    Attributes:
        name: in words.
        lasts_s: between the two calls.
        begin: makes it so.
        end: mends it.
    """

    name: str
    lasts_s: float
    begin: Callable[[], None]
    end: Callable[[], None]


class SoakCameras(ABC):
    """A pair of cameras; used as a context.

    Attributes:
        name: in words.
        uris: of both, keys "ir" and "vis".
        faults: to come in turn.
        rig: file with their geometry.
        troubles: file for `soak_simulated`; None for real streams.
    """

    name: str
    uris: dict[str, str]
    faults: tuple[Fault, ...]
    troubles: Path | None = None

    def __init__(self, folder: Path) -> None:
        self.rig = folder / "rig.yaml"
        self.rig.write_text(_RIG, encoding="utf-8")

    @abstractmethod
    def close(self) -> None:
        """End them."""

    def __enter__(self) -> SoakCameras:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(RtspServer):
    """The server of the tests, whose loss can be changed by a restart."""

    def restart_with(self, loss: float) -> None:
        """End it where it runs, and start it, on the same port."""
        self.kill()
        self._given["loss"] = loss
        for _ in range(_RETRIES):
            try:
                self.start()
            except RuntimeError:  # the machine is busy, or the port is not free again yet
                time.sleep(1)
            else:
                return
        self.start()


class RtspCameras(SoakCameras):
    """Two H.264 streams of a real server on this machine, with marked pictures."""

    name = "two RTSP cameras, H.264, 320x240 and 640x480, 30 frames/s, of a server beside"

    def __init__(self, folder: Path, seconds: float) -> None:
        """Start the server.

        Args:
            folder: for the rig.
            seconds: the server ends itself some time after so long.
        """
        super().__init__(folder)
        self._server = server = _Server(PAIR, lifetime_s=round(seconds) + 600)
        self.uris = {mount: server.url(mount) for mount in PAIR}

        def tell(command: str) -> Callable[[], None]:
            return lambda: server.tell(command)

        def restart(loss: float) -> Callable[[], None]:
            return lambda: server.restart_with(loss)

        normal, larger, other = (f"size vis {size}" for size in ("640x480", "800x600", "640x360"))
        self.faults = (
            Fault("server killed", 2, server.kill, restart(0.0)),
            Fault("infrared silent", 5, tell("pause ir"), tell("resume ir")),
            Fault("server frozen", 5, server.freeze, server.thaw),
            Fault("visible in 800x600", 5, tell(larger), tell(normal)),
            Fault("visible silent", 5, tell("pause vis"), tell("resume vis")),
            Fault("2 % of packets lost", 8, restart(0.02), restart(0.0)),
            Fault("visible of another shape", 5, tell(other), tell(normal)),
        )

    def close(self) -> None:
        """End the server."""
        self._server.kill()


class SimulatedCameras(SoakCameras):
    """Two cameras that exist in the process alone."""

    name = "two simulated cameras, 320x240 at 25 and 640x480 at 30 frames/s"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.uris = {sensor.value: uri for sensor, uri in soak_simulated.URIS.items()}
        self.troubles = troubles = folder / "troubles"

        def set_to(line: str) -> Callable[[], None]:
            def write() -> None:
                fresh = troubles.with_suffix(".new")
                fresh.write_text(line, encoding="ascii")
                fresh.replace(troubles)  # never half written

            return write

        mend = set_to("")
        mend()
        self.faults = tuple(
            Fault(name, lasts_s, set_to(f"{sensor.value} {trouble}"), mend)
            for name, lasts_s, sensor, trouble in (
                ("infrared lost", 2, Sensor.IR, "lost"),
                ("visible silent", 5, Sensor.VIS, "silent"),
                ("visible in 800x600", 5, Sensor.VIS, "larger"),
                ("visible lost", 2, Sensor.VIS, "lost"),
                ("infrared at a tenth of the rate", 5, Sensor.IR, "slow"),
                ("infrared of another shape", 5, Sensor.IR, "other"),
                ("infrared stamps 3 s ahead", 5, Sensor.IR, "stamps"),
            )
        )

    def close(self) -> None:
        """Nothing to end."""


def open_cameras(folder: Path, seconds: float, kind: str) -> SoakCameras:
    """Real streams where GStreamer's RTSP server is there and not forbidden, else simulated ones.

    Args:
        folder: for files that the run needs.
        seconds: how long they are needed.
        kind: auto, rtsp or simulated.
    """
    why = missing() if kind != "simulated" else "asked for"
    if why is None:
        return RtspCameras(folder, seconds)
    if kind == "rtsp":
        sys.exit(f"no RTSP server: it {why}")
    print(f"simulated cameras: {why}", file=sys.stderr)
    return SimulatedCameras(folder)
