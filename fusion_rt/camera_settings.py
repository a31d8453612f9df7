"""Settings of one live camera: where it is, and how it is to be read."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    field_serializer,
    field_validator,
    model_validator,
)

from .sources.uri import redacted

_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")


class CameraSettings(BaseModel):
    """One camera. In a configuration a plain string stands for its ``uri`` alone.

    A password in ``uri`` shows neither in `repr` nor in `model_dump`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    # Where it is; the grammar is in `fusion_rt.sources.uri`.
    uri: str = Field(min_length=1, repr=False)
    # What reads a network stream. auto: GStreamer where the system has it, else PyAV.
    library: Literal["auto", "pyav", "gstreamer"] = "auto"
    # How RTSP carries its packets: tcp loses none, udp waits for none.
    transport: Literal["tcp", "udp"] = "tcp"
    # A camera that is silent for so long counts as lost.
    timeout_s: float = Field(default=2.0, ge=0.2, le=60)
    # How long packets that came out of order are waited for; None: as the library has it.
    latency_ms: float | None = Field(default=None, ge=0, le=10_000)
    # Width x height and rate that a V4L2 or CSI camera is asked for; None: as it stands.
    size: str | None = None
    fps: float | None = Field(default=None, gt=0, le=1000)
    # Pixel format that a V4L2 camera is asked for, as its four letters: Y16, YUYV, MJPG.
    format: str | None = Field(default=None, min_length=3, max_length=4)
    # How a thermal camera packs its pictures: name of a known layout, or a YAML file.
    layout: str | None = None
    # By how much this camera's time stamps are late. Sources leave it alone: who runs the cameras
    # subtracts it from `Frame.captured_ns`, in one place for all kinds.
    offset_ms: float = Field(default=0.0, ge=-60_000, le=60_000)

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, given: Any) -> Any:
        return {"uri": given} if isinstance(given, str) else given

    @field_validator("size")
    @classmethod
    def _readable(cls, size: str | None) -> str | None:
        if size is not None and not _SIZE.fullmatch(size):
            raise ValueError("must be width x height in px, for instance 640x480")
        return size

    @field_serializer("uri")
    def _without_password(self, uri: str) -> str:
        return redacted(uri)

    @property
    def size_wh(self) -> tuple[int, int] | None:
        """Width and height in px that are asked for; None where any will do."""
        match = _SIZE.fullmatch(self.size or "")
        return (int(match[1]), int(match[2])) if match else None

    @property
    def name(self) -> str:
        """The camera's URI for messages: without its password."""
        return redacted(self.uri)
