"""One session of a training: from its beginning or a checkpoint to its end or a stop."""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from trainer.averaging import WeightAverage
from trainer.board import Board
from trainer.compute import Compute
from trainer.cuts import Batch, CutMaker
from trainer.distributed import World
from trainer.errors import TrainerError
from trainer.keeping import FINAL, Keeper
from trainer.layouts import PairFiles
from trainer.loading import Data, Loader
from trainer.models import load_teacher, start_model
from trainer.objective import Objective
from trainer.pairs import chosen
from trainer.prefetch import made_ahead
from trainer.randomness import seed_all
from trainer.record import BOARD, LOG, Record
from trainer.resume import read_training, resume_random, resume_training
from trainer.sampler import Step, plan_steps
from trainer.screen import Screen
from trainer.settings import TrainSettings
from trainer.sheet import PictureSheet
from trainer.state import LAST, Identity, TrainingState, torch_version
from trainer.step import NotFinite, Updater, learning_rate
from trainer.whole_file import check_folder, writing
from trainer.words import counted


@dataclass(frozen=True)
class Outcome:
    """How a training ended.

    Attributes:
        steps: done, those of earlier sessions included.
        stopped: asked to stop before the end.
        checkpoint: to go on from when stopped, else the finished weights.
    """

    steps: int
    stopped: bool
    checkpoint: Path


