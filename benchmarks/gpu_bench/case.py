"""What is measured, how long, and what comes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from engines.tensorrt.flavour import NAMES as TENSORRT_WAYS
from fusion_rt.timing import Histogram

TORCH_WAYS = ("torch eager", "torch.compile")
TRTEXEC = "trtexec"
WAYS = (*TENSORRT_WAYS, *TORCH_WAYS, TRTEXEC)
MODELS = ("bts", "bts-lite")
PRECISIONS = ("fp16", "int8", "fp32")
SIZES = ((640, 480), (640, 512), (1280, 720), (1920, 1080))


@dataclass(frozen=True)
class Case:
    """One thing that takes its turn in every round.

    Attributes:
        way: one of `WAYS`.
        model: a shipped name.
        precision: of the network.
        size_wh: of both pictures, in px.
    """

    way: str
    model: str
    precision: str
    size_wh: tuple[int, int]

    def __str__(self) -> str:
        width, height = self.size_wh
        return f"{self.way}, {self.model} in {self.precision}, {width}x{height}"


@dataclass(frozen=True)
class Effort:
    """How long to measure.

    Attributes:
        rounds: turns of each case.
        seconds: of each measure in a turn.
        warm_up_s: before it, so that the card has left its idle clock.
    """

    rounds: int
    seconds: float
    warm_up_s: float = 0.3


@dataclass
class Turn:
    """What a case showed in one round; None and empty where it was not measured.

    Attributes:
        engine_ms: device time of the network alone, each launch.
        fuse_ms: wall time of a whole call, pictures in the host's memory to picture there.
        stream_fps: pairs a second with as many under way as the engine takes, without pipeline.
        pipeline_fps: pairs a second through all stages.
        live: end-to-end latency in the pipeline while pairs come at a rate that it can take.
        live_dropped: pairs that came too fast all the same.
        device_bytes: GPU memory that it took.
        facts: in words: version, picture, notes.
    """

    engine_ms: list[float] = field(default_factory=list)
    fuse_ms: list[float] = field(default_factory=list)
    stream_fps: float | None = None
    pipeline_fps: float | None = None
    live: Histogram | None = None
    live_dropped: int = 0
    device_bytes: int | None = None
    facts: dict[str, str] = field(default_factory=dict)


def cases_of(
    ways: Iterable[str],
    models: Iterable[str],
    precisions: Iterable[str],
    sizes: Iterable[tuple[int, int]],
) -> Iterator[Case]:
    """All combinations that exist: torch computes in FP16 only."""
    ways, models, precisions = tuple(ways), tuple(models), tuple(precisions)
    for size_wh in sizes:
        for model in models:
            for precision in precisions:
                for way in ways:
                    if way not in TORCH_WAYS or precision == "fp16":
                        yield Case(way, model, precision, size_wh)
