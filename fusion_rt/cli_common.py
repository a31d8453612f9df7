"""What the files of the command line share: how failures are told, and how options are read."""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import typer

from calibration.errors import RigError
from engines.errors import EngineError
from trainer.errors import TrainerError

from .errors import FusionError, UsageError
from .registration.nearest import NEAREST_M


@dataclass
class _State:
    debug: bool = False


_state = _State()


def set_debug(on: bool) -> None:
    """Whether failures show their traceback from now on."""
    _state.debug = on


def debugging() -> bool:
    """Whether failures show their traceback."""
    return _state.debug


def reported(command: Callable[..., int]) -> Callable[..., None]:
    """Turns the exit code of a command, or its failure, into the exit code of the process.

    A failure that was foreseen prints one line of what and one of remedy; ``--debug`` shows the
    traceback of any.
    """

    @functools.wraps(command)
    def run(**arguments: Any) -> None:
        try:
            code = command(**arguments)
        except (FusionError, EngineError, RigError, TrainerError) as error:
            _explain(str(error), error.hint)
            code = error.exit_code
        except KeyboardInterrupt:
            _explain("stopped", "")
            code = 130
        except Exception as error:
            if isinstance(error, OSError) and error.filename:
                hint = "check its name and its permissions"
                _explain(f"{error.filename}: {error.strerror}", hint)
            else:
                hint = "this is a defect of fusion-rt; `fusion-rt --debug ...` shows where"
                _explain(f"{type(error).__name__}: {error}", hint)
            code = 1
        raise typer.Exit(code)

    return run


def _explain(message: str, hint: str) -> None:
    if _state.debug:
        traceback.print_exc()
    from .terminal import say_error

    say_error(message, hint)


def size_wh(text: str) -> tuple[int, int]:
    """Width and height as written by the user, for instance 640x480.

    Raises:
        UsageError: it is written otherwise.
    """
    width, x, height = text.lower().partition("x")
    if not (x and width.isdecimal() and height.isdecimal()):
        raise UsageError(f"cannot read the size '{text}'", hint="write WxH, for instance 640x480")
    return int(width), int(height)


def distance_given(text: str | None) -> dict[str, Any]:
    """Settings of the registration for a distance as written by the user: 5, inf or auto.

    Raises:
        UsageError: it is written otherwise, or nearer than 0.1 m.
    """
    if text is None:
        return {}
    if text == "auto":
        return {"auto": True}
    try:
        metres = float(text.removesuffix("m"))
    except ValueError:
        metres = 0.0
    if not metres >= NEAREST_M:
        raise UsageError(
            f"cannot match the pictures at a distance of '{text}'",
            hint=f"write metres from {NEAREST_M:g} on, inf for far away, or auto",
        )
    return {"distance_m": metres, "auto": False}
