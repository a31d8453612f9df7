"""Keeps the verdicts on engines, so that each is compared with the reference once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from .cache_dir import root_or_none, trim_folder, write_whole
from .parity import Parity
from .parity_pairs import VERSION

FOLDER: Final = "parity"
_SCHEMA = 1
_MOST_BYTES = 1 << 20  # some thousand verdicts


@dataclass(frozen=True)
class VerdictKey:
    """What a verdict holds for.

    Attributes:
        engine: name of the back end.
        version: of its package.
        device: what computes.
        model_sha256: of the FP32 file, which is the reference.
        file_sha256: of the file that the engine runs; the same where it is the FP32 file.
        precision: in which it computes.
        size_wh: of the pairs.
        pairs: version of the pairs.
    """

    engine: str
    version: str
    device: str
    model_sha256: str
    file_sha256: str
    precision: str
    size_wh: tuple[int, int]
    pairs: int = VERSION

    @property
    def path(self) -> Path | None:
        """The file that keeps the verdict; None where there is no place for a cache."""
        text = json.dumps(self._data(), sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:24]
        name = f"{self.engine}-{self.precision}-{digest}.json"
        root = root_or_none()
        return None if root is None else root / FOLDER / name

    def _data(self) -> dict[str, object]:
        return {"schema": _SCHEMA, **asdict(self), "size_wh": list(self.size_wh)}

    def recall(self) -> Parity | None:
        """The verdict; None where there is none, or where its file is damaged."""
        path = self.path
        unkept = _unkept.get((path, self))
        if path is None or unkept is not None:
            return unkept
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(data, dict) or data.get("key") != self._data():
                return None
            return Parity.from_data(data.get("parity"))
        except (OSError, ValueError, RecursionError):  # not there, or not what we wrote
            return None

    def remember(self, parity: Parity) -> None:
        """Keep a verdict; the oldest ones go when there are thousands.

        Where it cannot be written, it is kept in memory, for the next opening in this process.

        Raises:
            EngineError: it cannot be written, though there is a place.
        """
        path = self.path
        _unkept[path, self] = parity
        if path is None:
            return
        data = {"key": self._data(), "parity": parity.as_data()}
        write_whole(path, (json.dumps(data, indent=2) + "\n").encode())
        del _unkept[path, self]
        trim_folder(path.parent, "*.json", _MOST_BYTES)


_unkept: dict[tuple[Path | None, VerdictKey], Parity] = {}  # what no file holds
