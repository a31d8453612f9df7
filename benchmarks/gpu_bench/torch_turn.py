"""The same network in torch, eager and compiled, in FP16, from the trainer's checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from statistics import median

import numpy as np
import torch
from torch import Tensor, nn

from engines.errors import BackendUnavailable
from engines.parity_pairs import Pair
from gpu_bench.case import Case, Effort, Turn
from gpu_bench.clock import repeat, runs_in
from gpu_bench.pictures import pictures
from trainer.build import Network
from trainer.deploy import DeployGraph
from trainer.shipped import shipped_network


def check_torch(device: int) -> None:
    """Find out whether torch sees the GPU.

    Raises:
        BackendUnavailable: it does not.
    """
    if not torch.cuda.is_available() or torch.cuda.device_count() <= device:
        raise BackendUnavailable(
            f"torch {torch.__version__} sees no GPU {device}", hint="install a CUDA build of torch"
        )


class HalfNetwork(nn.Module):
    """A network in FP16 as the exported file has it: sources, prior and mixing stay in FP32."""

    def __init__(self, net: Network) -> None:
        super().__init__()
        self.net = net.half().to(memory_format=torch.channels_last)
        self.contrast = net.contrast

    def forward(self, ir: Tensor, vis_y: Tensor) -> Tensor:
        """See `trainer.network.FusionNet.forward`."""
        with torch.autocast(ir.device.type, torch.float16):
            return self.net(ir, vis_y)


def half_graph(model: str) -> DeployGraph:
    """The whole image operation around a shipped network in FP16, on the processor."""
    graph = DeployGraph(shipped_network(model))
    graph.net = HalfNetwork(graph.net)
    return graph.eval()


class TorchFusion:
    """Pictures in, picture out, with page-locked memory as the engines have it."""

    def __init__(self, graph: nn.Module, size_wh: tuple[int, int], device: int) -> None:
        width, height = size_wh
        self._graph = graph
        self._cuda = torch.device("cuda", device)
        shapes = ((1, 1, height, width), (1, height, width, 3))
        self._host = [torch.empty(s, dtype=torch.uint8, pin_memory=True) for s in shapes]
        self._inputs = [torch.zeros_like(tensor, device=self._cuda) for tensor in self._host]
        self._weight = torch.full(shapes[0], 255, dtype=torch.uint8, device=self._cuda)
        self._fused = torch.empty(shapes[1], dtype=torch.uint8, pin_memory=True)

    @torch.inference_mode()
    def fuse(self, ir: np.ndarray, vis: np.ndarray) -> np.ndarray:
        """As `engines.base.Engine.fuse`."""
        self._host[0].numpy()[0, 0], self._host[1].numpy()[0] = ir, vis
        for there, here in zip(self._inputs, self._host, strict=True):
            there.copy_(here, non_blocking=True)
        self._fused.copy_(self._graph(*self._inputs, self._weight), non_blocking=True)
        torch.cuda.synchronize(self._cuda)
        return self._fused.numpy()[0].copy()

    @torch.inference_mode()
    def network_ms(self, runs: int) -> list[float]:
        """Device time of each of so many runs, without copies, by events."""
        begun, done = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        times_ms = []
        for _ in range(runs):
            begun.record()
            self._graph(*self._inputs, self._weight)
            done.record()
            done.synchronize()
            times_ms.append(begun.elapsed_time(done))
        return times_ms


@cache
def opened(case: Case, device: int) -> TorchFusion:
    """Kept for all rounds: compiling takes its time."""
    check_torch(device)
    torch.cuda.set_device(device)
    graph: nn.Module = half_graph(case.model).to(torch.device("cuda", device))
    if case.way == "torch.compile":
        # With CUDA graphs, as the engines have them; one shape, as the engines are built for one.
        graph = torch.compile(graph, mode="reduce-overhead", dynamic=False)  # type: ignore[assignment]
    return TorchFusion(graph, case.size_wh, device)


def prepare_torch(case: Case, device: int) -> dict[str, str]:
    """Compile and run once.

    Returns:
        What a report says of it.
    """
    fusion = opened(case, device)
    for pair in pictures(case.size_wh)[:3]:  # compiled, recorded, replayed
        fusion.fuse(*pair)
    name = torch.cuda.get_device_name(device)
    return {"version": torch.__version__, "device": name}


def measure_torch(case: Case, effort: Effort, device: int) -> Turn:
    """One turn: the network alone, and the whole call."""
    fusion, pairs = opened(case, device), pictures(case.size_wh)
    torch.cuda.reset_peak_memory_stats(device)
    each_ms = median(repeat(lambda index: _fuse(fusion, pairs, index), effort.warm_up_s))
    return Turn(
        engine_ms=fusion.network_ms(runs_in(effort.seconds, each_ms)),
        fuse_ms=repeat(lambda index: _fuse(fusion, pairs, index), effort.seconds),
        device_bytes=torch.cuda.max_memory_allocated(device),
    )


def _fuse(fusion: TorchFusion, pairs: list[Pair], index: int) -> None:
    fusion.fuse(*pairs[index % len(pairs)])


def matrix_rate(kind: str, device: int) -> float:
    """FLOP a second in large matrix products; FP32 without TF32, as the plans have it.

    Args:
        kind: "fp16", "int8" or "fp32".
        device: index of the GPU.
    """
    check_torch(device)
    with torch.device("cuda", device), torch.inference_mode():
        if kind == "int8":  # such products want their second factor column by column
            left, right = _random_int8(8192), _random_int8(8192).t()
            return _rate(lambda: torch._int_mm(left, right), 8192)
        side = 8192 if kind == "fp16" else 4096
        dtype = torch.float16 if kind == "fp16" else torch.float32
        left, right = (torch.randn(side, side).to(dtype) for _ in range(2))
        return _rate(lambda: torch.mm(left, right), side)


def _random_int8(side: int) -> Tensor:
    return torch.randint(-127, 128, (side, side), dtype=torch.int8)


def _rate(multiply: Callable[[], Tensor], side: int) -> float:
    """FLOP a second of a product of two square matrices; median of ten."""
    times_ms = []
    begun, done = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    for _ in range(15):
        begun.record()
        multiply()
        done.record()
        done.synchronize()
        times_ms.append(begun.elapsed_time(done))
    return 2 * side**3 / (median(times_ms[5:]) / 1e3)
