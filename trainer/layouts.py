"""Where the usual data sets keep their pairs: found by looking, told in words when not.

| layout    | folder to give              | infrared          | visible         | names  |
| --------- | --------------------------- | ----------------- | --------------- | ------ |
| plain     | any                         | ir                | vis, vi,        | equal  |
|           |                             |                   | visible         |        |
|           |                             | infrared,         | visible,        | equal  |
|           |                             | thermal, lwir     | visual, rgb     |        |
| MSRS      | MSRS                        | train/ir          | train/vi        | equal  |
| LLVIP     | LLVIP                       | infrared/train    | visible/train   | equal  |
| M3FD      | M3FD_Detection, M3FD_Fusion | Ir                | Vis             | equal  |
| RoadScene | RoadScene                   | cropinfrared      | crop_LR_visible | equal  |
| KAIST     | where set00, set01 ... lie  | set00..05/V*/lwir | .../visible     | equal  |
| TNO       | TNO_Image_Fusion_Dataset    | IR*, LWIR*        | VIS*, EO*       | one of |
|           |                             |                   |                 | each   |
|           |                             | thermal           | visual, dhv     | number |

Upper and lower case do not matter. Of MSRS, LLVIP and KAIST only the training part is taken. The
test parts of MSRS and KAIST have folders of their own (``MSRS/test`` is plain, ``set06`` a set of
KAIST); that of LLVIP needs a manifest. In the tree of TNO a scene is a folder with one infrared and
one visible picture, or a sequence whose files carry the same number in two folders (``1800i.bmp``,
``1800v.bmp``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from trainer.errors import DataError
from trainer.words import counted, listed

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}
ACCEPTED = (
    "ir + vis, MSRS (train/ir + train/vi), LLVIP (infrared/train + visible/train), "
    "M3FD (Ir + Vis), RoadScene (cropinfrared + crop_LR_visible), "
    "KAIST (set00/V000/lwir + visible), TNO, or a manifest (.csv, .yaml)"
)


class PairFiles(NamedTuple):
    """Two files that show the same scene, pixel on pixel."""

    ir: Path
    vis: Path


class Found(NamedTuple):
    """Pairs of a folder, sorted by name, and the layout that they were found by.

    Attributes:
        layout: its name.
        pairs: files.
        alone: what has no partner and is left out, in words; empty where nothing is.
    """

    layout: str
    pairs: list[PairFiles]
    alone: str = ""


class _Matched:
    """Pairs as they are found, and the pictures without partner."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.pairs: list[PairFiles] = []
        self.ir: list[Path] = []
        self.vis: list[Path] = []

    def add(
        self,
        ir: Sequence[Path],
        vis: Sequence[Path],
        name: Callable[[Path], str] = lambda path: path.stem,
    ) -> None:
        """Match the pictures whose ``name`` is equal."""
        by_ir, by_vis = _by_name(ir, name), _by_name(vis, name)
        both = sorted(by_ir.keys() & by_vis.keys())
        self.pairs += [PairFiles(by_ir[key], by_vis[key]) for key in both]
        self.ir += [path for key, path in by_ir.items() if key not in by_vis]
        self.vis += [path for key, path in by_vis.items() if key not in by_ir]

    def alone(self) -> str:
        """For instance "infrared only: ir/a.png, ir/b.png; visible only: vis/c.png"."""
        sides = (("infrared", self.ir), ("visible", self.vis))
        return "; ".join(
            f"{side} only: {listed([str(path.relative_to(self.root)) for path in files])}"
            for side, files in sides
            if files
        )

    def found(self, layout: str) -> Found:
        """What was found.

        Raises:
            DataError: pictures, but no pair.
        """
        if not self.pairs:
            raise DataError(
                f"no names match in {self.root}: {self.alone()}",
                hint="give both files of a pair the same name, or write a manifest",
            )
        return Found(layout, self.pairs, self.alone())


# Folders in which infrared and visible carry the same names. `*` stands for any one folder.
_SIDE_BY_SIDE = (
    ("MSRS", "train/ir", "train/vi"),
    ("LLVIP", "infrared/train", "visible/train"),
    ("RoadScene", "cropinfrared", "crop_lr_visible"),
    ("plain", "ir", "vis|vi|visible"),
    ("plain", "infrared|thermal|lwir", "visible|visual|vis|vi|rgb"),
    ("KAIST", "v[0-9]*/lwir", "v[0-9]*/visible"),
    ("KAIST", "set0[0-5]/v[0-9]*/lwir", "set0[0-5]/v[0-9]*/visible"),
)


