"""From the settings to the engine of a run, and to what is shown until it is ready."""

from __future__ import annotations

from collections.abc import Callable

from engines.base import Engine
from engines.registry import check_names, open_engine, prepare_engine
from engines.report import Report, silent

from .config import EngineSettings
from .preview import Preview


def check_engine(settings: EngineSettings) -> None:
    """Refuse names that do not exist, before anything is opened.

    Raises:
        UnknownNameError, EngineError: see `engines.registry.check_names`.
    """
    check_names(settings.name, settings.model, settings.precision)
    if settings.preview is not None:
        check_names(settings.preview, settings.model, "auto")


def open_chosen(
    settings: EngineSettings,
    size_wh: tuple[int, int],
    ir_size_wh: tuple[int, int] | None = None,
    report: Report = silent,
    stop: Callable[[], bool] = lambda: False,
) -> Engine:
    """Open the engine, on the thread that will use it.

    Args:
        settings: which.
        size_wh: of the visible pictures, in px.
        ir_size_wh: of the infrared pictures, where they are to be warped; None where they lie on
            the visible ones.
        report: takes a line at a time on what lasts.
        stop: asked about ten times a second whether to give up.

    Raises:
        Stopped: ``stop`` said so.
        EngineError: see `engines.registry.open_engine`.
    """
    return open_engine(
        settings.name,
        settings.model,
        size_wh,
        settings.precision,
        ir_size_wh=ir_size_wh,
        device=settings.device,
        report=report,
        stop=stop,
    )


def engine_preview(
    settings: EngineSettings,
    size_wh: tuple[int, int],
    ir_size_wh: tuple[int, int] | None = None,
    report: Report = silent,
    stop: Callable[[], bool] = lambda: False,
) -> Preview | None:
    """What fuses until the engine is ready; None where the settings name nothing.

    Args: as of `open_chosen`.
    """
    name = settings.preview
    if name is None:
        return None

    def opener() -> Engine:
        return open_engine(name, settings.model, size_wh, report=report, stop=stop)

    def prepare(give_up: Callable[[], bool]) -> None:
        prepare_engine(
            settings.name,
            settings.model,
            size_wh,
            settings.precision,
            ir_size_wh=ir_size_wh,
            device=settings.device,
            report=report,
            stop=give_up,
        )

    return Preview(name, opener, prepare, report)
