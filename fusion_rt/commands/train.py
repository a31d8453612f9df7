"""``fusion-rt train``: a network on pictures of one's own."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from ..machine import describe_machine
from ..settings_file import read_settings
from ..signals import stop_on_signals
from ..terminal import say


def train(config: Path, overrides: list[str], out: Path | None, resume: bool) -> int:
    """Train as the file says.

    Args:
        config: YAML, see `trainer.settings.TrainSettings`.
        overrides: "key=value" or "section.key=value".
        out: folder for the results; None takes the setting.
        resume: go on with the checkpoint in that folder.

    Returns:
        0 when done, 130 when stopped by a signal.
    """
    if os.environ.get("RANK", "0") == "0":  # of the processes of torchrun one talks
        results = "" if out is None else f", results to {out}"
        say(f"starting: training by {config}{results}; loading torch")
    from trainer.optional import require

    require("torch", purpose="training")
    from trainer.loop import train as run
    from trainer.settings import TrainSettings

    settings = read_settings(TrainSettings, config, overrides)
    if out is not None:
        settings = settings.model_copy(update={"out": out})
    stop = threading.Event()
    with stop_on_signals(stop.set):
        outcome = run(settings, resume=resume, stop=stop.is_set, machine=describe_machine())
    return 130 if outcome.stopped else 0
