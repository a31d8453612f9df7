"""The layer that meets the kernel, on files of the kernel's own that need no camera."""

from __future__ import annotations

import errno
import mmap
import os

import pytest

from fusion_rt.sources.v4l2 import kernel
from fusion_rt.sources.v4l2.device import Device, Wake


@pytest.fixture
def pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    device = Device(str(path))
    yield device, path
    device.close()


def test_wait_ends_by_time_or_by_data(pipe):
    device, path = pipe
    assert device.wait(0) is Wake.TIMEOUT
    assert device.wait(0.01) is Wake.TIMEOUT
    assert device.wait(-1) is Wake.TIMEOUT
    with path.open("wb") as other:
        other.write(b"1")
        other.flush()
        assert device.wait(10) is Wake.READY


def test_a_request_that_is_not_understood_raises_what_the_kernel_says(pipe):
    device, _ = pipe
    with pytest.raises(OSError, match="Inappropriate ioctl") as caught:
        device.ioctl(kernel.VIDIOC_QUERYCAP, kernel.Capability())
    assert caught.value.errno == errno.ENOTTY


def test_memory_is_shared_and_read_only(tmp_path):
    path = tmp_path / "memory"
    path.write_bytes(bytes(mmap.PAGESIZE) + b"second page".ljust(mmap.PAGESIZE))
    device = Device(str(path))
    with device.map(mmap.PAGESIZE, mmap.PAGESIZE) as memory:
        assert memory[:11] == b"second page"
        with path.open("r+b") as other:
            other.seek(mmap.PAGESIZE)
            other.write(b"changed")
        assert memory[:7] == b"changed"
        with pytest.raises(TypeError, match="read"):
            memory[0] = 1
    device.close()


def test_a_missing_node_raises_what_the_kernel_says(tmp_path):
    with pytest.raises(FileNotFoundError):
        Device(str(tmp_path / "video0"))


def test_no_program_started_from_here_inherits_the_camera(tmp_path):
    path = tmp_path / "memory"
    path.touch()
    device = Device(str(path))
    assert not os.get_inheritable(device._fd)
    device.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(device._fd)
