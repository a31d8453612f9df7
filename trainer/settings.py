"""Settings of a training: checked, with defaults; `configs/train.yaml` lists them all."""

from __future__ import annotations

from math import isclose
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from trainer.losses import MS_SSIM_MIN_SIDE, LossWeights

# What changes neither the weights nor the figures: a training may go on with other values.
_FREE = {
    "data",
    "validation",
    "out",
    "cache",
    "init",
    "teacher",
    "device",
    "threads",
    "workers",
    "memory_mib",
    "log_every",
    "checkpoint_every",
    "validate_every",
    "panel",
    "tensorboard",
}


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DataEntry(_Section):
    """A folder of pairs or a manifest, see `trainer.layouts` and `trainer.manifest`."""

    path: Path
    # How often its pairs are drawn, against 1 for those of the other entries.
    weight: float = Field(default=1.0, gt=0, le=1000)

    @model_validator(mode="before")
    @classmethod
    def _path_alone(cls, value: Any) -> Any:
        return {"path": value} if isinstance(value, (str, Path)) else value


_PHASE = "{share: 1.0, crop: 112, batch: 5}"


class Phase(_Section):
    """A part of the training with one size of cut."""

    share: float = Field(gt=0, le=1)  # of all steps
    crop: int = Field(ge=MS_SSIM_MIN_SIDE, le=4096)  # side of the cuts, px
    batch: int = Field(ge=1, le=4096)  # cuts a step, those of all processes together

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, value: Any) -> Any:
        if isinstance(value, Phase):
            return value
        if not isinstance(value, dict):
            raise ValueError(f"a phase is written {_PHASE}")
        missing = [name for name in cls.model_fields if name not in value]
        # A key with a typo is missing too; to name the typo says more.
        if missing and not value.keys() - cls.model_fields.keys():
            raise ValueError(f"lacks {' and '.join(missing)}; a phase is written {_PHASE}")
        return value


class TrainSettings(_Section):
    """Everything that a training file may say."""

    data: tuple[DataEntry, ...] = ()
    validation: tuple[DataEntry, ...] = ()
    out: Path = Path("out/train")
    cache: Path = Path("out/saliency")  # may be shared by several trainings

    network: Literal["bts", "bts-lite"] = "bts"
    init: Path | None = None  # checkpoint to begin from
    teacher: Path | None = None  # checkpoint whose pictures are imitated
    teacher_weight: float = Field(default=10.0, ge=0)

    steps: int = Field(default=2000, ge=1)
    learning_rate: float = Field(default=2e-3, gt=0, le=1)
    warm_up_steps: int = Field(default=50, ge=1)
    weight_decay: float = Field(default=1e-4, ge=0, le=1)
    clip_norm: float = Field(default=1.0, gt=0)
    ema: float = Field(default=0.995, ge=0, lt=1)  # decay of the averaged weights; 0: none
    seed: int = Field(default=1, ge=0)
    phases: tuple[Phase, ...] = (Phase(share=1.0, crop=112, batch=5),)
    # What LatLRR calls salient: patches warmer than what is around them, or the whole picture's.
    saliency: Literal["projection", "whole"] = "projection"
    cards: float = Field(default=0.2, ge=0, lt=1)  # share of cuts that are flat test cards
    weights: LossWeights = LossWeights()

    device: Literal["auto", "cpu", "cuda"] = "auto"
    # What the shipped weights were trained in; bf16 is faster, and its effect on them not measured.
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "fp32"
    threads: int | None = Field(default=None, ge=1, le=1024)  # of torch on a CPU; None: its choice
    # Threads that read and cut; None: one for four cores, 0 where there are fewer.
    workers: int | None = Field(default=None, ge=0, le=256)
    memory_mib: int = Field(default=4096, ge=0)  # for decoded pictures

    log_every: int = Field(default=20, ge=1)
    checkpoint_every: int = Field(default=200, ge=1)
    validate_every: int = Field(default=200, ge=1)
    panel: int = Field(default=4, ge=0, le=64)  # pairs in the picture sheets
    tensorboard: bool = True

    @field_validator("data", "validation", mode="before")
    @classmethod
    def _one_alone(cls, value: Any) -> Any:
        return (value,) if isinstance(value, (str, Path, dict)) else value

    @field_validator("phases", mode="before")
    @classmethod
    def _list_of_phases(cls, value: Any) -> Any:
        if not isinstance(value, (list, tuple)) or not value:
            raise ValueError(f"write a list of phases, [{_PHASE}]")
        return value

    @field_validator("phases")
    @classmethod
    def _whole(cls, phases: tuple[Phase, ...]) -> tuple[Phase, ...]:
        total = sum(phase.share for phase in phases)
        if not isclose(total, 1.0, abs_tol=1e-6):
            raise ValueError(f"the shares of the phases add up to {total:g}, but must give 1")
        return phases

    def ends(self) -> list[int]:
        """Step at which each phase ends."""
        shares = [phase.share for phase in self.phases]
        sums = [sum(shares[: number + 1]) for number in range(len(shares))]
        return [*(round(self.steps * share) for share in sums[:-1]), self.steps]

    def recipe(self) -> dict[str, Any]:
        """What decides the weights, data apart: numbers, names and lists, as JSON has them."""
        return self.model_dump(mode="json", exclude=_FREE)
