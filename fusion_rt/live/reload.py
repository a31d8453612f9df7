"""Takes changes of the configuration file into a run that goes on."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import FusionError
from ..run_settings import AT_START, RELOADABLE, RunSettings

_EVERY_NS = 500_000_000


@dataclass(frozen=True)
class Reload:
    """What came of reading the file again.

    Attributes:
        settings: to use from now on; those that were there where the file was refused.
        changed: sections that differ and take effect.
        words: one line for people.
    """

    settings: RunSettings
    changed: tuple[str, ...]
    words: str


class SettingsWatch:
    """Looks twice a second whether the file was written; a signal may ask for it at once.

    A file that cannot be used is refused whole: the run goes on with what it has.
    """

    def __init__(self, path: Path, load: Callable[[], RunSettings], current: RunSettings) -> None:
        """Start with the settings that the run began with.

        Args:
            path: of the file.
            load: reads it again, with whatever else the run was given.
            current: in use.
        """
        self._path = path
        self._load = load
        self._current = current
        self._stamp = _stamp(path)
        self._looked_ns = 0
        self._asked = False

    def ask(self) -> None:
        """Read it at the next `poll`, changed or not; safe in a signal handler."""
        self._asked = True

    def poll(self, now_ns: int) -> Reload | None:
        """What changed; None where nothing did.

        Args:
            now_ns: monotonic time.
        """
        asked, self._asked = self._asked, False
        if not asked:
            if now_ns - self._looked_ns < _EVERY_NS:
                return None
            self._looked_ns = now_ns
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                return None
            self._stamp = stamp
            if stamp is None:
                # Editors move files about; what is gone for a moment is no change.
                return None
        else:
            self._stamp = _stamp(self._path)
        return self._read()

    def _read(self) -> Reload:
        try:
            wanted = self._load()
        except FusionError as error:
            why = str(error).removeprefix(f"{self._path}: ")
            return Reload(self._current, (), f"{self._path} is refused, nothing changes: {why}")
        wanted, later = _held_back(self._current, wanted)
        differing = [
            name
            for name in RunSettings.model_fields
            if getattr(wanted, name) != getattr(self._current, name)
        ]
        changed = tuple(name for name in differing if name in RELOADABLE)
        later += [name for name in differing if name not in RELOADABLE]
        values: dict[str, Any] = {name: getattr(wanted, name) for name in changed}
        words = f"{self._path}: "
        words += (
            f"{_list(_keys(self._current, wanted, changed))} changed"
            if changed
            else ("nothing that takes effect now has changed")
        )
        if later:
            words += f"; {', '.join(later)} only at the next start"
        self._current = self._current.model_copy(update=values)
        return Reload(self._current, changed, words)


def _held_back(current: RunSettings, wanted: RunSettings) -> tuple[RunSettings, list[str]]:
    """What is wanted, but as it was where that cannot change now; and what those keys are."""
    later = []
    for key in AT_START:
        section, name = key.split(".")
        before, after = getattr(current, section), getattr(wanted, section)
        if getattr(before, name) != getattr(after, name):
            later.append(key)
            as_before = after.model_copy(update={name: getattr(before, name)})
            wanted = wanted.model_copy(update={section: as_before})
    return wanted, later


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _keys(before: RunSettings, after: RunSettings, sections: tuple[str, ...]) -> list[str]:
    return [
        f"{section}.{key}"
        for section in sections
        for key in type(getattr(after, section)).model_fields
        if getattr(getattr(before, section), key) != getattr(getattr(after, section), key)
    ]


def _list(words: list[str]) -> str:
    return ", ".join(words)
