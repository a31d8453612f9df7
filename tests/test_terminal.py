"""Progress as a terminal shows it: through a pseudo-terminal, in a process of its own."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading

import pytest

BAR = """
import sys
from fusion_rt.terminal import progress_bar, say
with progress_bar("fusing", 3) as bar:
    for _ in range(3):
        bar.advance("12.0 frames/s")
        say("a line of ours")
        print("a line of a library", file=sys.stderr)
say("done")
"""
FUSE = """
from fusion_rt.cli import main
main()
"""


def on_a_terminal(script, *args):
    """Exit code and output of a Python script whose standard streams are a terminal."""
    ours, theirs = pty.openpty()
    received = bytearray()

    def read():
        while True:
            try:
                received.extend(os.read(ours, 4096))
            except OSError:  # the other side is closed
                return

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    process = subprocess.Popen(
        [sys.executable, "-c", script, *args], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    try:
        code = process.wait(120)
    finally:
        process.kill()
    reader.join(10)
    os.close(ours)
    return code, received.decode()


def test_bar_ends_and_lines_beside_it_are_kept():
    code, text = on_a_terminal(BAR)
    assert code == 0
    assert text.count("a line of ours") == 3
    assert text.count("a line of a library") == 3
    assert "3/3" in text
    assert text.rstrip().endswith("done")


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(["fuse", "--engine", "classical"], id="fuse"),
        pytest.param(["replay", "--engine", "classical", "--no-window"], id="replay"),
    ],
)
def test_commands_end_on_a_terminal(args, tmp_path):
    import cv2
    import numpy as np

    for name, shape in (("ir", (64, 64)), ("vis", (64, 64, 3))):
        (tmp_path / name).mkdir()
        for index in range(2):
            picture = np.full(shape, 40 * index, np.uint8)
            cv2.imwrite(str(tmp_path / name / f"{index}.png"), picture)
    ir, vis = str(tmp_path / "ir"), str(tmp_path / "vis")
    if args[0] == "replay":
        ir, vis = f"{ir}?fps=10", f"{vis}?fps=10"
        out = ["--out", str(tmp_path / "film.mp4")]
    else:
        out = ["--out", str(tmp_path / "out")]
    code, text = on_a_terminal(FUSE, *args, "--ir", ir, "--vis", vis, *out)
    assert code == 0, text
