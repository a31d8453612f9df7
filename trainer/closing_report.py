"""The page that a finished training leaves: what was done, on what, with what result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml

from trainer.pairs import Part
from trainer.settings import TrainSettings
from trainer.state import Identity
from trainer.whole_file import write_whole, writing
from trainer.words import program

ROWS = 12  # of the loss table
_PRIOR = "mixing by brightness and texture alone"  # what a network shows before it learns


@dataclass(frozen=True)
class Finished:
    """What the report is about.

    Attributes:
        settings: of the training.
        identity: data hash and what it ran with.
        parts: training data.
        held_out: validation data; empty without.
        seconds: time spent on steps, over all sessions.
        best: lowest validation loss; None without validation.
        log: lines of the log, oldest first.
        machine: anything to say of it, name to value.
        files: written, name to what it is.
    """

    settings: TrainSettings
    identity: Identity
    parts: Sequence[Part]
    held_out: Sequence[Part]
    seconds: float
    best: float | None
    log: Sequence[Mapping[str, Any]]
    machine: Mapping[str, Any]
    files: Mapping[str, str]


def write_report(path: Path, done: Finished) -> None:
    """Write the report as Markdown; the picture sheet lies beside it."""
    settings = done.settings
    took = timedelta(seconds=round(done.seconds))
    begin = _PRIOR if settings.init is None else f"`{settings.init}`"
    summary = [
        ("network", settings.network),
        ("began as", begin),
        ("steps", f"{settings.steps} in {took}"),
        ("seed", settings.seed),
    ]
    if settings.teacher is not None:
        summary.append(("teacher", f"`{settings.teacher}`"))
    if done.best is not None:
        began = [
            f", {line['validation']['loss']:.5f} before the first step"
            for line in done.log
            if _judged(line) and line["step"] == 0
        ]
        summary.append(("lowest validation loss", f"{done.best:.5f}{''.join(began)}"))
    blocks = [
        f"# Training of {settings.network}",
        _table(("", ""), summary),
        "## Files",
        _table(("file", "holds"), [(f"`{name}`", use) for name, use in done.files.items()]),
        "## Loss",
        "Means over the steps between two lines of the log; the terms before weighting.",
        _curve([line for line in done.log if "loss" in line]),
    ]
    judged = [{"step": line["step"], **line["validation"]} for line in done.log if _judged(line)]
    if judged:
        blocks += ["On the validation pairs:", _curve(judged)]
    if "sheet.png" in done.files:
        blocks += ["## Before and after", "![pairs, fused before and after](sheet.png)"]
    blocks += [
        "## Data",
        _table(
            ("use", "place", "layout", "pairs", "weight"),
            [
                *_parts("training", done.parts),
                *_parts("validation", done.held_out),
            ],
        ),
        f"Hash of the training data: `{done.identity.data}`",
        "## Machine",
        _table(("", ""), [*done.identity.made_with.items(), *_flat(done.machine)]),
        "## Settings",
        "```yaml\n" + yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False) + "```",
        "## Next",
        _next(settings.out),
    ]
    with writing(path):
        write_whole(path, ("\n\n".join(blocks) + "\n").encode())


def _judged(line: Mapping[str, Any]) -> bool:
    return "validation" in line


def _parts(use: str, parts: Sequence[Part]) -> list[tuple[Any, ...]]:
    return [
        (use, f"`{part.path}`", part.layout, len(part.pairs), f"{part.weight:g}") for part in parts
    ]


def _flat(machine: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Name and value, with the names of inner mappings in one line."""
    rows = []
    for name, value in machine.items():
        if isinstance(value, Mapping):
            value = ", ".join(f"{key} {item}" for key, item in value.items() if item is not None)
        rows.append((name.replace("_", " "), value))
    return rows


def _curve(lines: Sequence[Mapping[str, Any]]) -> str:
    """About `ROWS` lines, evenly spread, the last one included."""
    if not lines:
        return "The training ended before the first line of the log."
    names = [name for name in lines[-1] if name != "rate"]
    count = min(ROWS, len(lines))
    places = [round((number + 1) * len(lines) / count) - 1 for number in range(count)]
    rows = [[lines[place].get(name, "") for name in names] for place in places]
    cells = [[f"{v:.5f}" if isinstance(v, float) else v for v in row] for row in rows]
    return _table(names, cells)


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _next(out: Path) -> str:
    run = program()
    return (
        "```\n"
        f"{run} export {out}/model.pt {out}/model.onnx\n"
        f"{run} fuse --ir IR --vis VIS --out fused --model {out}/model.onnx\n"
        f"{run} train CONFIG --set init={out}/model.pt --out ANOTHER\n"
        "```\n\n"
        "writes the network as a model for all engines, fuses pictures with it, and trains it\n"
        "further from where it is now."
    )
