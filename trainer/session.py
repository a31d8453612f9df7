"""One session of a training: from its beginning or a checkpoint to its end or a stop."""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from trainer.averaging import WeightAverage
from trainer.board import Board
from trainer.closing_report import Finished, write_report
from trainer.compute import Compute
from trainer.cuts import Batch, CutMaker
from trainer.distributed import World
from trainer.errors import TrainerError
from trainer.models import load_teacher, prepare, start_model
from trainer.objective import Objective
from trainer.pairs import Part, data_hash, find_parts, read_pair
from trainer.pictures import PictureStore
from trainer.prefetch import made_ahead
from trainer.randomness import random_state, seed_all, set_random_state
from trainer.record import LOG, SHEET, Record
from trainer.resume import (
    Identity,
    TrainingState,
    resume_training,
    save_training,
    save_weights,
    torch_version,
)
from trainer.salience import FILTER_PICTURES, PatchSalience, Salience, WholeSalience
from trainer.saliency_cache import SaliencyCache
from trainer.sampler import Step, plan_steps
from trainer.screen import Screen
from trainer.settings import TrainSettings
from trainer.sheet import PictureSheet, chosen
from trainer.step import NotFinite, Updater, learning_rate
from trainer.step_log import read_log
from trainer.validation import validate

LAST, BEST, FINAL, REPORT, BOARD = "last.pt", "best.pt", "model.pt", "report.md", "tensorboard"


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

    Args:
        settings: see `train`.
        compute: where and how exactly.
        world: processes that share the work.
        stop: see `train`.
    """

    def __init__(
        self, settings: TrainSettings, compute: Compute, world: World, stop: Callable[[], bool]
    ) -> None:
        self.settings, self.compute, self.world, self.stop = settings, compute, world, stop
        self.screen = Screen(world.leads)
        self.out = settings.out
        self.parts = find_parts(settings.data)
        self.held_out = find_parts(settings.validation) if settings.validation else []
        self.cache = SaliencyCache(settings.cache)
        self.salience = self._salience()
        self.store = self._open(self.parts, "training")
        self.judged = self._open(self.held_out, "validation") if self.held_out else None
        weights = [part.weight for part in self.parts for _ in part.pairs]
        self.cuts = CutMaker(self.store, weights, settings.seed, settings.cards)

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
        self.identity = Identity(
            settings.network,
            {**settings.recipe(), "init": _hash(settings.init), "teacher": _hash(settings.teacher)},
            data_hash(self.parts),
            {
                "torch": torch_version(),
                "device": compute.name,
                "precision": compute.precision,
                "processes": str(world.size),
            },
        )

    def run(self, resume: bool, machine: Mapping[str, Any]) -> Outcome:
        """Do the steps that are left; arguments as of `train`."""
        state, settings = self.state, self.settings
        if resume:
            self._resume()
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
            begun, before = time.monotonic(), state.seconds
            for step, batch in steps:
                rate = learning_rate(step.number, settings)
                try:
                    terms, stopped = update(batch.to(self.compute.device), rate, self.stop())
                except NotFinite as exc:
                    raise self._not_finite(step, exc) from exc
                if state.average is not None:
                    state.average.update(state.model)
                state.step += 1
                state.seconds = before + time.monotonic() - begun
                if record is not None and (note := record.step(state.step, terms, rate)):
                    bar.note(note)
                bar.advance()
                if self._due(settings.validate_every):
                    self._judge(record)
                if self._due(settings.checkpoint_every) or stopped:
                    self._save()
                if stopped and state.step < settings.steps:
                    done = f"{state.step} of {settings.steps} steps are kept in {self.out / LAST}"
                    self.screen.say(f"stopped: {done}; the same command with --resume goes on")
                    return Outcome(state.step, True, self.out / LAST)
        if self.world.leads:
            self._finish(machine)
        return Outcome(state.step, False, self.out / FINAL)

    def _salience(self) -> Salience:
        if self.settings.saliency == "whole":
            return WholeSalience(self.cache)
        pairs = [pair for part in self.parts for pair in part.pairs]
        return PatchSalience(
            [read_pair(pair)[0] for pair in chosen(pairs, FILTER_PICTURES)], self.cache
        )

    def _open(self, parts: list[Part], use: str) -> PictureStore:
        """Read the pictures of ``parts``; the processes share the work on missing saliency."""
        pairs = [pair for part in parts for pair in part.pairs]
        for part in parts:
            self.screen.say(f"{use}: {len(part.pairs)} pairs in {part.path} ({part.layout})")
        store = PictureStore(pairs, self.salience, self.settings.memory_mib * 2**20)
        mine = range(self.world.rank, len(pairs), self.world.size)
        with self.screen.bar("pictures and their saliency", len(mine)) as bar:
            for _ in store.load(mine, torch.get_num_threads()):
                bar.advance()
                if self.stop():
                    raise KeyboardInterrupt
        self.world.barrier()
        return store

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
        self.out.mkdir(parents=True, exist_ok=True)
        board = Board(self.out / BOARD, self.state.step) if settings.tensorboard else None
        pairs = chosen((self.judged or self.store).pairs, settings.panel)
        sheet = PictureSheet(pairs, self.start, self.compute) if pairs else None
        return Record(self.out, self.state.step, settings.log_every, board, sheet)

    def _due(self, every: int) -> bool:
        return self.state.step % every == 0 or self.state.step == self.settings.steps

    def _judge(self, record: Record | None) -> None:
        """Draw the sheet; find the loss on the held-out pairs and keep the best model."""
        state = self.state
        state.shown.eval()
        if record is not None:
            record.pictures(state.step, state.shown)
        if self.judged is not None:
            crop = self.settings.phases[-1].crop
            terms = validate(state.shown, self.judged, crop, self.objective, self.world)
            better = state.best is None or terms["loss"] < state.best
            state.best = terms["loss"] if better else state.best
            if record is not None:
                record.validation(state.step, terms)
                rank = "the best so far" if better else f"the best was {state.best:.4f}"
                self.screen.say(f"step {state.step}: validation loss {terms['loss']:.4f}, {rank}")
                if better:
                    self._keep(BEST, validation=terms)
        prepare(state.model)

    def _keep(self, name: str, **facts: Any) -> None:
        path = self.out / name
        save_weights(path, self.state.shown, self.identity, step=self.state.step, **facts)

    def _save(self) -> None:
        random = self.world.gather(random_state(self.compute.device))
        if self.world.leads:
            save_training(self.out / LAST, self.state, self.identity, random)

    def _resume(self) -> None:
        random, notes = resume_training(self.out / LAST, self.state, self.identity)
        if len(random) == self.world.size:
            set_random_state(random[self.world.rank], self.compute.device)
        for note in notes:
            self.screen.say(f"note: {note}")
        self.screen.say(f"going on after step {self.state.step}")

    def _finish(self, machine: Mapping[str, Any]) -> None:
        """Keep the finished weights and tell of the training."""
        self._keep(FINAL)
        settings, state = self.settings, self.state
        average = "average of the weights" if settings.ema else "weights"
        uses = {
            FINAL: f"finished network ({average})",
            BEST: "network with the lowest validation loss",
            LAST: "state of the training",
            SHEET: "pairs, fused before and after",
            LOG: f"figures, a line of JSON for {settings.log_every} steps",
            BOARD: f"curves and pictures: tensorboard --logdir {self.out}",
        }
        write_report(
            self.out / REPORT,
            Finished(
                settings,
                self.identity,
                self.parts,
                self.held_out,
                state.seconds,
                state.best,
                read_log(self.out / LOG),
                machine,
                {name: use for name, use in uses.items() if (self.out / name).exists()},
            ),
        )
        self.screen.say(f"written: {self.out / FINAL}, {self.out / REPORT}")

    def _not_finite(self, step: Step, exc: NotFinite) -> TrainerError:
        cuts = ", ".join(f"{cut} ({self.cuts.name(cut)})" for cut in step.cuts)
        kept = f"; {self.out / LAST} is unharmed" if (self.out / LAST).exists() else ""
        return TrainerError(
            f"step {step.number}: {exc} in the batch of cuts {cuts}",
            hint=f"look at these pictures; if they are sound, lower the learning rate{kept}",
        )


def _hash(checkpoint: Path | None) -> str | None:
    """What a checkpoint is known by, wherever it lies."""
    return None if checkpoint is None else hashlib.sha256(checkpoint.read_bytes()).hexdigest()
