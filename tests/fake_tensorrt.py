"""Stand-ins for the package ``tensorrt``, as 8.6, 10.x and 11.x are, that record what is asked.

Names and numbers of the enumerations are those of the public wheels 8.6.1, 10.7.0 and 11.4.0. What
a version does not have is not here either, so asking for it fails. Rules that the real builder
enforces are enforced: with strong typing no precision flag, with weak typing FP16 and INT8 only
where the flag allows.
"""

from __future__ import annotations

from enum import IntEnum
from types import SimpleNamespace
from typing import Any

FLAGS = {
    8: {
        "FP16": 0,
        "INT8": 1,
        "TF32": 7,
        "OBEY_PRECISION_CONSTRAINTS": 10,
        "PREFER_PRECISION_CONSTRAINTS": 11,
    },
    10: {
        "FP16": 0,
        "INT8": 1,
        "TF32": 6,
        "OBEY_PRECISION_CONSTRAINTS": 9,
        "PREFER_PRECISION_CONSTRAINTS": 10,
    },
    11: {"TF32": 6},
}
NETWORK_FLAGS = {
    8: {"EXPLICIT_BATCH": 0, "EXPLICIT_PRECISION": 1},
    10: {"EXPLICIT_BATCH": 0, "STRONGLY_TYPED": 1},
    11: {"STRONGLY_TYPED": 0},
}
TYPES = {"FLOAT": 0, "HALF": 1, "INT8": 2, "INT32": 3, "BOOL": 4, "UINT8": 5}
LAYERS = {
    "CONVOLUTION": 0,
    "ELEMENTWISE": 9,
    "CONSTANT": 19,
    "IDENTITY": 21,
    "SHAPE": 24,
    "SLICE": 23,
    "QUANTIZE": 33,
    "DEQUANTIZE": 34,
    "CAST": 47,
}
SEVERITIES = {"INTERNAL_ERROR": 0, "ERROR": 1, "WARNING": 2, "INFO": 3, "VERBOSE": 4}
PLAN = b"a plan of " + bytes(range(256))

Types = list[tuple[str, str, str]]  # of layers: kind, type in, type out

PLAIN = [("ir", "UINT8"), ("vis", "UINT8"), ("weight", "UINT8")]
FILES: dict[str, Types] = {
    "fp32": [("CAST", "UINT8", "FLOAT"), ("CONVOLUTION", "FLOAT", "FLOAT")],
    "fp16": [
        ("CAST", "UINT8", "HALF"),
        ("CONVOLUTION", "HALF", "HALF"),
        ("CAST", "HALF", "FLOAT"),
        ("CONSTANT", "", "FLOAT"),
        ("SHAPE", "FLOAT", "INT32"),
        ("ELEMENTWISE", "FLOAT", "FLOAT"),
    ],
    "int8": [
        ("CAST", "UINT8", "FLOAT"),
        ("QUANTIZE", "FLOAT", "INT8"),
        ("DEQUANTIZE", "INT8", "FLOAT"),
        ("CONVOLUTION", "FLOAT", "FLOAT"),
    ],
}


