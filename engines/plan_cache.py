"""Keeps plans from one start to the next, each beside a file that says what it is."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Final

from .cache_dir import cache_root, write_whole
from .errors import EngineError
from .plan_key import PlanKey
from .plan_sidecar import CachedPlan, Unreadable, named_plan, parse, read, serialize

PLANS: Final = "plans"
DAMAGED: Final = ".damaged"
_TRIES = 20
Note = Callable[[str], None]


class PlanCache:
    """Plans in a folder that several processes may use at once.

    Each plan gets a file name of its own, and the file beside it, which names it, is replaced
    afterwards: who reads sees the old plan or the new one, never a mixture. Nothing is locked.
    """

    def __init__(self, root: Path | None = None) -> None:
        """Look at a folder; it need not exist yet.

        Args:
            root: of the whole cache; None for `engines.cache_dir.cache_root`.

        Raises:
            EngineError: there is no place for a cache.
        """
        self.root = cache_root() if root is None else root
        self.folder = self.root / PLANS

    def find(self, key: PlanKey, note: Note) -> tuple[CachedPlan, bytes] | None:
        """The plan for exactly this key, read and found whole; None where there is none.

        A damaged one is set aside, which ``note`` is told.

        Raises:
            EngineError: the folder cannot be read.
        """
        sidecar = self.folder / f"{key.stem}.json"
        for _ in range(_TRIES):
            text = read(sidecar)
            if text is None:
                return None
            try:
                plan = parse(sidecar, text)
                if plan.key != key:
                    raise ValueError("it belongs to another plan")
                content = read(plan.path)
                if content is None:
                    raise ValueError("its plan is gone")
                if len(content) != plan.size:
                    raise ValueError(f"it has {len(content)} bytes instead of {plan.size}")
                if hashlib.sha256(content).hexdigest() != plan.sha256:
                    raise ValueError("its content has changed")
            except ValueError as error:
                if read(sidecar) != text:
                    continue  # another process has replaced it meanwhile
                self._set_aside(sidecar, str(error), note)
                return None
            return plan, content
        return None

    def why_stale(self, key: PlanKey) -> str:
        """Why the newest plan of the same job does not fit; "" where there is none."""
        older = self.newest(key)
        return "" if older is None or older.key == key else key.difference(older.key)

    def newest(self, key: PlanKey) -> CachedPlan | None:
        """The plan built last for the same job, whatever else differs."""
        like = [plan for plan in self.plans() if plan.key.job == key.job]
        return max(like, key=lambda plan: plan.built, default=None)

    def store(self, key: PlanKey, content: bytes, seconds: float) -> CachedPlan:
        """Keep a plan; one with the same key is replaced.

        Args:
            key: what it holds for.
            content: the plan.
            seconds: that it took to build.

        Raises:
            EngineError: it cannot be written; nothing half-written is left.
        """
        sidecar = self.folder / f"{key.stem}.json"
        plan = CachedPlan(
            key=key,
            path=self.folder / f"{key.stem}-{secrets.token_hex(4)}.plan",
            sidecar=sidecar,
            built=datetime.now(timezone.utc).replace(microsecond=0),
            seconds=round(seconds, 3),
            sha256=hashlib.sha256(content).hexdigest(),
            size=len(content),
            parity=None,
        )
        replaced = named_plan(sidecar)
        write_whole(plan.path, content)
        write_whole(sidecar, serialize(plan))
        if replaced is not None:
            for path in (replaced.path, replaced.kernels):
                with suppress(OSError):  # gone already; otherwise `prune` finds it
                    path.unlink(missing_ok=True)
        return plan

    def note_parity(self, key: PlanKey, parity: dict[str, Any], sha256: str = "") -> None:
        """Write down how a plan compared with the reference.

        Args:
            key: of the plan.
            parity: as `Parity.as_data` gives it.
            sha256: of the plan that was compared; nothing is noted when another process has
                replaced it meanwhile. "" for whichever is there.

        Raises:
            EngineError: there is no such plan, or it cannot be written.
        """
        sidecar = self.folder / f"{key.stem}.json"
        text = read(sidecar)
        if text is None:
            raise EngineError(f"no plan {sidecar}", hint="build it: fusion-rt engine build")
        try:
            plan = parse(sidecar, text)
        except ValueError as error:
            raise EngineError(
                f"{sidecar}: {error}", hint="fusion-rt engine prune --unfit"
            ) from error
        if sha256 in ("", plan.sha256):
            write_whole(sidecar, serialize(replace(plan, parity=parity)))

    def check_writable(self) -> None:
        """Find out before minutes of building whether `store` will be able to write.

        Raises:
            EngineError: it will not; the hint names the way out.
        """
        probe = self.folder / f".probe-{os.getpid()}"
        write_whole(probe, b"")
        probe.unlink(missing_ok=True)

    def of_file(self, path: Path) -> CachedPlan:
        """What lies beside a plan, in this cache or elsewhere.

        Args:
            path: of the plan, or of the JSON file beside it.

        Raises:
            EngineError: it is not there, or there is nothing to be read beside it.
        """
        beside = [path] if path.suffix == ".json" else sorted(path.parent.glob("*.json"))
        if not path.is_file():
            raise EngineError(f"{path} is not there", hint="fusion-rt engine list")
        for sidecar in beside:
            if (text := read(sidecar)) is None:
                continue
            try:
                plan = parse(sidecar, text)
            except ValueError as error:
                if sidecar == path:
                    raise EngineError(f"{path}: {error}", hint="fusion-rt engine list") from error
                continue
            if path in (sidecar, plan.path):
                return plan
        raise EngineError(
            f"{path}: no file beside it says what it is", hint="fusion-rt engine list"
        )

    def plans(self) -> list[CachedPlan]:
        """All plans that say what they are, by name; their content is not read."""
        return [entry for entry in self.entries() if isinstance(entry, CachedPlan)]

    def entries(self) -> list[CachedPlan | Unreadable]:
        """All files beside plans, by name.

        Raises:
            EngineError: the folder cannot be read.
        """
        found: list[CachedPlan | Unreadable] = []
        for sidecar in sorted(self.folder.glob("*.json")):
            text = read(sidecar)
            if text is None:  # another process removed it
                continue
            try:
                plan = parse(sidecar, text)
                if not plan.path.is_file():
                    raise ValueError("its plan is gone")
            except ValueError as error:
                found.append(Unreadable(sidecar, str(error)))
            else:
                found.append(plan)
        return found

    def _set_aside(self, sidecar: Path, reason: str, note: Note) -> None:
        note(f"plan {sidecar.stem} is damaged: {reason}; set aside, building it anew")
        plan = named_plan(sidecar)
        for path in (sidecar, *([] if plan is None else [plan.path])):
            with suppress(OSError):  # gone, or nothing can be written: `store` says
                os.replace(path, path.with_name(path.name + DAMAGED))
