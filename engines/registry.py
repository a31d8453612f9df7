"""Opens an engine by name, or the best one that works here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from .back_ends import BACK_ENDS, CANDIDATES, PRECISIONS, Request
from .base import Engine, Refusal, check_size
from .errors import BackendUnavailable, EngineError, PictureRefused, Stopped
from .models import find_model, unknown_name
from .report import Report, Stop, never, silent

AUTO = "auto"


def engine_names() -> list[str]:
    """All names that `open_engine` takes."""
    return [AUTO, *BACK_ENDS]


def precision_names() -> list[str]:
    """All precisions that some engine computes in, and "auto"."""
    return [AUTO, *PRECISIONS]


def open_engine(
    name: str = AUTO,
    model: str = "bts",
    size_wh: tuple[int, int] = (640, 480),
    precision: str = AUTO,
    *,
    ir_size_wh: tuple[int, int] | None = None,
    device: int = 0,
    report: Report = silent,
    check: bool = True,
    stop: Stop = never,
) -> Engine:
    """Open an engine for pictures of one size.

    An engine that was not opened before is compared with the FP32 reference first, see
    `engines.gate`; ``info.parity`` has the figures.

    Args:
        name: "auto" takes the fastest that works here and notes in ``info.refused`` why others
            were passed over; otherwise one of `engine_names`.
        model: a shipped name or the path of an ONNX file; the classical engine needs none.
        size_wh: width and height in px.
        precision: "auto" takes the fastest that looks like FP32; otherwise one of
            `precision_names`.
        ir_size_wh: of the infrared camera's own picture: engines on a GPU then warp it themselves
            (``Engine.warps``), others are opened for infrared that lies on the visible picture.
        device: index of the GPU, for engines on one.
        report: takes a line at a time on what lasts.
        check: False opens it whatever its picture, for who compares it himself.
        stop: asked about ten times a second while a plan is built, and before each picture that
            is compared, whether to give up.

    Raises:
        Stopped: ``stop`` said so.
        UnknownNameError: unknown engine, model or precision.
        BackendUnavailable: its package or device is missing.
        PictureRefused: it works, but its picture is not the reference's.
        EngineError: the size or the precision does not go, or the model does not load.
    """
    check_names(name, model, precision)
    check_size(size_wh)
    request = Request(model, size_wh, ir_size_wh, device, report, check, stop)
    refused: list[Refusal] = []
    failures: list[EngineError] = []
    for candidate, attempt in _attempts(name, precision, refused):
        if stop():
            raise Stopped(f"stopped before {candidate} was opened")
        try:
            engine = BACK_ENDS[candidate].open(request, attempt)
        except Stopped:
            raise
        except BackendUnavailable as error:
            refused.append(Refusal(candidate, str(error)))
            if name != AUTO and not failures:
                raise
        except EngineError as error:
            shown = f"{candidate} {attempt}" if precision == AUTO else candidate
            refused.append(Refusal(shown, str(error)))
            failures.append(error)
        else:
            refused += _slower(name, candidate)
            engine.info = dataclasses.replace(engine.info, refused=tuple(refused))
            return engine
    raise _nothing_opens(name, precision, refused, failures)


def _nothing_opens(
    name: str, precision: str, refused: list[Refusal], failures: list[EngineError]
) -> EngineError:
    """What to raise: all that was tried, and the remedy of what was tried last."""
    reasons = "; ".join(f"{refusal.name}: {refusal.reason}" for refusal in refused)
    if not failures:
        return BackendUnavailable(
            f"no engine works here ({reasons})",
            hint="pip install openvino or onnxruntime, or fuse without a network: "
            "--engine classical"
            if precision == AUTO
            else f"choose another precision than {precision}, or auto",
        )
    last = failures[-1]
    if len(refused) == 1:
        return last
    # A back end is there, it is the model or a setting that does not go.
    kind = PictureRefused if isinstance(last, PictureRefused) else EngineError
    who = "no engine opens" if name == AUTO else f"{name} does not open"
    error = kind(f"{who} ({reasons})", hint=last.hint)
    error.__cause__ = last
    return error


def prepare_engine(
    name: str = AUTO,
    model: str = "bts",
    size_wh: tuple[int, int] = (640, 480),
    precision: str = AUTO,
    *,
    ir_size_wh: tuple[int, int] | None = None,
    device: int = 0,
    report: Report = silent,
    stop: Stop = never,
) -> None:
    """Do the slow part of `open_engine` ahead, on any thread: afterwards it only loads.

    The engine is opened, compared with the reference and closed, on the thread that calls this,
    which leaves its plan and the verdict where `open_engine` finds them: in the cache, or in this
    process where nothing can be written.

    Args: as of `open_engine`.

    Raises: as `open_engine`.
    """
    open_engine(
        name,
        model,
        size_wh,
        precision,
        ir_size_wh=ir_size_wh,
        device=device,
        report=report,
        stop=stop,
    ).close()


def _attempts(name: str, precision: str, refused: list[Refusal]) -> Iterator[tuple[str, str]]:
    """Back ends and precisions to try, best first.

    Args:
        name: "auto" or that of a back end.
        precision: "auto" or one.
        refused: gets back ends that do not have the precision; those that it names already are
            passed over.
    """
    for candidate in CANDIDATES if name == AUTO else (name,):
        known = BACK_ENDS[candidate].precisions
        if precision != AUTO and precision not in known:
            refused.append(Refusal(candidate, f"does not compute in {precision}"))
            continue
        for attempt in BACK_ENDS[candidate].auto if precision == AUTO else (precision,):
            if not any(refusal.name == candidate for refusal in refused):
                yield candidate, attempt


def _slower(name: str, taken: str) -> list[Refusal]:
    """The candidates of "auto" after the one that was taken."""
    if name != AUTO:
        return []
    after = CANDIDATES[CANDIDATES.index(taken) + 1 :]
    return [Refusal(other, f"slower than {taken}") for other in after]


def check_names(name: str, model: str, precision: str) -> None:
    """Refuse what `open_engine` would refuse without opening anything.

    Raises:
        UnknownNameError: unknown engine, model or precision.
        EngineError: the model file cannot be read, or the engine does not have the precision.
    """
    if name not in engine_names():
        raise unknown_name("engine", name, engine_names())
    if precision not in precision_names():
        raise unknown_name("precision", precision, precision_names())
    find_model(model)
    if name == AUTO or precision in (AUTO, *BACK_ENDS[name].precisions):
        return
    offered = ", ".join((AUTO, *BACK_ENDS[name].precisions))
    raise EngineError(f"{name} does not compute in {precision}", hint=f"it offers: {offered}")
