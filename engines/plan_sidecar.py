"""The file beside a plan, which says what the plan is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .cache_dir import VARIABLE
from .errors import EngineError
from .plan_key import SCHEMA, PlanKey


@dataclass(frozen=True)
class CachedPlan:
    """A plan on disk, and what is known of it.

    Attributes:
        key: what it holds for.
        path: of the plan.
        sidecar: of the JSON file beside it.
        built: when, in UTC.
        seconds: that it took to build.
        sha256: of the plan, 64 hex digits.
        size: of the plan in bytes.
        parity: figures of its comparison with the reference, as `Parity.as_data` gives them; None
            before it was compared.
    """

    key: PlanKey
    path: Path
    sidecar: Path
    built: datetime
    seconds: float
    sha256: str
    size: int
    parity: dict[str, Any] | None

    @property
    def kernels(self) -> Path:
        """Where TensorRT-RTX's kernels for the plan are kept once it has run; need not exist."""
        return self.path.with_suffix(".kernels")

    @property
    def files(self) -> tuple[Path, ...]:
        """All that belongs to it and is there."""
        return tuple(path for path in (self.path, self.sidecar, self.kernels) if path.exists())


@dataclass(frozen=True)
class Unreadable:
    """A file beside a plan that does not say what the plan is.

    Attributes:
        sidecar: of the JSON file.
        reason: in words.
    """

    sidecar: Path
    reason: str


def named_plan(sidecar: Path) -> CachedPlan | None:
    """The plan beside which the file lies; None where it does not say."""
    text = read(sidecar)
    try:
        return None if text is None else parse(sidecar, text)
    except ValueError:
        return None


def read(path: Path) -> bytes | None:
    """The file's content; None where there is none."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise EngineError(
            f"cannot read {path}: {error.strerror or error}",
            hint=f"mend its permissions, or name another folder: export {VARIABLE}=/path/to/folder",
        ) from error


def serialize(plan: CachedPlan) -> bytes:
    """The content of the file beside a plan."""
    data = {
        "schema": SCHEMA,
        "key": plan.key.as_data(),
        "built": plan.built.isoformat(),
        "seconds": plan.seconds,
        "plan": plan.path.name,
        "sha256": plan.sha256,
        "bytes": plan.size,
        "parity": plan.parity,
    }
    return (json.dumps(data, indent=2) + "\n").encode()


def parse(sidecar: Path, text: bytes) -> CachedPlan:
    """What the file says.

    Raises:
        ValueError: it is not one of ours; the words fit behind "it".
    """
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, or without end
        raise ValueError("its description cannot be read") from error
    if not isinstance(data, dict) or data.get("schema") != SCHEMA:
        raise ValueError(f"its description is not of schema {SCHEMA}")
    try:
        return CachedPlan(
            key=PlanKey.from_data(data["key"]),
            path=sidecar.with_name(_read_name(sidecar, data["plan"])),
            sidecar=sidecar,
            built=datetime.fromisoformat(data["built"]).astimezone(timezone.utc),
            seconds=float(data["seconds"]),
            sha256=str(data["sha256"]),
            size=int(data["bytes"]),
            parity=_read_parity(data["parity"]),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("its description lacks something") from error
    except OverflowError as error:
        raise ValueError("its description has a number or a date out of range") from error


def _read_name(sidecar: Path, value: Any) -> str:
    """Of the plan, as `PlanCache.store` makes it: no file of another kind is taken for it."""
    whole = isinstance(value, str) and value == Path(value).name and "\0" not in value
    if whole and value.startswith(f"{sidecar.stem}-") and value.endswith(".plan"):
        return value
    raise ValueError("its description names another file as its plan")


def _read_parity(value: Any) -> dict[str, Any] | None:
    if value is None or isinstance(value, dict):
        return value
    raise ValueError("its parity cannot be read")
