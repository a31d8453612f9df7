# Two commands are enough: `make demo` and `make test`. Both set up $(VENV) once and reuse it.
VENV ?= .venv
PYTHON ?= python3
PIP = $(VENV)/bin/python -m pip --disable-pip-version-check
# pycuda looks for headers beside nvcc, which elsewhere on the PATH may be a link.
CUDA_PATH = /usr/local/cuda/bin:$$PATH
PACKAGING = setup.cfg pyproject.toml constraints.txt

.PHONY: demo test lint models live-deps gpu-test gpu-bench gpu-here clean
.DELETE_ON_ERROR:

demo: $(VENV)/.runtime
	$(VENV)/bin/fusion-rt demo --out out/demo

test: lint
	$(VENV)/bin/python -m pytest

lint: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# Writes engines/models/*.onnx anew from the checkpoints in trainer/weights.
models: $(VENV)/.dev
	$(VENV)/bin/python -m trainer.shipped

# GStreamer and its RTSP server, on Debian and Ubuntu: for the quickest network cameras, and for the
# tests that run against a real server, which are skipped without it.
live-deps:
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends python3-gi python3-gst-1.0 \
		gir1.2-gst-rtsp-server-1.0 gir1.2-gst-plugins-base-1.0 gstreamer1.0-plugins-base \
		gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly \
		gstreamer1.0-rtsp gstreamer1.0-libav

# Both need an NVIDIA GPU, its driver, and the CUDA toolkit, as pycuda is compiled on the spot.
gpu-test: gpu-here $(VENV)/.gpu
	$(VENV)/bin/python -m pytest tests/gpu -m gpu -rs

gpu-bench: gpu-here $(VENV)/.gpu
	$(VENV)/bin/python benchmarks/gpu_speed.py --out out/gpu_speed

gpu-here:
	@$(PYTHON) -c 'import ctypes; ctypes.CDLL("libcuda.so.1")' 2> /dev/null || \
		{ echo "no NVIDIA driver is installed: this target needs a GPU"; exit 1; }
	@PATH="$(CUDA_PATH)" command -v nvcc > /dev/null || { echo "no nvcc on the PATH: pycuda is" \
		"compiled with the CUDA toolkit; try: PATH=.../cuda/bin:\$$PATH make $(MAKECMDGOALS)"; exit 1; }

clean:
	rm -rf build dist out/demo *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "fusion-rt needs Python 3.10 or newer; name one: make PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# The runtime alone: no torch, no GPU packages.
$(VENV)/.runtime: $(PACKAGING) | $(VENV)/bin/python
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

# Everything that the tests touch: the runtime, the trainer and the development tools.
$(VENV)/.dev: $(PACKAGING) | $(VENV)/bin/python
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev,train]'
	@touch $@ $(VENV)/.runtime

# TensorRT and pycuda on top of that; gigabytes.
$(VENV)/.gpu: $(VENV)/.dev
	PATH="$(CUDA_PATH)" $(PIP) install --constraint constraints.txt --editable '.[tensorrt]'
	@touch $@
