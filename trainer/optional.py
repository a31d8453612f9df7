"""Imports a package that only some trainings need, or says how to get it or do without."""

from __future__ import annotations

import importlib
from types import ModuleType

from trainer.errors import MissingPackage

TRAIN_EXTRA = "pip install -c constraints.txt -e '.[train]'"


def require(module: str, *, purpose: str, remedy: str = TRAIN_EXTRA) -> ModuleType:
    """The module, imported now.

    Raises:
        MissingPackage: it is not installed, or a shared library that it needs is not.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingPackage(f"{purpose} needs '{module}': {error}", hint=remedy) from error
