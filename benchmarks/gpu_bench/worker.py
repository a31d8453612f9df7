"""A process that measures, so that one that hangs, aborts or loses the GPU takes nothing along."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from engines.errors import EngineError
from fusion_rt.errors import FusionError

_END_S = 5.0


class CaseFailed(Exception):
    """A case could not be measured; the message says why, in words."""


class Worker:
    """Calls functions in a process of its own, which starts anew after each failure."""

    def __init__(self) -> None:
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def call(self, function: Callable[..., Any], *arguments: object, limit_s: float) -> Any:
        """What the function returns.

        Args:
            function: of a module, not a lambda; it and what it takes and returns travel by pickle.
            arguments: that it takes.
            limit_s: after so long the process is ended.

        Raises:
            CaseFailed: it raised an error, took too long, or its process died.
        """
        pipe = self._running()
        pipe.send((function, arguments))
        try:
            if not pipe.poll(limit_s):
                raise CaseFailed(f"it took longer than {limit_s:g} s and was ended")
            failure, value = pipe.recv()
        except EOFError:
            raise CaseFailed(self._death()) from None
        except CaseFailed:
            self.close()
            raise
        if failure:
            self.close()  # the GPU may be lost to that process
            raise CaseFailed(failure)
        return value

    def close(self) -> None:
        """End the process. Twice is fine."""
        process, self._process = self._process, None
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            pipe.close()
        if process is None:
            return
        process.join(0)
        if process.is_alive():
            process.terminate()
            process.join(_END_S)
        if process.is_alive():
            process.kill()
            process.join(_END_S)

    def _running(self) -> Connection:
        if self._pipe is None:
            # Not forked: neither a CUDA context nor threads survive that.
            context = multiprocessing.get_context("spawn")
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
            self._process.start()
            theirs.close()
        return self._pipe

    def _death(self) -> str:
        assert self._process is not None
        self._process.join(_END_S)
        code = self._process.exitcode
        self.close()
        if code is not None and code < 0:
            return f"its process was ended by {signal.Signals(-code).name}"
        return f"its process ended with exit code {code}"


def _serve(pipe: Connection) -> None:
    """Life of the process: take calls until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the business of who started it
    while True:
        try:
            function, arguments = pipe.recv()
        except EOFError:
            # Straight out: what a library does at exit after a lost GPU may hang or abort.
            sys.stderr.flush()
            os._exit(0)
        try:
            answer = ("", function(*arguments))
        except (EngineError, FusionError) as error:
            answer = (f"{error} ({error.hint})" if error.hint else str(error), None)
        except Exception as error:  # of any library: the row shows it, the log has the rest
            traceback.print_exc()
            first = (str(error).strip() or "no words").splitlines()[0]
            answer = (f"{type(error).__name__}: {first}", None)
        pipe.send(answer)
