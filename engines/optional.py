"""Imports a back end's package at its first use, or says how to get it."""

from __future__ import annotations

import importlib
from types import ModuleType

from .errors import BackendUnavailable


def require(module: str, *, remedy: str) -> ModuleType:
    """The module, imported now.

    Raises:
        BackendUnavailable: it is not installed, or it fails while it loads, for instance as a
            shared library is missing or another version of a package is there; with its own
            error as the cause.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise BackendUnavailable(f"'{module}' does not load: {error}", hint=remedy) from error
    except Exception as error:  # packages load libraries by themselves, and fail in all ways
        kind = type(error).__name__
        raise BackendUnavailable(
            f"'{module}' does not load: {kind}: {error}", hint=remedy
        ) from error
