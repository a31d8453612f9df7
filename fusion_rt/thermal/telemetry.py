"""What cameras write into extra rows of their picture, as 16-bit words.

Only what public documents or drivers state is read; the source stands with each reader.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Literal

import numpy as np

from ..radiometry import Radiometry

ParserName = Literal["lepton", "boson", "seek-compact", "seek-compact-pro"]


class Calibration(Enum):
    """What the camera says about its flat-field correction (FFC), during which it shows nothing."""

    NEVER = "never"
    IMMINENT = "imminent"
    RUNNING = "running"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What one frame's rows say; None where the camera does not tell.

    Attributes:
        calibration: see `Calibration`.
        calibration_wanted: whether the camera asks for a flat-field correction.
        frame_counter: counts pictures, also those that are not sent.
        uptime_ms: since the camera was switched on.
        sensor_celsius: temperature of the sensor (FPA) in °C.
        housing_celsius: temperature of the housing in °C.
        is_picture: False where the camera sends something else in place of a picture, for instance
            its shutter; such a frame is left out.
        tells_radiometry: whether ``radiometry`` is the camera's own word.
        radiometry: what the counts mean; None where they are no temperatures.
    """

    calibration: Calibration | None = None
    calibration_wanted: bool | None = None
    frame_counter: int | None = None
    uptime_ms: int | None = None
    sensor_celsius: float | None = None
    housing_celsius: float | None = None
    is_picture: bool = True
    tells_radiometry: bool = False
    radiometry: Radiometry | None = None


_STATES = (Calibration.NEVER, Calibration.IMMINENT, Calibration.RUNNING, Calibration.DONE)
# Telemetry revision 8 knows no imminent state.
_STATES_OF_REVISION_8 = (Calibration.NEVER, Calibration.RUNNING, Calibration.DONE, Calibration.DONE)

_LEPTON_ROW = 80
_LEPTON_ROW_C = 2 * _LEPTON_ROW


def read_lepton(words: np.ndarray) -> Telemetry | None:
    """Rows A, B and C of a Lepton, 80 words each; a 160 px wide picture holds two in one row.

    Row A: time counter in ms (words 1, 2), status bits (3, 4: bit 3 FFC desired, bits 4 and 5 FFC
    state), frame counter (20, 21), sensor and housing temperature in 0.01 K (24, 26). Row C:
    whether TLinear is on (48) and its resolution (49: 0 for 0.1 K, 1 for 0.01 K). Of a 32-bit
    value the low word comes first.

    Args:
        words: (N,) uint16, at least 80 of them.

    Returns:
        None where the rows hold something else, for instance pixels or nothing yet.

    Source: FLIR Lepton Engineering Datasheet, 500-0659-00-09 Rev. 203, section 3.4 with table 3.
    Order of the words and offsets of row A also in the drivers tCam (danjulio/lepton), leptonic,
    TheCacophonyProject/lepton3 and Elphel's imagej-elphel; the states of telemetry revision 8 in
    periph.io.
    """
    revision, sensor_kelvin = int(words[0]), int(words[24]) / 100
    if not (0 < revision < 0x1000 and _plausible(sensor_kelvin)):
        return None
    status = _low_first(words, 3)
    states = _STATES_OF_REVISION_8 if revision == 8 else _STATES
    tells_radiometry = words.size >= _LEPTON_ROW_C + _LEPTON_ROW
    linear = tells_radiometry and bool(words[_LEPTON_ROW_C + 48])
    fine = tells_radiometry and bool(words[_LEPTON_ROW_C + 49])
    return Telemetry(
        calibration=states[(status >> 4) & 0b11],
        calibration_wanted=bool(status & 0b1000),
        frame_counter=_low_first(words, 20),
        uptime_ms=_low_first(words, 1),
        sensor_celsius=sensor_kelvin - 273.15,
        housing_celsius=int(words[26]) / 100 - 273.15,
        tells_radiometry=tells_radiometry,
        radiometry=Radiometry(0.01 if fine else 0.1) if linear else None,
    )


def read_boson(words: np.ndarray) -> Telemetry | None:
    """The telemetry line of a Boson, in 16-bit packing.

    Status (word 38: bits 0 and 1 FFC state, bit 5 FFC desired), frame counter (words 42, 43),
    camera temperature in 0.1 K (47), time stamp in ms (140, 141). Of a 32-bit value the high word
    comes first.

    Args:
        words: (N,) uint16, at least 142 of them.

    Returns:
        None where the line holds something else, as in the first frames after the start.

    Source: frame counter, temperature and status field in Elphel's Boson640Telemetry.java (bytes
    84, 94 and 76); frame counter and time stamp also in programs built on flirpy and in
    belivan/flir_stereo; the bits of the status in a ROS 2 node (boson_splitter) that cites FLIR's
    interface description. No line of a real camera was at hand to check the status bits.
    """
    revision, camera_kelvin = int(words[0]), int(words[47]) / 10
    # A small number in either byte: which of them comes first differs between the sources.
    is_revision = revision and revision >> 8 < 16 and revision & 0xFF < 16
    if not (is_revision and _plausible(camera_kelvin)):
        return None
    status = int(words[38])
    return Telemetry(
        calibration=_STATES[status & 0b11],
        calibration_wanted=bool(status & 0b100000),
        frame_counter=_high_first(words, 42),
        uptime_ms=_high_first(words, 140),
        housing_celsius=camera_kelvin - 273.15,
    )


def read_seek_compact(words: np.ndarray) -> Telemetry:
    """First row of a Seek Compact: frame type in word 10, frame counter in word 40.

    Args:
        words: (N,) uint16, at least 41 of them.

    Source: OpenThermal/libseek-thermal; types also in openseekthermal (StefanFabian).
    """
    return _seek(int(words[10]), int(words[40]))


def read_seek_compact_pro(words: np.ndarray) -> Telemetry:
    """First row of a Seek CompactPRO: frame type in word 2, frame counter in word 1.

    Args:
        words: (N,) uint16, at least 3 of them.

    Source: as `read_seek_compact`.
    """
    return _seek(int(words[2]), int(words[1]))


READERS: dict[ParserName, Callable[[np.ndarray], Telemetry | None]] = {
    "lepton": read_lepton,
    "boson": read_boson,
    "seek-compact": read_seek_compact,
    "seek-compact-pro": read_seek_compact_pro,
}


def _seek(frame_type: int, frame_counter: int) -> Telemetry:
    """Type 3 is a picture, 1 the shutter, others come before and after it or at the start."""
    is_picture = frame_type == 3
    return Telemetry(
        calibration=Calibration.DONE if is_picture else Calibration.RUNNING,
        frame_counter=frame_counter,
        is_picture=is_picture,
    )


def _plausible(kelvin: float) -> bool:
    """Whether a camera can be that warm."""
    return 200 < kelvin < 400


def _low_first(words: np.ndarray, index: int) -> int:
    return int(words[index]) | int(words[index + 1]) << 16


def _high_first(words: np.ndarray, index: int) -> int:
    return int(words[index]) << 16 | int(words[index + 1])
