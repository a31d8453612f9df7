"""The commands under "Try it in a minute" in docs/training.md, on fewer pictures and steps."""

from __future__ import annotations

import shlex
from pathlib import Path

from typer.testing import CliRunner

from fusion_rt.cli import app

ROOT = Path(__file__).parents[2]
SHORTER = {
    "seconds=1&": "seconds=0.1&",
    "steps=30": "steps=2",
    "warm_up_steps=5": "warm_up_steps=1",
    "configs/": f"{ROOT}/configs/",
}


def commands() -> list[list[str]]:
    """Arguments of ``fusion-rt``, a list for each line."""
    text = (ROOT / "docs" / "training.md").read_text()
    block = text.partition("## Try it in a minute")[2].split("```")[1]
    for old, new in SHORTER.items():
        assert old in block
        block = block.replace(old, new)
    install, scene, *lines = block.strip().splitlines()
    assert install.startswith("pip install")
    (value,) = shlex.split(scene.removeprefix("SCENE="))
    words = [shlex.split(line.replace("$SCENE", value)) for line in lines]
    assert all(name == "fusion-rt" for name, *_ in words)
    return [arguments for _, *arguments in words]


def test_quick_start_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for arguments in commands():
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, f"{arguments}\n{done.output}"
        assert "note: warm_up" not in done.stderr
    pairs = sorted(path.name for path in (tmp_path / "out" / "pairs" / "ir").iterdir())
    assert pairs == sorted(path.name for path in (tmp_path / "out" / "try" / "fused").iterdir())
    assert (tmp_path / "out" / "try" / "report.md").is_file()
