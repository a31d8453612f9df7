"""Everything that a GPU is needed for, in one go, on a machine that may have nothing but Python.

Looks what is there, installs from a folder where told so, tries each TensorRT, runs the tests on
the GPU and the short benchmark. Every step is bounded in time and none stops the next one. Needs
no package itself. Writes ``summary.md`` and ``log.txt`` and the benchmark's report into a folder.

A machine without network: bring wheels and source archives in a folder, --packages FOLDER. Another
TensorRT than the installed one: unpack it with pip install --target FOLDER, --tensorrt NAME=FOLDER.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
FLAVOURS = ("tensorrt", "tensorrt-rtx")
STEPS = ("machine", "install", "probe", "tests", "bench")
_NOT_INSTALLED = 3  # as gpu_probe.py ends
_PACKAGES = (
    *("tensorrt", "tensorrt-rtx", "pycuda", "cuda-bindings", "numpy", "opencv-python", "onnx"),
    *("opencv-python-headless", "onnxruntime", "openvino", "torch", "pydantic", "av", "pytest"),
)


@dataclass(frozen=True)
class Step:
    """A command to run.

    Attributes:
        name: for the summary.
        command: to run in the root of the project.
        limit_s: after which it is ended.
        paths: to put before PYTHONPATH.
        home: folder to take for the user's own; None for that itself.
    """

    name: str
    command: Sequence[str]
    limit_s: float
    paths: Sequence[Path] = field(default=())
    home: Path | None = None


@dataclass(frozen=True)
class Result:
    """How a step ended: "OK", "failed" or "skipped", and its last words."""

    name: str
    verdict: str
    seconds: float
    words: str


def judged(name: str, code: int, output: str) -> tuple[str, str]:
    """Verdict and last words of a command that ended by itself."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    words = lines[-1] if lines else "said nothing"
    if code:  # a hint may follow what went wrong
        words = next((line for line in reversed(lines) if line.startswith("error:")), words)
    if name.startswith("probe") and code == _NOT_INSTALLED:
        return "skipped", words
    if code < 0:
        return "failed", f"ended by {signal.Signals(-code).name}; last words: {words}"
    if code == 0 and name == "tests" and " passed" not in words:
        return "skipped", words  # all tests have skipped themselves
    return ("OK" if code == 0 else "failed"), words


