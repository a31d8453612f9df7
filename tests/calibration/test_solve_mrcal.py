"""mrcal, an independent solver, comes to the same geometry."""

from __future__ import annotations

import ast
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from calibration.camera import Camera
from calibration.rig import CameraPair
from calibration.solve import Options, Scene, registration_error, simulate, solve_rig
from calibration.solve.model import FLAT, rotation, transform
from calibration.views import PairView

TOOL = "mrcal-calibrate-cameras"
SIZES = {"ir": (640, 512), "vis": (1280, 1024)}


@pytest.mark.skipif(shutil.which(TOOL) is None, reason="mrcal is not installed")
@pytest.mark.parametrize("bow_m", [FLAT, (0.0015, 0.0015, 0.0)], ids=["flat", "bowed"])
def test_mrcal_agrees(tmp_path, bow_m):
    scene = Scene.standard(bow_m=bow_m)
    views = simulate(scene, 30, seed=0)
    theirs = _mrcal(tmp_path, views, scene)
    lean = Options(distortion_ir=4, distortion_vis=4)
    ours = solve_rig(views, scene.board, SIZES["ir"], SIZES["vis"], lean).pair
    for distance_m in (1.0, 2.0, 5.0, 20.0, 200.0):
        assert registration_error(ours, theirs, distance_m) <= 0.1


def _mrcal(folder: Path, views: list[PairView], scene: Scene) -> CameraPair:
    lines = ["# filename x y level"]
    for which, (width, height) in SIZES.items():
        for at, view in enumerate(views):
            name = f"{which}-{at:02d}.png"
            cv2.imwrite(str(folder / name), np.zeros((height, width), np.uint8))
            lines += [f"{name} {x:.6f} {y:.6f} 0" for x, y in getattr(view, which)]
    (folder / "corners.vnl").write_text("\n".join(lines) + "\n")
    board = scene.board
    asked = ["--corners-cache", "corners.vnl", "--lensmodel", "LENSMODEL_OPENCV4"]
    asked += ["--focal", "1000", "--object-spacing", str(board.spacing_m)]
    asked += ["--object-width-n", str(board.columns), "--object-height-n", str(board.rows)]
    done = subprocess.run(
        [TOOL, *asked, "ir-*.png", "vis-*.png"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    cameras, poses = [], []
    for at, size_wh in enumerate(SIZES.values()):
        text = (folder / f"camera-{at}.cameramodel").read_text()
        plain = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
        model = ast.literal_eval(plain)
        fx, fy, cx, cy, *dist = model["intrinsics"]
        K = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
        cameras.append(Camera(size_wh, K, np.array(dist)))
        turn, shift = np.array(model["extrinsics"][:3]), np.array(model["extrinsics"][3:])
        poses.append(transform(rotation(turn), shift))
    return CameraPair(cameras[0], cameras[1], poses[1] @ np.linalg.inv(poses[0]))
