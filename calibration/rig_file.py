"""The rig file: how the two cameras of one rig see each other.

A YAML file that people can read and write. The small form, a homography::

    rig: 2                      # version of this format
    ir:  {size: [640, 512]}     # width, height in px
    vis: {size: [1280, 720]}
    H_vis_ir:                   # infrared px to visible px; or the word identity
      - [2.1, 0.0, 33.0]
      - [0.0, 2.1, -140.0]
      - [0.0, 0.0, 1.0]
    distance_m: 5.0             # optional: where it is right; .inf for far away

and the full one, both cameras calibrated::

    rig: 2
    ir:
      size: [640, 512]
      K: [[770, 0, 319.5], [0, 770, 255.5], [0, 0, 1]]
      dist: [-0.3, 0.1, 0, 0]   # k1 k2 p1 p2, with k3, or with k3 to k6
    vis: {size: ..., K: ..., dist: ...}
    T_vis_ir:                   # infrared frame to visible frame: rotation | metres
      - [1, 0, 0, -0.05]
      - [0, 1, 0, 0]
      - [0, 0, 1, 0]
    distance_m: 5.0             # optional: what the pictures match at unless told otherwise

Both may say ``ir_offset_ms``, how far the infrared clock is ahead of the visible one, and under
``quality`` and ``made`` how good the geometry is and where it comes from. Pixel centres lie at
whole numbers; the homography is homogeneous and may have any scale. Version 1 knew the small form
alone.
"""

from __future__ import annotations

import difflib
import math
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from .camera import DISTORTION_NUMBERS, Camera
from .errors import RigError
from .rig import CameraPair, Rig, stretch

VERSION = 2
_FACTS = ("quality", "made")
_KEYS = ("rig", "ir", "vis", "H_vis_ir", "T_vis_ir", "distance_m", "ir_offset_ms", *_FACTS)
_CAMERA_KEYS = ("size", "K", "dist")
_MAX_SIDE = 16384
# Rotations written with 9 digits are orthogonal to less than this.
_ORTHOGONAL = 1e-5


