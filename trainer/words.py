"""Small parts of sentences: counts, lists of names, and how the program is called here."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path


def counted(number: int, noun: str) -> str:
    """For instance "1 pair" or "3 pairs"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(names: Sequence[str], most: int = 10) -> str:
    """For instance "a, b and 3 more"."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def program() -> str:
    """What to type for ``fusion-rt`` in the environment that runs now.

    The name alone where a shell would find this very program, else its path, as for an environment
    that is used without being activated.
    """
    script = Path(sys.executable).with_name("fusion-rt")
    if not script.is_file():
        return f"{shlex.quote(sys.executable)} -m fusion_rt"
    found = shutil.which("fusion-rt")
    if found is not None and os.path.samefile(found, script):
        return "fusion-rt"
    here = Path.cwd()
    return shlex.quote(str(script.relative_to(here) if script.is_relative_to(here) else script))
