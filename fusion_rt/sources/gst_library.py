"""GStreamer through its Python bindings, loaded at first use.

The bindings (the package ``gi``) come with the system, not from PyPI: they fit the GStreamer that
is installed there. A virtual environment does not see the system's packages. Where it runs on the
very Python version that the system's ``gi`` was built for, that one package is loaded from its
place, and nothing beside it: the system's NumPy or YAML must not get in the way of those here.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

from ..errors import SourceError

PACKAGES = (
    "python3-gi gir1.2-gst-plugins-base-1.0 gstreamer1.0-plugins-base gstreamer1.0-plugins-good "
    "gstreamer1.0-plugins-bad gstreamer1.0-libav"
)
_REMEDY = f"on Debian, Ubuntu or JetPack: sudo apt install {PACKAGES}"
_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
# Where distributions keep the packages of their own Python: Debian, Fedora, Arch.
_SYSTEM_PLACES = (
    Path("/usr/lib/python3/dist-packages"),
    Path(f"/usr/lib64/python{_VERSION}/site-packages"),
    Path(f"/usr/lib/python{_VERSION}/site-packages"),
)
_lock = threading.Lock()
_loaded: GstLibrary | GstUnavailableError | None = None


class GstUnavailableError(SourceError):
    """GStreamer cannot be used from this Python; the hint says how to get it."""


@dataclass(frozen=True, slots=True)
class GstLibrary:
    """The loaded bindings. Typed as Any: they are made at run time from the libraries.

    Attributes:
        gst: namespace Gst, initialised.
        app: namespace GstApp.
        video: namespace GstVideo.
        error: what GStreamer's functions raise, GLib.Error.
        version: GStreamer's own, for instance (1, 22, 0).
    """

    gst: Any
    app: Any
    video: Any
    error: type[Exception]
    version: tuple[int, int, int]

    def has(self, element: str) -> bool:
        """Whether an element is installed."""
        return self.gst.ElementFactory.find(element) is not None


def load_gst() -> GstLibrary:
    """GStreamer, loaded and initialised by the first call; later ones give the same.

    Raises:
        GstUnavailableError: its Python bindings, type libraries or GStreamer itself are missing or
            fail to load. Found once; to look again takes a new process.
    """
    global _loaded
    with _lock:
        if _loaded is None:
            try:
                _loaded = _load()
            except GstUnavailableError as error:
                _loaded = error
    if isinstance(_loaded, GstUnavailableError):
        raise GstUnavailableError(str(_loaded), hint=_loaded.hint) from _loaded
    return _loaded


def gstreamer_missing() -> str | None:
    """Why GStreamer cannot be used here, in one line; None where it can. Loads it."""
    try:
        load_gst()
    except GstUnavailableError as error:
        return str(error)
    return None


def _load() -> GstLibrary:
    try:
        with warnings.catch_warnings():
            # Older bindings use ways of importing that newer versions of Python warn about.
            warnings.simplefilter("ignore", ImportWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            gst, app, video, glib = _namespaces(_bindings(), ("Gst", "GstApp", "GstVideo", "GLib"))
        gst.init_check(None)
    # ValueError: no type library; ImportError: no shared library; RuntimeError, of which GLib.Error
    # is one: GStreamer itself.
    except (ValueError, ImportError, RuntimeError) as error:
        raise GstUnavailableError(f"GStreamer does not load: {error}", hint=_REMEDY) from error
    major, minor, micro, _ = gst.version()
    return GstLibrary(gst, app, video, glib.Error, (major, minor, micro))


def _namespaces(gi: Any, names: Sequence[str]) -> list[Any]:
    for name in names:
        gi.require_version(name, "2.0" if name == "GLib" else "1.0")
    return [importlib.import_module(f"gi.repository.{name}") for name in names]


def _bindings() -> Any:
    try:
        return importlib.import_module("gi")
    except ModuleNotFoundError as error:
        if error.name != "gi":
            raise _broken(error) from error
    except ImportError as error:
        raise _broken(error) from error
    return load_alone("gi", system_place(_SYSTEM_PLACES))


def system_place(places: Sequence[Path]) -> Path:
    """The folder that holds a ``gi`` built for this Python version.

    Raises:
        GstUnavailableError: there is none; tells whether there is one for another version.
    """
    found = [place / "gi" for place in places if (place / "gi" / "__init__.py").is_file()]
    # The first suffix names version and kind of build; the others fit several.
    fitting = [folder for folder in found if (folder / f"_gi{EXTENSION_SUFFIXES[0]}").is_file()]
    if fitting:
        return fitting[0].parent
    if found:
        builds = sorted(path.name for path in found[0].glob("_gi.*.so"))
        raise GstUnavailableError(
            f"GStreamer's Python bindings in {found[0]} are built for another Python than this "
            f"{_VERSION} ({', '.join(builds) or 'no build there'})",
            hint="make the environment with the system's own Python: "
            "/usr/bin/python3 -m venv --system-site-packages .venv",
        )
    raise GstUnavailableError("GStreamer's Python bindings (gi) are not installed", hint=_REMEDY)


def load_alone(name: str, place: Path) -> Any:
    """Import one package from a folder whose other packages stay out of reach.

    Raises:
        GstUnavailableError: the package fails to load; nothing of it stays behind.
    """
    folder = place / name
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise GstUnavailableError(f"{folder} is no Python package", hint=_REMEDY)
    module = importlib.util.module_from_spec(spec)
    before = set(sys.modules)
    sys.modules[name] = module  # before it runs, as it imports its own parts
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # a package that loads libraries fails in all ways
        for added in set(sys.modules) - before:
            if added.split(".")[0] == name:
                del sys.modules[added]
        raise _broken(error) from error
    return module


def _broken(error: Exception) -> GstUnavailableError:
    return GstUnavailableError(
        f"GStreamer's Python bindings do not load: {type(error).__name__}: {error}", hint=_REMEDY
    )
