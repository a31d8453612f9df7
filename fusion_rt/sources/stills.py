"""Which infrared still belongs to which visible one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import SourceError
from .listing import list_pictures, missing, natural_key


@dataclass(frozen=True, slots=True)
class Unmatched:
    """File names without a partner, in natural order."""

    ir: tuple[str, ...] = ()
    vis: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ir or self.vis)


def match_by_stem(ir: Path, vis: Path) -> tuple[list[tuple[Path, Path]], Unmatched]:
    """Pair two files, or the pictures of two folders whose names agree up to the suffix.

    Two files are a pair whatever their names. Folders are not searched below their first level.

    Returns:
        Pairs in natural order, possibly none; and the names that have no partner.
    Raises:
        SourceError: a path is missing, a folder holds no pictures, one is a file and the other a
            folder, or two pictures of one folder share a stem.
    """
    for place in (ir, vis):
        if not place.exists():
            raise missing(place)
    if ir.is_dir() != vis.is_dir():
        folder, file = (ir, vis) if ir.is_dir() else (vis, ir)
        raise SourceError(
            f"{folder} is a folder, but {file} is a file",
            hint="name two files or two folders",
        )
    if not ir.is_dir():
        return [(ir, vis)], Unmatched()
    ir_files, vis_files = _by_stem(ir), _by_stem(vis)
    common = sorted(ir_files.keys() & vis_files.keys(), key=natural_key)
    return [(ir_files[stem], vis_files[stem]) for stem in common], Unmatched(
        ir=tuple(path.name for stem, path in ir_files.items() if stem not in vis_files),
        vis=tuple(path.name for stem, path in vis_files.items() if stem not in ir_files),
    )


def _by_stem(folder: Path) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for path in list_pictures(str(folder))[0]:
        if path.stem in files:
            raise SourceError(
                f"{folder} holds both {files[path.stem].name} and {path.name}",
                hint="keep one of them, as pictures are matched by their name without suffix",
            )
        files[path.stem] = path
    return files
