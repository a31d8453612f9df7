"""Where and in which number format a training computes."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch

from trainer.distributed import local_rank
from trainer.errors import TrainerError
from trainer.settings import TrainSettings

_DTYPES = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Compute:
    """Device and precision; the weights themselves are always FP32.

    Attributes:
        device: of model and batches.
        precision: "fp32", "bf16" or "fp16".
    """

    device: torch.device
    precision: str

    def autocast(self) -> AbstractContextManager[None]:
        """Context for the forward pass."""
        dtype = _DTYPES[self.precision]
        return torch.autocast(self.device.type, dtype=dtype, enabled=dtype is not None)

    def scaler(self) -> torch.amp.GradScaler:
        """Keeps the small gradients of FP16 from becoming 0; does nothing in other formats."""
        return torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")

    @property
    def name(self) -> str:
        """For instance "cpu" or "NVIDIA H100 80GB HBM3"."""
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        return "cpu"


def choose_compute(settings: TrainSettings) -> Compute:
    """Device and precision of this process.

    Raises:
        TrainerError: what the settings ask for is not here.
    """
    cuda = torch.cuda.is_available()
    if settings.device == "cuda" and not cuda:
        raise TrainerError(
            "device is cuda, but torch sees no such GPU",
            hint="--set device=cpu, or install a torch that is built for the GPU",
        )
    device = torch.device("cpu")
    if cuda and settings.device != "cpu":
        if local_rank() >= torch.cuda.device_count():
            raise TrainerError(
                f"process {local_rank()} of this machine has no GPU of its own: there are "
                f"{torch.cuda.device_count()}",
                hint="start no more processes than GPUs: torchrun --nproc-per-node",
            )
        device = torch.device("cuda", local_rank())
        torch.cuda.set_device(device)
    precision = _precision(settings.precision, device)
    if precision == "fp32":
        # Else convolutions on a GPU would round to 10 bits, and "fp32" would be another network.
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    return Compute(device, precision)


def _precision(wanted: str, device: torch.device) -> str:
    on_gpu = device.type == "cuda"
    has_bf16 = torch.cuda.is_bf16_supported(False) if on_gpu else cpu_has_bf16()
    if wanted == "auto":
        return "bf16" if has_bf16 else "fp16" if on_gpu else "fp32"
    if wanted == "bf16" and not has_bf16:
        raise TrainerError(
            "precision is bf16, but the device has no instructions for it",
            hint="--set precision=auto takes what is fastest here",
        )
    if wanted == "fp16" and not on_gpu:
        raise TrainerError(
            "precision is fp16, but that is for GPUs",
            hint="--set precision=auto takes bf16 or fp32",
        )
    return wanted


def cpu_has_bf16() -> bool:
    """Whether the processor computes in bf16; without that it would only be slower than fp32."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
