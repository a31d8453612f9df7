"""Judges a training as it goes on, and keeps what is worth keeping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.closing_report import Finished, write_report
from trainer.distributed import World
from trainer.loading import Data
from trainer.models import prepare
from trainer.objective import Objective
from trainer.randomness import random_state
from trainer.record import BOARD, LOG, SHEET, Record
from trainer.screen import Bar, Screen
from trainer.settings import TrainSettings
from trainer.state import (
    LAST,
    PREVIOUS,
    Identity,
    TrainingState,
    save_training,
    save_weights,
)
from trainer.step_log import read_log
from trainer.validation import validate
from trainer.words import counted

BEST, FINAL, REPORT = "best.pt", "model.pt", "report.md"


@dataclass(frozen=True)
class Keeper:
    """Writes the checkpoints and the report of a training.

    Attributes:
        settings: of the training.
        state: of the training, now.
        identity: of the training.
        data: of the training.
        objective: to judge by.
        world: processes that share the work.
        screen: tells of what is found.
        record: of this process; None where it does not lead.
        bar: of the steps.
    """

    settings: TrainSettings
    state: TrainingState
    identity: Identity
    data: Data
    objective: Objective
    world: World
    screen: Screen
    record: Record | None
    bar: Bar

    @property
    def out(self) -> Path:
        """Folder of the training."""
        return self.settings.out

    def before_steps(self) -> None:
        """Judge the network as it begins, so that the best is never worse than that.

        Raises:
            WriteError: something cannot be written.
        """
        if self.state.step == 0:
            self._validate()

    def after_step(self, stopped: bool) -> None:
        """Judge and save where it is time to, and save where the training is to stop.

        Raises:
            WriteError: something cannot be written.
        """
        if self._due(self.settings.validate_every):
            self._judge()
        if self._due(self.settings.checkpoint_every) or stopped:
            random = self.world.gather(random_state(self.objective.compute.device))
            if self.world.leads:
                save_training(self.out / LAST, self.state, self.identity, random)

    def finish(self, machine: Mapping[str, Any]) -> None:
        """Keep the finished weights and tell of the training.

        Args:
            machine: what the report is to say of it.
        """
        self._keep(FINAL)
        settings, state = self.settings, self.state
        average = "average of the weights" if settings.ema else "weights"
        uses = {
            FINAL: f"finished network ({average})",
            BEST: "network with the lowest validation loss, the one before the first step included",
            LAST: "state of the training",
            PREVIOUS: "the one before it",
            SHEET: "pairs, fused before and after",
            LOG: f"figures, a line of JSON for {counted(settings.log_every, 'step')}",
            BOARD: f"curves and pictures: tensorboard --logdir {self.out}",
        }
        done = Finished(
            settings,
            self.identity,
            self.data.parts,
            self.data.held_out,
            state.seconds,
            state.best,
            read_log(self.out / LOG),
            machine,
            {name: use for name, use in uses.items() if (self.out / name).exists()},
        )
        write_report(self.out / REPORT, done)
        self.screen.say(f"written: {self.out / FINAL}, {self.out / REPORT}")

    def _due(self, every: int) -> bool:
        return self.state.step % every == 0 or self.state.step == self.settings.steps

    def _judge(self) -> None:
        """Draw the sheet, then `_validate`."""
        if self.record is not None and self.record.sheet is not None:
            self.state.shown.eval()
            with self.bar.aside("drawing the sheet", len(self.record.sheet)) as fused:
                self.record.pictures(self.state.step, self.state.shown, fused)
            prepare(self.state.model)
        self._validate()

    def _validate(self) -> None:
        """Find the loss on the held-out pairs, if there are any, and keep the best model."""
        state, judged = self.state, self.data.judged
        if judged is None:
            return
        crop = self.settings.phases[-1].crop
        mine = len(range(self.world.rank, len(judged), self.world.size))
        state.shown.eval()
        with self.bar.aside("validating", mine) as done:
            terms = validate(state.shown, judged, crop, self.objective, self.world, done)
        prepare(state.model)
        better = state.best is None or terms["loss"] < state.best
        rank = "the best so far" if better else f"the best was {state.best:.4f}"
        state.best = terms["loss"] if better else state.best
        if self.record is not None:
            self.record.validation(state.step, terms)
            rank = rank if state.step else "what it begins with"
            self.screen.say(f"step {state.step}: validation loss {terms['loss']:.4f}, {rank}")
            if better:
                self._keep(BEST, validation=terms)

    def _keep(self, name: str, **facts: Any) -> None:
        path = self.out / name
        save_weights(path, self.state.shown, self.identity, step=self.state.step, **facts)
