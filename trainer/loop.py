"""Trains the fusion network: ``python -m trainer.loop --data DIR [DIR ...] --out DIR``."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from math import cos, pi
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Subset

from trainer.errors import TrainerError
from trainer.losses import LossWeights, fusion_loss
from trainer.network import FusionNet
from trainer.pairs import PairCrops, Sample, data_hash, find_pairs
from trainer.resume import resume_training, save_training
from trainer.saliency_cache import SaliencyCache
from trainer.targets import fusion_target
from trainer.warm_start import start_as_maximum

CHECKPOINT = "last.pt"
LOG = "log.jsonl"


@dataclass(frozen=True)
class Phase:
    """A part of the training with one size of cut.

    Attributes:
        share: of all steps.
        crop: side of the cuts, px.
        batch: cuts a step.
    """

    share: float
    crop: int
    batch: int


@dataclass(frozen=True)
class TrainSettings:
    """All that decides the result of a training, together with the data and torch's version."""

    steps: int = 1400
    learning_rate: float = 1.5e-3
    warm_up_steps: int = 50
    clip_norm: float = 1.0
    seed: int = 1
    # Larger cuts at the end: the attention pools over the frame and should see scenes.
    phases: tuple[Phase, ...] = (Phase(0.8, 192, 4), Phase(0.2, 288, 2))
    weights: LossWeights = field(default_factory=LossWeights)
    bf16: bool = True  # halves the time on CPUs with AVX-512 BF16; the weights stay FP32
    checkpoint_every: int = 200

    def ends(self) -> list[int]:
        """Step at which each phase ends."""
        shares = [
            sum(phase.share for phase in self.phases[: i + 1]) for i in range(len(self.phases))
        ]
        return [*(round(self.steps * share) for share in shares[:-1]), self.steps]


def train(folders: list[Path], out: Path, settings: TrainSettings, *, cache: Path) -> Path:
    """Train, or go on where ``out`` has a checkpoint of the same settings and data.

    Args:
        folders: data, each with ``ir`` and ``vis``.
        out: folder for the checkpoint and the log; made when missing.
        settings: recipe.
        cache: folder for the saliency of the training pictures.
    Returns:
        Path of the checkpoint, training form under the key "model".
    Raises:
        TrainerError: no usable data, a checkpoint in ``out`` that is foreign or of other settings
            or data, or a loss that is not finite; the last good checkpoint stays.
    """
    out.mkdir(parents=True, exist_ok=True)
    pairs = find_pairs(folders)
    torch.manual_seed(settings.seed)
    model = FusionNet().train()
    start_as_maximum(model)
    freeze_batchnorm(model)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(model.parameters(), settings.learning_rate, weight_decay=1e-4)
    path = out / CHECKPOINT
    recipe, data = _plain(settings), data_hash(pairs)
    begin = 0
    if path.exists():
        begin = resume_training(path, model, optimizer, settings=recipe, data=data)
    progress = Progress(out / LOG, settings.steps)
    saliency = SaliencyCache(cache)
    start = 0
    for number, (phase, end) in enumerate(zip(settings.phases, settings.ends(), strict=True)):
        if begin < end:
            seed, batch = settings.seed * 100 + number, phase.batch
            crops = PairCrops(pairs, phase.crop, saliency, seed, (end - start) * batch)
            rest = Subset(crops, range(max(begin - start, 0) * batch, len(crops)))
            for step, samples in _batches(rest, batch, first_step=max(begin, start)):
                rate = learning_rate(step, settings)
                terms = train_step(model, optimizer, samples, rate, step, settings)
                progress.report(step + 1, terms, rate)
                if (step + 1) % settings.checkpoint_every == 0 or step + 1 == settings.steps:
                    save_training(path, model, optimizer, settings=recipe, data=data, step=step + 1)
        start = end
    return path


def _batches(samples: Subset[Sample], batch: int, first_step: int) -> Iterator[tuple[int, Sample]]:
    loader: DataLoader[Any] = DataLoader(samples, batch_size=batch)
    return enumerate((Sample(*fields) for fields in loader), first_step)