def find_pairs(folder: Path) -> Found:
    """Pairs of one folder, by the first layout of the table above that fits.

    Raises:
        DataError: no such folder, no known layout, or no picture has a partner.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder", hint=f"give one laid out as {ACCEPTED}")
    for layout, ir, vis in _SIDE_BY_SIDE:
        ir_folders = list(_folders(folder, ir.split("/")))
        vis_folders = list(_folders(folder, vis.split("/")))
        if ir_folders and vis_folders:
            if (layout, ir) == ("plain", "ir") and ir_folders[0].name == "Ir":
                layout = "M3FD"
            return _side_by_side(folder, ir_folders, vis_folders, "*" in ir).found(layout)
    tno = _tno(folder)
    if tno.pairs or tno.alone():
        return tno.found("TNO")
    raise DataError(
        f"no pairs are recognised in {folder}, which holds {_what_is_in(folder)}",
        hint=f"accepted: {ACCEPTED}",
    )


def _folders(folder: Path, parts: list[str]) -> Iterator[Path]:
    """Folders below ``folder`` that fit the patterns of ``parts``, one for each level."""
    wanted = re.compile("|".join(_as_regex(name) for name in parts[0].split("|")), re.IGNORECASE)
    for child in sorted(folder.iterdir()):
        if child.is_dir() and wanted.fullmatch(child.name):
            if len(parts) == 1:
                yield child
            else:
                yield from _folders(child, parts[1:])


def _as_regex(name: str) -> str:
    return name.replace("*", ".*")


def _side_by_side(root: Path, ir: list[Path], vis: list[Path], scattered: bool) -> _Matched:
    """Pairs of equal names, in one folder of each kind, or scattered over many parents."""
    if scattered:
        odd = sorted({path.parent for path in ir} ^ {path.parent for path in vis})
        if odd:
            raise DataError(f"{odd[0]} has but one of infrared and visible", hint="remove it")
    elif len(ir) > 1 or len(vis) > 1:
        names = ", ".join(path.name for path in (*ir, *vis))
        raise DataError(f"{root} holds {names}: which are meant?", hint="write a manifest")
    matched = _Matched(root)
    for ir_folder, vis_folder in zip(ir, vis, strict=True):
        matched.add(_pictures(ir_folder), _pictures(vis_folder))
    if not matched.pairs and not matched.alone():
        raise DataError(
            f"there are no pictures in {ir[0]} and {vis[0]}",
            hint=f"pictures end in {', '.join(sorted(SUFFIXES))}",
        )
    return matched


def _by_name(files: Sequence[Path], name: Callable[[Path], str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in files:
        key = name(path)
        if key in found:
            raise DataError(f"{path} and {found[key]} share a name", hint="remove one")
        found[key] = path
    return found


def _pictures(folder: Path) -> list[Path]:
    """Those of a folder by name; hidden ones are none (macOS writes ``._x.png`` beside x.png)."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )


def _tno(folder: Path) -> _Matched:
    """Pairs in the tree of the TNO data set; pictures of other bands are passed over."""
    matched = _Matched(folder)
    for scene in sorted([folder, *(path for path in folder.rglob("*") if path.is_dir())]):
        pictures = _pictures(scene)
        ir = [path for path in pictures if re.match(r"(lw)?ir([^a-z]|$)", path.stem.lower())]
        vis = [path for path in pictures if re.match(r"(vis|eo)([^a-z]|$)", path.stem.lower())]
        if len(ir) == 1 and len(vis) == 1:
            matched.pairs.append(PairFiles(ir[0], vis[0]))
        elif ir and vis:  # flat folders of copies: IR1.png, VIS1.png
            matched.add(ir, vis, _number)
        thermal = list(_folders(scene, ["thermal"]))
        visual = list(_folders(scene, ["visual|dhv"]))
        if thermal and visual:
            matched.add(_pictures(thermal[0]), _pictures(visual[0]), _number)
    return matched


def _number(path: Path) -> str:
    """Digits of a name, without leading zeros; the name itself where it has none."""
    return "".join(re.findall(r"\d+", path.stem)).lstrip("0") or path.stem


def _what_is_in(folder: Path) -> str:
    folders = sorted(path.name for path in folder.iterdir() if path.is_dir())
    pictures = _pictures(folder)
    seen = [f"the folder{'' if len(folders) == 1 else 's'} {listed(folders, 6)}"]
    if not folders:
        seen = ["no folders"]
    seen.append(counted(len(pictures), "picture") if pictures else "no pictures")
    return " and ".join(seen)
