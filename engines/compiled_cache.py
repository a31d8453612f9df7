"""Keeps what OpenVINO compiled, so that the next start need not compile again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from .cache_dir import root_or_none, trim_folder, write_whole

FOLDER: Final = "openvino"
_SCHEMA = 1
_MOST_BYTES = 128 << 20  # some hundred compiled models of the shipped kind
_HASH_BYTES = hashlib.sha256().digest_size


class CompiledCache:
    """One compiled model on disk: the SHA-256 of its bytes, then its bytes.

    The hash is checked before the bytes reach the back end, whose reader of such files need not
    stand damaged ones.

    Attributes:
        path: of the file; None where there is no place for a cache.
    """

    def __init__(self, label: str, key: Mapping[str, object]) -> None:
        """Nothing is read yet.

        Args:
            label: begins the file's name, for people.
            key: everything that the compiled bytes depend on, as JSON takes it.
        """
        text = json.dumps({"schema": _SCHEMA, **key}, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:24]
        root = root_or_none()
        self.path = None if root is None else root / FOLDER / f"{label}-{digest}.blob"

    def load(self) -> bytes | None:
        """The compiled model; None where it is not there, damaged or cut off."""
        if self.path is None:
            return None
        try:
            data = self.path.read_bytes()
        except OSError:  # not there, or not ours to read: it is compiled again
            return None
        head, blob = data[:_HASH_BYTES], data[_HASH_BYTES:]
        if hashlib.sha256(blob).digest() != head:
            return None
        with suppress(OSError):  # in a folder that is only read, age does not matter
            os.utime(self.path)
        return blob

    def store(self, blob: bytes) -> None:
        """Keep ``blob``, if there is a place; those not used for longest go when there are many.

        Raises:
            EngineError: it cannot be written.
        """
        if self.path is None:
            return
        write_whole(self.path, hashlib.sha256(blob).digest() + blob)
        trim_folder(self.path.parent, "*.blob", _MOST_BYTES)
