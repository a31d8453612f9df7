"""No output may replace an input or another output."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from .errors import UsageError
from .sources.uri import parse_uri


def check_outputs(
    uris: Iterable[str], files: Iterable[Path | None], outputs: Iterable[Path | None]
) -> None:
    """Refuse outputs that would be written over something that the run reads or writes.

    Args:
        uris: sources as the user named them.
        files: other files that are read; None for none.
        outputs: files and folders to be written; None for none.

    Raises:
        UsageError: two of them are the same, or an output folder holds input pictures.
    """
    read = {place for uri in uris for place in _places(uri)}
    read |= {path.resolve() for path in files if path is not None}
    written: set[Path] = set()
    for output in outputs:
        if output is None:
            continue
        place = output.resolve()
        if place in read:
            raise UsageError(
                f"{output} is an input, which the output would replace",
                hint="write somewhere else",
            )
        if place in written:
            raise UsageError(
                f"two outputs would go to {output}", hint="give each output a name of its own"
            )
        written.add(place)


def _places(text: str) -> set[Path]:
    """File of a video; folder of pictures, be they named by folder, pattern or one by one."""
    uri = parse_uri(text)
    if uri.kind not in ("video", "images"):
        return set()
    path = Path(uri.path).resolve()
    if uri.kind == "images" and not path.is_dir():
        return {path, path.parent}
    return {path}
