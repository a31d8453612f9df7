"""Imports a package that only some tasks need at its first use, or says how to get it."""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import CalibrationError


def require(module: str, *, remedy: str) -> ModuleType:
    """The module, imported now.

    Args:
        module: what to import, such as ``matplotlib.figure``.
        remedy: how to install it, or to do without; shown as the hint.

    Raises:
        CalibrationError: it is not installed, or a library that it needs is missing.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise CalibrationError(f"'{module}' does not load: {error}", hint=remedy) from error