def fake_tensorrt(
    version: str,
    layers: Types,
    *,
    inputs: list[tuple[str, str]] | None = None,
    memory_mib: int | None = None,
    driver: bool = True,
    parser_errors: list[str] | None = None,
    phases: list[tuple[str, int]] | None = None,
) -> Any:
    """The package.

    Args:
        version: decides what there is.
        layers: of the network that the parser makes of any file.
        inputs: of that network, name and type; the plain contract unless given.
        memory_mib: of the GPU: builds with a larger or no workspace limit fail; None for plenty.
        driver: whether there is one.
        parser_errors: the file is refused with these.
        phases: that a build goes through, with their steps.
    """
    major = int(version.split(".")[0])
    calls: list[Any] = []
    trt = SimpleNamespace(__version__=version, calls=calls)
    trt.BuilderFlag = IntEnum("BuilderFlag", FLAGS[major])
    trt.NetworkDefinitionCreationFlag = IntEnum("NetworkFlag", NETWORK_FLAGS[major])
    trt.DataType = IntEnum("DataType", TYPES)
    trt.LayerType = IntEnum("LayerType", LAYERS)
    trt.MemoryPoolType = IntEnum("MemoryPoolType", {"WORKSPACE": 0})
    severity = IntEnum("Severity", SEVERITIES)

    class ILogger:
        def __init__(self) -> None:
            self.begun = True

    def say(logger: Any, level: str, text: str) -> None:
        assert logger.begun, "the base class was not initialised"
        logger.log(severity[level], text)

    class Tensor:
        def __init__(self, name: str, kind: str) -> None:
            self.name = name
            self.dtype = trt.DataType[kind]

        def __setattr__(self, name: str, value: Any) -> None:
            if name == "shape":
                calls.append(("shape", self.name, value))
            super().__setattr__(name, value)

    class Layer:
        def __init__(self, kind: str, given: str, made: str) -> None:
            self.type = trt.LayerType[kind]
            self._given = [Tensor(f"{kind}.in", given)] if given else []
            self._made = [Tensor(f"{kind}.out", made)]
            self.num_inputs, self.num_outputs = len(self._given), 1
            if major < 11:
                self.output_types: dict[int, Any] = {}
                self.precision: Any = None

        def get_input(self, index: int) -> Tensor:
            return self._given[index]

        def get_output(self, index: int) -> Tensor:
            return self._made[index]

        def set_output_type(self, index: int, kind: Any) -> None:
            assert major < 11, "there is no such call"
            self.output_types[index] = kind

    class Network:
        def __init__(self, flags: int) -> None:
            self.strong = major >= 11 or bool(
                "STRONGLY_TYPED" in NETWORK_FLAGS[major]
                and flags >> NETWORK_FLAGS[major]["STRONGLY_TYPED"] & 1
            )
            if major < 10:
                assert flags & 1, "8.6 parses ONNX with an explicit batch axis only"
            self.layers: list[Layer] = []
            self.num_inputs = self.num_outputs = self.num_layers = 0

        def fill(self) -> None:
            self.layers = [Layer(*row) for row in layers]
            self._inputs = [Tensor(*row) for row in (inputs or PLAIN)]
            self._outputs = [Tensor("fused", "UINT8")]
            self.num_layers, self.num_inputs, self.num_outputs = (
                len(self.layers),
                len(self._inputs),
                1,
            )

        def get_input(self, index: int) -> Tensor:
            return self._inputs[index]

        def get_output(self, index: int) -> Tensor:
            return self._outputs[index]

        def get_layer(self, index: int) -> Layer:
            return self.layers[index]

    class ParserError:
        def __init__(self, text: str) -> None:
            self._text = text
            if major >= 10:
                self.node_name = lambda: "stem"
                self.node_operator = lambda: "Conv"

        def desc(self) -> str:
            return self._text

        def node(self) -> int:
            return 3

    class OnnxParser:
        def __init__(self, network: Network, logger: Any) -> None:
            self._network = network
            self.num_errors = len(parser_errors or [])

        def parse(self, content: bytes) -> bool:
            calls.append(("parse", len(content)))
            if parser_errors:
                return False
            self._network.fill()
            return True

        def get_error(self, index: int) -> ParserError:
            assert parser_errors
            return ParserError(parser_errors[index])

    class TimingCache:
        def __init__(self, content: bytes) -> None:
            self.content = content

        def serialize(self) -> bytes:
            return self.content + b"+"

    class Config:
        # Setting what the version does not have must fail.
        __slots__ = (
            *("flags", "workspace_mib", "cache"),
            *(("progress_monitor",) if major >= 10 else ()),
        )

        def __init__(self) -> None:
            self.flags = {"TF32"}
            self.workspace_mib: int | None = None
            self.cache: TimingCache | None = None

        def set_flag(self, flag: Any) -> None:
            self.flags.add(flag.name)

        def clear_flag(self, flag: Any) -> None:
            self.flags.discard(flag.name)

        def set_memory_pool_limit(self, pool: Any, size: int) -> None:
            assert pool.name == "WORKSPACE"
            self.workspace_mib = size >> 20

        def create_timing_cache(self, content: bytes) -> TimingCache:
            return TimingCache(content)

        def set_timing_cache(self, cache: TimingCache, ignore_mismatch: bool) -> bool:
            assert not ignore_mismatch
            if cache.content.startswith(b"other GPU"):
                return False
            self.cache = cache
            return True

        def get_timing_cache(self) -> TimingCache | None:
            return self.cache

    class Builder:
        def __init__(self, logger: Any) -> None:
            self._logger = logger
            if not driver:
                say(logger, "ERROR", "CUDA initialization failure with error: 35.")
                raise TypeError("pybind11::init(): factory function returned nullptr")

        def create_network(self, flags: int = 0) -> Network:
            calls.append(("network", flags))
            return Network(flags)

        def create_builder_config(self) -> Config:
            return Config()

        def build_serialized_network(self, network: Network, config: Config) -> bytes | None:
            trt.network, trt.config = network, config
            calls.append(("build", sorted(config.flags), config.workspace_mib))
            say(self._logger, "VERBOSE", "a great deal")
            say(self._logger, "WARNING", "mind the gap")
            problem = self._problem(network, config)
            if problem:
                say(self._logger, "ERROR", problem)
                return None
            return self._go_through_phases(config)

        def _problem(self, network: Network, config: Config) -> str:
            if network.strong and config.flags & {"FP16", "INT8"}:
                return "API Usage Error: condition: !config.getFlag(BuilderFlag::kFP16)"
            for layer in network.layers:
                wanted = getattr(layer, "precision", None)
                if network.strong and wanted is not None:
                    return "Layer precision cannot be set for strongly typed networks"
                if wanted == trt.DataType.HALF and "FP16" not in config.flags:
                    return "fp16 precision has been set but fp16 is not configured in the builder"
            if memory_mib is not None and (config.workspace_mib or 1 << 30) > memory_mib:
                say(
                    self._logger,
                    "WARNING",
                    "Requested amount of GPU memory (17179869184 bytes) could not be allocated.",
                )
                return "[virtualMemoryBuffer.cpp::resizePhysical::145] Error Code 2: OutOfMemory"
            return ""

        def _go_through_phases(self, config: Config) -> bytes | None:
            monitor = getattr(config, "progress_monitor", None)
            for name, steps in phases or []:
                assert monitor is not None
                monitor.phase_start(name, None, steps)
                for index in range(steps):
                    if not monitor.step_complete(name, index):
                        monitor.phase_finish(name)
                        return None
                monitor.phase_finish(name)
            return PLAN

    trt.ILogger, trt.OnnxParser, trt.Builder = ILogger, OnnxParser, Builder
    if major >= 10:
        trt.IProgressMonitor = type("IProgressMonitor", (), {"__init__": lambda self: None})
    return trt
