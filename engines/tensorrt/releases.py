"""What is to be released, newest first."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from ..errors import EngineError


class Releases:
    """Actions that undo what was acquired; each runs once, also where others fail.

    Unlike `contextlib.ExitStack` it tells the first failure. On a lost device all of them fail, and
    the first one, or the error on whose account all is released, says more than the last.
    """

    def __init__(self) -> None:
        self._actions: list[Callable[[], None]] = []

    def add(self, action: Callable[[], None]) -> None:
        """Run this before all that were added earlier."""
        self._actions.append(action)

    def keep(self) -> Releases:
        """All of them, which this one forgets: the block went well and its owner takes over."""
        kept = Releases()
        kept._actions, self._actions = self._actions, []
        return kept

    def close(self) -> None:
        """Run all that are left.

        Raises:
            BaseException: the first that one of them raised.
        """
        failure: BaseException | None = None
        while self._actions:
            try:
                self._actions.pop()()
            except BaseException as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def __enter__(self) -> Releases:
        return self

    def __exit__(
        self, kind: type | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except EngineError:
            if error is None:
                raise
            # else the error under way is the cause, and it is the one to be told