def run_step(step: Step, environment: Mapping[str, str], left_s: float, log: Path) -> Result:
    """Run it, append what it says to the log."""
    limit_s = min(step.limit_s, left_s)
    if limit_s <= 0:
        return Result(step.name, "skipped", 0.0, "no time was left")
    paths = [*map(str, step.paths), environment.get("PYTHONPATH", "")]
    here = {**environment, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    if step.home is not None:
        here["HOME"] = str(step.home)
    begun = time.monotonic()
    with log.open("ab+") as file:
        file.write(f"\n===== {step.name}: {' '.join(step.command)}\n".encode())
        file.flush()
        start = file.tell()
        # A session of its own, so that whatever it starts ends with it.
        process = subprocess.Popen(
            step.command,
            cwd=ROOT,
            env=here,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(limit_s)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            end_group(process)
        file.seek(start)
        output = file.read().decode(errors="replace")
    seconds = time.monotonic() - begun
    if code is None:
        words = judged(step.name, 0, output)[1]
        verdict, words = "failed", f"took longer than {limit_s:.0f} s; last words: {words}"
    else:
        verdict, words = judged(step.name, code, output)
    return Result(step.name, verdict, seconds, words)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a step and all that it started and left running."""
    with suppress(ProcessLookupError):  # all of it has ended by itself
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def machine_report() -> str:
    """What is there, as a small program that prints it: the packages are seen as the steps will."""
    names = repr(_PACKAGES)
    return (
        "import sys, platform\n"
        "from importlib import metadata\n"
        "print('Python', sys.version.split()[0], platform.machine(), platform.platform())\n"
        f"for name in {names}:\n"
        "    try:\n"
        "        print(name, metadata.version(name))\n"
        "    except metadata.PackageNotFoundError:\n"
        "        print(name, 'is not installed')\n"
    )


def pycuda_home(site: Path) -> Path:
    """A home folder with pycuda's build settings: without cuRAND, whose headers may be missing."""
    home = site.parent / "home"
    home.mkdir(exist_ok=True)
    (home / ".aksetup-defaults.py").write_text("CUDA_ENABLE_CURAND = False\n", encoding="utf-8")
    return home


def steps_of(args: argparse.Namespace, site: Path) -> list[Step]:
    """What is to be run, in order."""
    python = sys.executable
    found: list[Step] = []
    if "machine" in args.steps:
        found.append(Step("packages", (python, "-c", machine_report()), 60))
        for name, command in (
            ("driver", ("nvidia-smi",)),
            ("toolkit", ("nvcc", "--version")),
        ):
            found.append(Step(name, command, 60))
    if args.packages and "install" in args.steps:
        files = sorted(str(path) for path in args.packages.iterdir() if path.is_file())
        pip = (python, "-m", "pip", "install", "--no-index", "--no-deps", "--no-build-isolation")
        install = (*pip, "--target", str(site), *files)
        found.append(Step("install", install, 420, home=pycuda_home(site)))
    if "probe" in args.steps:
        probe = str(HERE / "gpu_probe.py")
        for name in FLAVOURS:
            found.append(Step(f"probe {name}", (python, probe, name), args.probe_limit))
        for name, folder in args.tensorrt:
            title = f"probe {name} in {folder.name}"
            found.append(Step(title, (python, probe, name), args.probe_limit, (folder,)))
    if "tests" in args.steps:
        pytest = (python, "-m", "pytest", "-m", "gpu", "-p", "no:cacheprovider", "tests/gpu")
        found.append(Step("tests", pytest, 900))
    if "bench" in args.steps:
        bench = (python, str(HERE / "gpu_speed.py"), "--out", str(args.out / "speed"))
        more = () if args.full else ("--quick",)
        found.append(Step("bench", (*bench, *more), 7200 if args.full else 900))
    return found


def summary(results: Sequence[Result]) -> str:
    """A table for people."""
    lines = ["| step | verdict | s | last words |", "| --- | --- | --- | --- |"]
    for result in results:
        words = result.words.replace("|", "/")
        lines.append(f"| {result.name} | {result.verdict} | {result.seconds:.0f} | {words} |")
    counts = {
        verdict: sum(r.verdict == verdict for r in results)
        for verdict in ("OK", "failed", "skipped")
    }
    closing = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    return "\n".join([f"# GPU check on {platform.node()}", "", *lines, "", closing, ""])


def other_tensorrt(text: str) -> tuple[str, Path]:
    """NAME=FOLDER."""
    name, _, folder = text.partition("=")
    if name not in FLAVOURS or not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(
            f"'{text}' is not NAME=FOLDER with {' or '.join(FLAVOURS)} and a folder that is there"
        )
    return name, Path(folder).resolve()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path, metavar="FOLDER", help="takes all that is written")
    parser.add_argument("--packages", type=Path, metavar="FOLDER", help="install what lies there")
    parser.add_argument("--tensorrt", type=other_tensorrt, action="append", default=[])
    parser.add_argument("--steps", default=",".join(STEPS), help=f"of {','.join(STEPS)}")
    parser.add_argument("--full", action="store_true", help="the whole benchmark, half an hour")
    parser.add_argument("--minutes", type=float, default=600.0, help="for all steps together")
    parser.add_argument("--probe-limit", type=float, default=300.0, help="seconds for one of them")
    args = parser.parse_args()
    args.steps = args.steps.split(",")
    unknown = sorted(set(args.steps) - set(STEPS))
    if unknown:
        parser.error(f"no such step: {', '.join(unknown)}")
    args.out = args.out.resolve()
    return args


def main() -> int:
    args = arguments()
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gpu-check-") as folder:
        results = run_steps(args, Path(folder, "site"))
    print(summary(results))
    return int(any(result.verdict == "failed" for result in results))


def run_steps(args: argparse.Namespace, site: Path) -> list[Result]:
    """Run all of them; the summary on disk is up to date after each.

    Args:
        args: of the command line.
        site: folder for packages, not there yet.
    """
    log = args.out / "log.txt"
    log.unlink(missing_ok=True)
    paths = (str(ROOT), str(site), os.environ.get("PYTHONPATH", ""))
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "PYTHONUNBUFFERED": "1",
        # pycuda looks for headers beside nvcc, which elsewhere on the PATH may be a link.
        "PATH": os.pathsep.join(("/usr/local/cuda/bin", os.environ.get("PATH", ""))),
    }
    ends = time.monotonic() + 60 * args.minutes
    results: list[Result] = []
    for step in steps_of(args, site):
        print(f"{step.name} ...", flush=True)
        if shutil.which(step.command[0]) is None:
            result = Result(step.name, "skipped", 0.0, f"there is no {step.command[0]}")
        else:
            result = run_step(step, environment, ends - time.monotonic(), log)
        results.append(result)
        print(f"    {result.verdict} after {result.seconds:.0f} s: {result.words}", flush=True)
        (args.out / "summary.md").write_text(summary(results), encoding="utf-8")
    return results


if __name__ == "__main__":
    sys.exit(main())