class Training:
    """One session of a training.

    What is quickly found out comes first: a checkpoint that cannot be read is told of before
    thousands of pictures are.

    Args:
        settings: see `train`.
        compute: where and how exactly.
        world: processes that share the work.
        stop: see `train`.
        resume: go on with the checkpoint in the folder.
    """

    def __init__(
        self,
        settings: TrainSettings,
        compute: Compute,
        world: World,
        stop: Callable[[], bool],
        resume: bool,
    ) -> None:
        self.settings, self.compute, self.world, self.stop = settings, compute, world, stop
        self.screen = Screen(world.leads)
        self.out = settings.out
        if settings.warm_up_steps >= settings.steps:
            self.screen.say(
                f"note: warm_up_steps is {settings.warm_up_steps}, but there are only "
                f"{counted(settings.steps, 'step')}: the learning rate hardly reaches its peak"
            )
        loader = Loader(settings, world, self.screen, stop)
        check_folder(self.out)

        seed_all(settings.seed)
        model = start_model(settings, compute)
        self.start = copy.deepcopy(model).eval()
        optimizer = torch.optim.AdamW(
            model.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        average = WeightAverage(model, settings.ema) if settings.ema else None
        self.state = TrainingState(model, optimizer, compute.scaler(), average)
        teacher = load_teacher(settings, compute)
        self.objective = Objective(settings.weights, compute, teacher, settings.teacher_weight)
        recipe = {
            **settings.recipe(),
            "init": _hash(settings.init),
            "teacher": _hash(settings.teacher),
        }
        kept = read_training(self.out / LAST, settings.network, recipe) if resume else None

        self.data = loader.load()
        weights = [part.weight for part in self.data.parts for _ in part.pairs]
        self.cuts = CutMaker(self.data.store, weights, settings.seed, settings.cards)
        self.identity = _identity(settings, recipe, self.data, compute, world)
        if kept is not None:
            self._resume(kept)

    def run(self, machine: Mapping[str, Any]) -> Outcome:
        """Do the steps that are left; ``machine`` as of `train`."""
        state, settings = self.state, self.settings
        update = Updater(
            self.world.shared(state.model, self.compute.device),
            state.optimizer,
            state.scaler,
            self.objective,
            settings.clip_norm,
            self.world,
        )
        steps = made_ahead(plan_steps(settings, state.step), self._batch, self._workers())
        with ExitStack() as stack:
            stack.enter_context(closing(steps))
            record = stack.enter_context(closing(self._record())) if self.world.leads else None
            bar = stack.enter_context(self.screen.bar("step", settings.steps, state.step))
            parts = (self.identity, self.data, self.objective, self.world, self.screen, record, bar)
            keeper = Keeper(settings, state, *parts)
            keeper.before_steps()
            begun = time.monotonic()
            for step, batch in steps:
                rate = learning_rate(step.number, settings)
                try:
                    terms, stopped = update(batch.to(self.compute.device), rate, self.stop())
                except NotFinite as exc:
                    raise self._not_finite(step, exc) from exc
                if state.average is not None:
                    state.average.update(state.model)
                state.step += 1
                state.seconds += time.monotonic() - begun
                if record is not None and (note := record.step(state.step, terms, rate)):
                    bar.note(note)
                bar.advance()
                keeper.after_step(stopped)
                if stopped and state.step < settings.steps:
                    done = f"{state.step} of {settings.steps} steps are kept in {self.out / LAST}"
                    self.screen.say(f"stopped: {done}; the same command with --resume goes on")
                    return Outcome(state.step, True, self.out / LAST)
                begun = time.monotonic()  # what the keeper does is no part of a step
        if self.world.leads:
            keeper.finish(machine)
        return Outcome(state.step, False, self.out / FINAL)

    def _batch(self, step: Step) -> Batch:
        return self.cuts.batch(step.share(self.world.rank, self.world.size), step.crop)

    def _workers(self) -> int:
        """One for four cores: beside a GPU all of them cut, beside a CPU few are to spare."""
        if self.settings.workers is not None:
            return self.settings.workers
        return min(8, torch.get_num_threads() // 4)

    def _record(self) -> Record:
        """The record of this training, made by the process that leads."""
        settings = self.settings
        with writing(self.out):
            self.out.mkdir(parents=True, exist_ok=True)
        board = Board(self.out / BOARD, self.state.step) if settings.tensorboard else None
        pairs = chosen((self.data.judged or self.data.store).pairs, settings.panel)
        sheet = self._sheet(pairs) if pairs else None
        record = Record(self.out, self.state.step, settings.log_every, board, sheet)
        if record.log.damaged:
            damaged = counted(record.log.damaged, "damaged line")
            self.screen.say(f"note: left out of {self.out / LOG}: {damaged}")
        return record

    def _sheet(self, pairs: Sequence[PairFiles]) -> PictureSheet:
        with self.screen.bar("sheet, fused before the training", len(pairs)) as bar:
            return PictureSheet(pairs, self.start, self.compute.device, bar.advance)

    def _resume(self, kept: dict[str, Any]) -> None:
        path = self.out / LAST
        notes = resume_training(path, kept, self.state, self.identity)
        resume_random(path, kept, self.world, self.compute.device)
        for note in notes:
            self.screen.say(f"note: {note}")
        self.screen.say(f"going on after step {self.state.step}")

    def _not_finite(self, step: Step, exc: NotFinite) -> TrainerError:
        cuts = ", ".join(f"{cut} ({self.cuts.name(cut)})" for cut in step.cuts)
        kept = f"; {self.out / LAST} is unharmed" if (self.out / LAST).exists() else ""
        return TrainerError(
            f"step {step.number}: {exc} in the batch of cuts {cuts}",
            hint=f"look at these pictures; if they are sound, lower the learning rate{kept}",
        )


def _identity(
    settings: TrainSettings, recipe: dict[str, Any], data: Data, compute: Compute, world: World
) -> Identity:
    made_with = {
        "torch": torch_version(),
        "device": compute.name,
        "precision": compute.precision,
        "processes": str(world.size),
    }
    if compute.device.type == "cpu":
        made_with["threads"] = str(torch.get_num_threads())  # sums are shared out among them
    return Identity(settings.network, recipe, data.hash, data.judged_on, made_with)


def _hash(checkpoint: Path | None) -> str | None:
    """What a checkpoint is known by, wherever it lies."""
    return None if checkpoint is None else hashlib.sha256(checkpoint.read_bytes()).hexdigest()
