"""``fusion-rt sources``: the cameras of this machine, and which of them is thermal."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import SourceError

if TYPE_CHECKING:
    from ..sources.v4l2.survey import Survey


def list_sources(as_json: bool = False, look: Callable[[], Survey] | None = None) -> int:
    """Print what cameras there are; as JSON to standard output where asked for.

    Args:
        look: finds the cameras; this system's unless given.
    Returns:
        0 where there is a camera, else 1.
    Raises:
        SourceError: another system than Linux.
    """
    if sys.platform != "linux":
        raise SourceError(
            "cameras can be listed on Linux alone",
            hint="camera:0 is the first camera here, camera:1 the next; network cameras go by "
            "their address",
        )
    from ..sources.v4l2.survey import survey
    from .sources_report import as_data, show

    found = (look or survey)()
    if as_json:
        print(json.dumps(as_data(found), indent=2))
    else:
        show(found)
    return 0 if found.cameras else 1
