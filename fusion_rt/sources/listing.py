"""Which picture files a folder or pattern means, in natural order."""

from __future__ import annotations

import glob
import re
from itertools import pairwise
from pathlib import Path

from ..errors import SourceError
from .uri import IMAGE_SUFFIXES

_NUMBERS = re.compile(r"(\d+)")


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sort key by which ``frame2`` comes before ``frame10``."""
    return tuple(
        (0, int(part), part) if part.isdecimal() else (1, 0, part.casefold())
        for part in _NUMBERS.split(name)
        if part
    )


def is_picture(path: Path) -> bool:
    """Whether the suffix is that of a picture; hidden files are not taken."""
    return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")


def list_pictures(path: str) -> tuple[list[Path], tuple[str, ...]]:
    """Picture files of a folder, of a pattern, or the one file itself.

    Returns:
        Files in natural order of their names, at least one; and notes for the user.
    Raises:
        SourceError: nothing there; says what is there instead.
    """
    place = Path(path)
    if place.is_file():
        return [place], ()
    if place.is_dir():
        found = list(place.iterdir())
    elif glob.has_magic(path):
        found = [Path(name) for name in glob.glob(path)]
    else:
        raise missing(place)
    pictures = sorted(
        (p for p in found if is_picture(p) and p.is_file()), key=lambda p: natural_key(str(p))
    )
    if not pictures:
        raise SourceError(f"{path} {_instead(found)}", hint=_hint(found))
    notes = [note for note in (_others_note(found, pictures), _gap_note(pictures)) if note]
    return pictures, tuple(notes)


def missing(place: Path) -> SourceError:
    """The error for a path that does not exist: says how far it does."""
    parent = place.parent
    if not parent.is_dir():
        return SourceError(f"{place} does not exist, nor does {parent}", hint="check the path")
    return SourceError(f"{place} does not exist", hint=f"look into {parent} for the right name")


def _gap_note(pictures: list[Path]) -> str:
    """A missing number shifts all later pictures in time, and so against the other sensor."""
    numbered = [(int(n[-1]), p.name) for p in pictures if (n := re.findall(r"\d+", p.stem))]
    if len(numbered) < len(pictures) or len(numbered) < 3:
        return ""
    steps = [b[0] - a[0] for a, b in pairwise(numbered)]
    usual = min(steps)
    if usual <= 0 or max(steps) == usual:
        return ""
    at = next(i for i, step in enumerate(steps) if step != usual)
    return (
        f"{numbered[at][1]} is followed by {numbered[at + 1][1]}: "
        "pictures are timed by their place in the order, not by their number"
    )


def _others_note(found: list[Path], pictures: list[Path]) -> str:
    taken = set(pictures)
    others = sorted(p.name for p in found if p not in taken and not p.name.startswith("."))
    return f"not pictures, so left out: {_some(others)}" if others else ""


def _instead(found: list[Path]) -> str:
    folders = sorted(p.name for p in found if p.is_dir())
    files = sorted(p.name for p in found if not p.is_dir())
    parts = []
    if folders:
        parts.append(f"sub-folders {_some(folders)}")
    if files:
        parts.append(f"files {_some(files)}")
    return f"holds no pictures, only {' and '.join(parts)}" if parts else "holds no pictures"


def _hint(found: list[Path]) -> str:
    folder = next((p for p in sorted(found) if p.is_dir() and any(map(is_picture, p.iterdir()))), 0)
    if folder:
        return f"name one of the folders with pictures, for instance {folder}"
    return f"pictures end in {', '.join(sorted(IMAGE_SUFFIXES))}"


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:4])
    return f"{shown} and {len(names) - 4} more" if len(names) > 4 else shown
