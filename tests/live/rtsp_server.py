"""A real RTSP server for tests and benchmarks: a child process with marked pictures.

It needs GStreamer and its RTSP server for the system's Python. On Debian and Ubuntu these are the
packages python3-gi, gir1.2-gst-rtsp-server-1.0, gstreamer1.0-plugins-base, -good, -bad and -ugly;
elsewhere tests that use it are skipped, with the reason.
"""

from __future__ import annotations

import functools
import json
import os
import select
import signal
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

PYTHON = "/usr/bin/python3"  # gi comes with the system, not with a virtual environment
_CHILD = Path(__file__).with_name("rtsp_child.py")
_START_S = 20.0
_END_S = 5.0


@dataclass(frozen=True)
class Mount:
    """One camera of the server.

    Attributes:
        size_wh: at least 192 x 48 px, for the marker; even.
        fps: pictures are taken at whole multiples of its period on the monotonic clock.
        offset_ms: how much later than that.
        jitter_ms: width of the even spread around it.
        color: whether the picture has a tint.
        codec: "h264" or "jpeg".
    """

    size_wh: tuple[int, int] = (320, 240)
    fps: float = 30.0
    offset_ms: float = 0.0
    jitter_ms: float = 0.0
    color: bool = False
    codec: str = "h264"


PAIR = {"ir": Mount(), "vis": Mount(size_wh=(640, 480), color=True)}


@functools.cache
def missing() -> str | None:
    """Why the server cannot run here; None where it can."""
    if not Path(PYTHON).exists():
        return f"needs {PYTHON}"
    check = subprocess.run(
        [PYTHON, str(_CHILD), '{"check": true}'], capture_output=True, text=True, timeout=60
    )
    if check.returncode:
        return f"needs GStreamer's RTSP server: {check.stderr.strip().splitlines()[-1]}"
    return None


class RtspServer:
    """The child process. Used as a context; only its own process is ever signalled."""

    def __init__(
        self,
        mounts: dict[str, Mount] | None = None,
        *,
        loss: float = 0.0,
        password: str = "",
        lifetime_s: int = 300,
    ) -> None:
        """Start it; the test is skipped where that is not possible.

        Args:
            mounts: by name; `PAIR` when None.
            loss: share of the RTP packets that are lost.
            password: asked of the user named "user"; none when empty.
            lifetime_s: after so long it ends by itself.
        """
        reason = missing()
        if reason:
            pytest.skip(reason)
        self._given = {
            "mounts": {name: asdict(mount) for name, mount in (mounts or PAIR).items()},
            "loss": loss,
            "password": password,
            "lifetime_s": lifetime_s,
        }
        self.port = 0
        self.start()

    def start(self) -> None:
        """Start it, again on the same port where it ran before."""
        self._process = subprocess.Popen(
            [PYTHON, str(_CHILD), json.dumps({**self._given, "port": self.port})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], _START_S)
        line = self._process.stdout.readline() if ready else ""
        if not line:
            self.kill()
            raise RuntimeError("the RTSP server did not start; see its output above")
        self.port = json.loads(line)["port"]

    def url(self, mount: str, login: str = "") -> str:
        """Address of a mount; ``login`` is "name:password@"."""
        return f"rtsp://{login}127.0.0.1:{self.port}/{mount}"

    def tell(self, command: str) -> None:
        """Give a command, see `rtsp_child`."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def freeze(self) -> None:
        """Stop the process as it stands: connections stay, nothing comes (SIGSTOP)."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on (SIGCONT)."""
        os.kill(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it at once; may be called twice."""
        self._process.kill()  # SIGKILL ends a stopped process too
        self._process.wait(_END_S)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

    def restart(self) -> None:
        """End it and start it on the same port."""
        self.kill()
        self.start()

    def __enter__(self) -> RtspServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
