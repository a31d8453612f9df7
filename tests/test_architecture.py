"""What may import what, and that the runtime needs neither torch nor a GPU package."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"fusion_rt", "engines", "calibration", "trainer"}
ALLOWED = {
    "fusion_rt": {"engines", "calibration"},
    "engines": set(),
    "calibration": set(),
    "trainer": {"engines"},
}
# The command line puts everything together; what needs torch is imported when a command runs.
COMMANDS = {
    *(ROOT / "fusion_rt").glob("cli*.py"),
    *(ROOT / "fusion_rt" / "commands").glob("*.py"),
}
GPU_AND_TRAINING = ("torch", "tensorrt", "tensorrt_rtx", "pycuda", "cuda")


def imported_modules(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize("package", sorted(OURS))
def test_imports_go_one_way(package):
    for path in (ROOT / package).rglob("*.py"):
        ours = {name for name in imported_modules(path) if name.split(".")[0] in OURS - {package}}
        allowed = ALLOWED[package] | ({"trainer"} if path in COMMANDS else set())
        assert {name.split(".")[0] for name in ours} <= allowed, path
        if package == "trainer":
            assert ours <= {"engines.contract"}, path


def runtime_modules() -> list[str]:
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for package in ("fusion_rt", "engines", "calibration")
        for path in sorted((ROOT / package).rglob("*.py"))
        if path.name != "__main__.py"
    ]


def test_every_runtime_module_loads_without_torch_and_gpu_packages():
    code = (
        "import importlib, sys\n"
        f"sys.modules.update(dict.fromkeys({GPU_AND_TRAINING!r}))\n"
        f"for name in {runtime_modules()!r}:\n"
        "    importlib.import_module(name)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_help_loads_no_heavy_package():
    code = (
        "import sys\nfrom fusion_rt import cli\n"
        "heavy = {'cv2', 'av', 'numpy', 'openvino', 'onnxruntime', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
