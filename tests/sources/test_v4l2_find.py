"""From names to nodes, on a file system made for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fake_v4l2 import FakeSystem

from fusion_rt.errors import SourceError
from fusion_rt.sources.live import CameraLostError
from fusion_rt.sources.v4l2.find import find_node
from fusion_rt.sources.v4l2.nodes import Roots, usb_devices, video_nodes


@pytest.fixture
def system(tmp_path):
    """A Boson, a webcam with a node for metadata, its twin, a ribbon sensor."""
    system = FakeSystem(tmp_path)
    boson = system.usb("1-2", "09CB:4007", manufacturer="FLIR", product="Boson", serial="B77")
    webcam = system.usb("1-3", "046d:0825", product="C270", serial="W1", speed="480")
    twin = system.usb("1-4.1", "046d:0825", product="C270", serial="W1")
    system.node(
        0,
        "C270",
        webcam,
        by_id="usb-046d_C270_W1-video-index0",
        by_path="pci-0:14.0-usb-0:3:1.0-video-index0",
    )
    system.node(1, "C270", webcam, by_id="usb-046d_C270_W1-video-index1")
    system.node(2, "Boson: FLIR Video", boson, by_id="usb-FLIR_Boson_B77-video-index0")
    system.node(10, "C270", twin, by_path="pci-0:14.0-usb-0:4.1:1.0-video-index0")
    system.node(3, "vi-output, imx219")
    return system


@pytest.fixture
def nodes(system):
    return video_nodes(system.roots)


def captures(path: str) -> bool | None:
    return not path.endswith("video1")


def test_nodes_are_read_in_order_of_number(nodes):
    assert [node.path.rpartition("/")[2] for node in nodes] == [
        "video0",
        "video1",
        "video2",
        "video3",
        "video10",
    ]
    webcam, _, boson, sensor, twin = nodes
    assert boson.usb.ids == "09cb:4007"
    assert (boson.usb.maker, boson.usb.model, boson.usb.serial) == ("FLIR", "Boson", "B77")
    assert (webcam.usb.mbps, webcam.usb.port, boson.usb.mbps) == (480, "1-3", None)
    assert sensor.usb is None
    assert twin.usb.port == "1-4.1"
    assert webcam.lasting_name == "usb-046d_C270_W1-video-index0"
    assert twin.lasting_name == "pci-0:14.0-usb-0:4.1:1.0-video-index0"
    assert sensor.lasting_name == sensor.path
    assert replace(boson, by_id=()).lasting_name == "serial=B77"


def test_usb_devices_are_listed_without_their_interfaces(system):
    assert [device.ids for device in usb_devices(system.roots)] == [
        "09cb:4007",
        "046d:0825",
        "046d:0825",
    ]


@pytest.mark.parametrize(
    ("what", "found"),
    [
        pytest.param("{dev}/video2", "video2", id="path"),
        pytest.param("{dev}/v4l/by-id/usb-FLIR_Boson_B77-video-index0", "video2", id="link"),
        pytest.param("usb-FLIR_Boson_B77-video-index0", "video2", id="by-id"),
        pytest.param("FLIR_Boson", "video2", id="part-of-by-id"),
        pytest.param("usb-0:4.1:", "video10", id="part-of-by-path"),
        pytest.param("usb-046d_C270_W1-video-index1", "video1", id="whole-name-even-of-metadata"),
        pytest.param("usb-046d_C270", "video0", id="metadata-node-does-not-count"),
        pytest.param("serial=B77", "video2", id="serial"),
    ],
)
def test_one_node_is_meant(system, nodes, what, found):
    node = find_node(what.format(dev=system.roots.dev), nodes, captures)
    assert node.path == str(system.roots.dev / found)


def test_a_shared_serial_number_is_told_with_names_that_differ(nodes):
    with pytest.raises(SourceError, match="2 cameras have serial number W1") as caught:
        find_node("serial=W1", nodes, captures)
    assert not isinstance(caught.value, CameraLostError)
    assert "usb-0:3:1.0" in str(caught.value)
    assert "usb-0:4.1:1.0" in str(caught.value)


@pytest.mark.parametrize("what", ["serial=none", "usb-nothing", "/dev/video987"])
def test_a_missing_camera_is_lost_and_the_others_are_named(nodes, what):
    with pytest.raises(CameraLostError) as caught:
        find_node(what, nodes, captures)
    assert "Boson: FLIR Video" in caught.value.hint
    assert "serial=B77" in caught.value.hint
    assert "index1" not in caught.value.hint  # the node for metadata


def test_no_camera_at_all(tmp_path):
    nodes = video_nodes(FakeSystem(tmp_path).roots)
    with pytest.raises(CameraLostError) as caught:
        find_node("serial=1", nodes, captures)
    assert "no camera at all" in caught.value.hint


def test_a_node_that_cannot_be_asked_still_counts(nodes):
    node = find_node("FLIR", nodes, lambda path: None)
    assert node.name == "Boson: FLIR Video"
    with pytest.raises(SourceError, match="2 cameras"):
        find_node("C270_W1", nodes, lambda path: None)


def test_a_system_without_sysfs_still_has_its_nodes(tmp_path):
    (tmp_path / "dev").mkdir()
    for name in ("video4", "videotape", "video"):
        (tmp_path / "dev" / name).touch()
    (node,) = video_nodes(Roots(tmp_path))
    assert (node.name, node.usb, node.words) == ("", None, str(tmp_path / "dev/video4"))