def train_step(
    model: FusionNet,
    optimizer: torch.optim.Optimizer,
    batch: Sample,
    rate: float,
    step: int,
    settings: TrainSettings,
) -> dict[str, float]:
    """One update; returns the loss and its terms.

    Raises:
        TrainerError: the loss or its gradient is not finite; the model is left as it was.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate
    target = fusion_target(batch.ir, batch.vis_y, batch.mask)
    with torch.autocast("cpu", torch.bfloat16, enabled=settings.bf16):
        fused = model(batch.ir, batch.vis_y)
    loss, terms = fusion_loss(fused.float(), batch.ir, batch.vis_y, target, settings.weights)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
    if not (torch.isfinite(loss) and torch.isfinite(norm)):
        raise TrainerError(
            f"step {step}: loss {loss.item()}, gradient {norm.item()} in the batch of "
            f"{', '.join(batch.name)}",
            hint="look at these pictures; if they are sound, lower the learning rate",
        )
    optimizer.step()
    return {"loss": float(loss.detach())} | {name: float(t.detach()) for name, t in terms.items()}


def learning_rate(step: int, settings: TrainSettings) -> float:
    """Linear warm-up, then half a cosine down to 1 percent."""
    warm = min(1.0, (step + 1) / settings.warm_up_steps)
    fall = 0.5 * (1 + cos(pi * step / settings.steps))
    return settings.learning_rate * warm * (0.01 + 0.99 * fall)


def freeze_batchnorm(model: nn.Module) -> None:
    """Let batch norms use their stored statistics; their weights go on learning.

    A few cuts are no fair sample of brightness: normalised by their own statistics, the same
    grey would mean something else in each batch, and fusion is about absolute brightness.
    """
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def _plain(settings: TrainSettings) -> dict[str, Any]:
    """Settings as they come back from a checkpoint: lists, numbers and names only."""
    return json.loads(json.dumps(asdict(settings)))


class Progress:
    """A line for the terminal every few seconds and a line of JSON for each into the log."""

    EVERY_S = 10.0

    def __init__(self, log: Path, steps: int) -> None:
        self.log, self.steps = log, steps
        self.shown = time.monotonic()
        self.sums: dict[str, float] = {}
        self.count = 0

    def report(self, done: int, terms: dict[str, float], rate: float) -> None:
        """Take the terms of one step; show their mean since the last line when it is time."""
        for name, value in terms.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.count += 1
        now = time.monotonic()
        if now - self.shown < self.EVERY_S and done < self.steps:
            return
        means = {name: round(total / self.count, 5) for name, total in self.sums.items()}
        each = (now - self.shown) / self.count
        left = timedelta(seconds=each * (self.steps - done))
        values = "  ".join(f"{name} {value:.4f}" for name, value in means.items())
        ready = f"{datetime.now() + left:%H:%M}"
        print(f"step {done}/{self.steps}  {values}  {each:.2f} s/step  ready {ready}", flush=True)
        with self.log.open("a") as file:
            file.write(json.dumps({"step": done, "rate": rate, **means}) + "\n")
        self.shown, self.sums, self.count = now, {}, 0


def main(argv: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m trainer.loop",
        description="Train the fusion network; goes on where --out has a checkpoint.",
    )
    default = TrainSettings()
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="DIR/ir, DIR/vis")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint and log")
    parser.add_argument("--steps", type=int, default=default.steps)
    parser.add_argument("--learning-rate", type=float, default=default.learning_rate)
    parser.add_argument("--seed", type=int, default=default.seed)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of torch")
    parser.add_argument("--cache", type=Path, help="saliency maps; default: OUT/saliency")
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    settings = TrainSettings(steps=args.steps, learning_rate=args.learning_rate, seed=args.seed)
    try:
        path = train(args.data, args.out, settings, cache=args.cache or args.out / "saliency")
    except TrainerError as exc:
        print(f"{exc}\n{exc.hint}", file=sys.stderr)
        return exc.exit_code
    except KeyboardInterrupt:
        print("stopped; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