def load_rig(path: Path) -> Rig:
    """Read and check a rig file.

    Raises:
        RigError: missing, unreadable, empty or not YAML; an unknown or missing key; a value that
            cannot be.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RigError(
            f"cannot read rig file {path}: {error.strerror}",
            hint="check --rig, or rig in the configuration; the README shows what such a file says",
        ) from error
    except UnicodeDecodeError as error:
        raise RigError(f"{path} is not a text file", hint=_example_hint()) from error
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        line = " ".join(str(error).split())
        raise RigError(f"{path} is not YAML: {line}", hint=_example_hint()) from error
    if data is None:
        raise RigError(f"{path} is empty", hint=_example_hint())
    return parse_rig(data, str(path))


def parse_rig(data: Any, where: str) -> Rig:
    """Check plain data as read from a rig file; ``where`` names it in errors.

    Raises:
        RigError: see `load_rig`.
    """
    if not isinstance(data, dict):
        raise RigError(f"{where} holds no keys, but {type(data).__name__}", hint=_example_hint())
    _check_keys(data, _KEYS, where)
    for key in ("rig", "ir", "vis"):
        if data.get(key) is None:
            raise RigError(f"{where}: '{key}' is missing", hint=_example_hint())
    if data["rig"] not in (1, VERSION):
        raise RigError(
            f"{where}: rig format {data['rig']!r} is unknown",
            hint=f"this version reads 1 and {VERSION}",
        )
    if data.get("H_vis_ir") is not None and data.get("T_vis_ir") is not None:
        raise RigError(
            f"{where}: has both H_vis_ir and T_vis_ir",
            hint="keep T_vis_ir where both cameras are calibrated, else H_vis_ir",
        )
    common: dict[str, Any] = {
        "distance_m": _distance(data.get("distance_m"), where),
        "ir_offset_ms": _number(data.get("ir_offset_ms"), "ir_offset_ms", where),
        "facts": {key: data[key] for key in _FACTS if data.get(key) is not None},
    }
    if data.get("T_vis_ir") is not None:
        ir, vis = (_camera(data[name], name, where) for name in ("ir", "vis"))
        pair = CameraPair(ir, vis, _transform(data["T_vis_ir"], where))
        return Rig(ir.size_wh, vis.size_wh, None, pair, **common)
    if data.get("H_vis_ir") is None:
        raise RigError(f"{where}: 'H_vis_ir' is missing", hint=_example_hint())
    ir_wh, vis_wh = (_size(data[name], name, where) for name in ("ir", "vis"))
    return Rig(ir_wh, vis_wh, _homography(data["H_vis_ir"], ir_wh, vis_wh, where), **common)


def rig_text(rig: Rig) -> str:
    """The rig as the text of a rig file."""
    lines = [f"rig: {VERSION}"]
    if rig.pair is None:
        assert rig.H_vis_ir is not None
        lines += [f"ir:  {{size: {_list(rig.ir_wh)}}}", f"vis: {{size: {_list(rig.vis_wh)}}}"]
        lines += ["H_vis_ir:  # infrared px to visible px", *_rows(rig.H_vis_ir)]
    else:
        for name, camera in (("ir", rig.pair.ir), ("vis", rig.pair.vis)):
            lines += [f"{name}:", f"  size: {_list(camera.size_wh)}"]
            lines += [f"  K: [{', '.join(_list(row) for row in camera.K)}]"]
            lines += [f"  dist: {_list(camera.dist)}"]
        lines += ["T_vis_ir:  # infrared frame to visible frame: rotation | metres"]
        lines += _rows(rig.pair.T_vis_ir[:3])
    if rig.distance_m is not None:
        far = math.isinf(rig.distance_m)
        lines += [f"distance_m: {'.inf' if far else format(rig.distance_m, 'g')}"]
    if rig.ir_offset_ms is not None:
        lines += [f"ir_offset_ms: {rig.ir_offset_ms:g}"]
    text = "\n".join(lines) + "\n"
    if rig.facts:
        text += yaml.safe_dump(dict(rig.facts), sort_keys=False, allow_unicode=True, width=100)
    return text


def _check_keys(data: dict[Any, Any], known: tuple[str, ...], where: str) -> None:
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.0)[0]
            raise RigError(f"{where}: unknown key '{key}'", hint=f"did you mean '{near}'?")


def _size(camera: Any, name: str, where: str) -> tuple[int, int]:
    size = camera.get("size") if isinstance(camera, dict) else None
    if (
        not isinstance(size, list)
        or len(size) != 2
        or not all(isinstance(side, int) and 1 <= side <= _MAX_SIDE for side in size)
    ):
        raise RigError(
            f"{where}: '{name}' must be {{size: [width, height]}} in px, not {camera!r}",
            hint=_example_hint(),
        )
    _check_keys(camera, _CAMERA_KEYS, f"{where}: {name}")
    return size[0], size[1]


def _camera(data: Any, name: str, where: str) -> Camera:
    size_wh = _size(data, name, where)
    K = _array(data.get("K"))
    dist = _array(data.get("dist"))
    if K.shape != (3, 3) or not np.isfinite(K).all():
        raise RigError(
            f"{where}: {name}.K must be 3 rows of 3 numbers",
            hint="with T_vis_ir both cameras need size, K and dist",
        )
    if K[0, 0] <= 0 or K[1, 1] <= 0 or K[0, 1] or K[1, 0] or (K[2] != (0, 0, 1)).any():
        raise RigError(
            f"{where}: {name}.K is not a camera matrix",
            hint="it reads [[fx, 0, cx], [0, fy, cy], [0, 0, 1]], in px",
        )
    if dist.shape not in [(n,) for n in DISTORTION_NUMBERS] or not np.isfinite(dist).all():
        raise RigError(
            f"{where}: {name}.dist must be 4, 5 or 8 numbers",
            hint="k1 k2 p1 p2, with k3, or with k3 to k6; all 0 for a lens without distortion",
        )
    return Camera(size_wh, K, dist)


def _transform(rows: Any, where: str) -> np.ndarray:
    T = _array(rows)
    R = T[:3, :3] if T.shape == (3, 4) else np.zeros((3, 3))
    if (
        not np.isfinite(T).all()
        or np.abs(R @ R.T - np.eye(3)).max() > _ORTHOGONAL
        or np.linalg.det(R) < 0
    ):
        raise RigError(
            f"{where}: T_vis_ir must be 3 rows of 4 numbers: a rotation, and metres",
            hint="`fusion-rt calibrate solve` writes it",
        )
    return np.vstack([T, (0.0, 0.0, 0.0, 1.0)])


def _homography(
    rows: Any, ir_wh: tuple[int, int], vis_wh: tuple[int, int], where: str
) -> np.ndarray:
    if rows == "identity":
        if ir_wh != vis_wh:
            raise RigError(
                f"{where}: H_vis_ir is identity, but the sizes differ: infrared "
                f"{_x(ir_wh)}, visible {_x(vis_wh)}",
                hint=f"if both see the same field, write H_vis_ir: {stretch(ir_wh, vis_wh)}",
            )
        return np.eye(3)
    H = _array(rows)
    if H.shape != (3, 3):
        raise RigError(
            f"{where}: H_vis_ir must be identity or 3 rows of 3 numbers", hint=_example_hint()
        )
    if not np.isfinite(H).all():
        raise RigError(f"{where}: H_vis_ir holds NaN or infinity", hint="write finite numbers")
    if not H[2, 2]:
        raise _singular(where)
    H = H / H[2, 2]
    corners = np.array([[0, 0, 1], [ir_wh[0], 0, 1], [0, ir_wh[1], 1], [*ir_wh, 1]]).T
    depth = H[2] @ corners
    # The infrared picture must not touch the line that the homography sends to infinity.
    if (
        math.isclose(np.linalg.det(H), 0, abs_tol=1e-12)
        or not (depth * np.sign(depth[0]) > 0).all()
    ):
        raise _singular(where)
    return H


def _distance(value: Any, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise RigError(
            f"{where}: distance_m must be metres above 0, not {value!r}",
            hint="write .inf for far away, or leave it out",
        )
    return float(value)


def _number(value: Any, name: str, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise RigError(
            f"{where}: {name} must be a number, not {value!r}", hint="leave it out if unknown"
        )
    return float(value)


def _array(rows: Any) -> np.ndarray:
    try:
        return np.array(rows, np.float64)
    except (TypeError, ValueError):
        return np.empty(0)


def _singular(where: str) -> RigError:
    return RigError(
        f"{where}: H_vis_ir does not map the infrared picture onto a plane (singular)",
        hint="check its numbers, or write identity where the pictures lie on each other",
    )


def _rows(matrix: np.ndarray) -> list[str]:
    return [f"  - {_list(row)}" for row in matrix]


def _list(numbers: Any) -> str:
    return f"[{', '.join(f'{number:.10g}' for number in numbers)}]"


def _x(size_wh: tuple[int, int]) -> str:
    return f"{size_wh[0]}x{size_wh[1]}"


def _example_hint() -> str:
    return (
        "a rig file reads: rig: 2 / ir: {size: [640, 512]} / vis: {size: [1280, 720]} / "
        "H_vis_ir: 3 rows of 3 numbers, or identity"
    )
