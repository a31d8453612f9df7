"""Which pictures are measured: sources and the results of one or several methods, by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import SourceError, UsageError
from ..sources.stills import match_by_stem


@dataclass(frozen=True)
class Method:
    """Results of one way of fusing.

    Attributes:
        name: as tables show it.
        path: a fused picture, or a folder of them.
    """

    name: str
    path: Path


@dataclass(frozen=True)
class Scene:
    """The files of one scene.

    Attributes:
        name: stem of the fused pictures, or of the visible one where single files are compared.
        ir: infrared picture.
        vis: visible picture.
        fused: one result for each method, in the order of the methods.
    """

    name: str
    ir: Path
    vis: Path
    fused: tuple[Path, ...]


@dataclass(frozen=True)
class Collection:
    """What there is to measure.

    Attributes:
        methods: at least one, names differ.
        scenes: at least one, in natural order.
        notes: what was left aside, one sentence each.
    """

    methods: tuple[Method, ...]
    scenes: tuple[Scene, ...]
    notes: tuple[str, ...]

    @property
    def files(self) -> list[Path]:
        """Every file that is read."""
        return [path for scene in self.scenes for path in (scene.ir, scene.vis, *scene.fused)]


def parse_methods(texts: tuple[str, ...]) -> tuple[Method, ...]:
    """Methods as the user names them: ``PATH`` or ``NAME=PATH``.

    Without a name it is that of the folder, for a single file of the folder that holds it. A path
    that exists is taken as a path, whatever signs it has.

    Raises:
        UsageError: an empty name or path, or one name twice.
    """
    methods: dict[str, Method] = {}
    for text in texts:
        name, equals, place = text.partition("=")
        if not equals or Path(text).exists():
            path = Path(text)
            name, place = (path if path.is_dir() else path.parent).resolve().name, text
        if not (name.strip() and place.strip()):
            raise UsageError(
                f"cannot read --fused '{text}'",
                hint="write PATH or NAME=PATH, for instance ours=out/fused",
            )
        if name in methods:
            raise UsageError(
                f"two methods are called '{name}'",
                hint=f"name them apart: --fused a={methods[name].path} --fused b={place}",
            )
        methods[name] = Method(name, Path(place))
    return tuple(methods.values())


def collect(ir: Path, vis: Path, methods: tuple[Method, ...]) -> Collection:
    """Match sources and results by the stems of their names.

    Single files belong together whatever their names.

    Raises:
        SourceError: something is missing or holds no pictures, files and folders are mixed, a
            fused picture has no sources, or a method lacks a picture that another has.
    """
    pairs, unmatched = match_by_stem(ir, vis)
    if not ir.is_dir():
        for method in methods:
            match_by_stem(vis, method.path)  # a file that exists
        return Collection(methods, (Scene(vis.stem, ir, vis, tuple(m.path for m in methods)),), ())
    sources = {vis_path.stem: (ir_path, vis_path) for ir_path, vis_path in pairs}
    results = [_results(method, ir, vis, sources) for method in methods]
    _check_same_scenes(methods, results)
    scenes = tuple(
        Scene(stem, *pair, tuple(files[stem] for files in results))
        for stem, pair in sources.items()
        if stem in results[0]
    )
    left = [pair[1].name for stem, pair in sources.items() if stem not in results[0]]
    notes = [f"not fused: {_some(left)}"] if left else []
    for side, files in (("infrared", unmatched.ir), ("visible", unmatched.vis)):
        if files:
            notes.append(f"{side} only: {_some(files)}")
    return Collection(methods, scenes, tuple(notes))


def _results(
    method: Method, ir: Path, vis: Path, sources: dict[str, tuple[Path, Path]]
) -> dict[str, Path]:
    pairs, _ = match_by_stem(method.path, method.path)  # with itself: lists and checks the names
    files = {path.stem: path for path, _ in pairs}
    alone = [path.name for stem, path in files.items() if stem not in sources]
    if alone:
        raise SourceError(
            f"{method.path} holds {_some(alone)}, of which {ir} and {vis} have no pair",
            hint="give a fused picture the name of its sources, or move it elsewhere",
        )
    return files


def _check_same_scenes(methods: tuple[Method, ...], results: list[dict[str, Path]]) -> None:
    """Means over different pictures cannot be compared."""
    for method, files in zip(methods, results, strict=True):
        for other, others in zip(methods, results, strict=True):
            lacking = [path.name for stem, path in others.items() if stem not in files]
            if lacking:
                raise SourceError(
                    f"'{method.name}' lacks {_some(lacking)}, which '{other.name}' has",
                    hint="fuse the same pictures with each method, or evaluate them one by one",
                )


def _some(names: list[str] | tuple[str, ...], most: int = 6) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
