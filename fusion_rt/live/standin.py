"""Black stand-ins for the frames of a camera that is not there."""

from __future__ import annotations

import numpy as np

from ..frame import Frame, FramePair, Sensor


class StandIns:
    """Makes a pair of one frame and a black one of the right size, which no one gets to see."""

    def __init__(self, ir_wh: tuple[int, int], vis_wh: tuple[int, int]) -> None:
        self._black = {
            Sensor.IR: np.zeros(ir_wh[::-1], np.uint8),
            Sensor.VIS: np.zeros((*vis_wh[::-1], 3), np.uint8),
        }

    def pair(self, sensor: Sensor, frame: Frame) -> FramePair:
        """The pair in which ``frame`` of camera ``sensor`` is shown alone."""
        other = Sensor.VIS if sensor is Sensor.IR else Sensor.IR
        stand_in = Frame(
            self._black[other], frame.captured_ns, -1, frame.begun_ns, frame.arrived_ns
        )
        frames = {sensor: frame, other: stand_in}
        return FramePair(frames[Sensor.IR], frames[Sensor.VIS], alone=sensor)
