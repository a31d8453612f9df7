"""Pairs listed in a file: CSV with the columns ir and vis, or YAML with a list of such keys."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from trainer.errors import DataError
from trainer.layouts import PairFiles

SUFFIXES = {".csv", ".yaml", ".yml"}
_HINT = "a manifest lists pairs as ir and vis, paths relative to the manifest"


def read_manifest(path: Path) -> list[PairFiles]:
    """Pairs in the order of the file.

    Args:
        path: ``.csv`` with a line of column names, or ``.yaml`` with a list of mappings. Other
            columns and keys are left alone.

    Raises:
        DataError: not readable, a row without one of the two, or a file that is not there.
    """
    pairs = []
    for place, row in _rows(path):
        files = []
        for key in ("ir", "vis"):
            value = row.get(key)
            if not isinstance(value, str) or not value.strip():
                raise DataError(f"{path}, {place}: '{key}' is missing", hint=_HINT)
            file = path.parent / value.strip()
            if not file.is_file():
                raise DataError(f"{path}, {place}: {file} is not there", hint=_HINT)
            files.append(file)
        pairs.append(PairFiles(*files))
    if not pairs:
        raise DataError(f"{path} lists no pairs", hint=_HINT)
    return pairs


def _rows(path: Path) -> Iterable[tuple[str, dict[str, Any]]]:
    """What to call each row, and its values."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".csv":
            reader = csv.DictReader(text.splitlines())
            return [(f"line {reader.line_num}", row) for row in reader]
        data = yaml.safe_load(text)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", hint=_HINT) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not a text file", hint=_HINT) from error
    except (yaml.YAMLError, csv.Error) as error:
        raise DataError(f"{path}: {' '.join(str(error).split())}", hint=_HINT) from error
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise DataError(f"{path} is not a list of pairs", hint=_HINT)
    return [(f"pair {number}", row) for number, row in enumerate(data, 1)]
