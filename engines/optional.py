"""Imports a back end's package at its first use, or says how to get it."""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import BackendUnavailable


def require(module: str, *, remedy: str) -> ModuleType:
    """The module, imported now.

    Raises:
        BackendUnavailable: it is not installed, or a shared library that it needs is not.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise BackendUnavailable(f"'{module}' does not load: {error}", hint=remedy) from error
