from __future__ import annotations

import numpy as np

from fusion_rt.sinks.null import NullSink


def test_null_sink_counts_what_it_took():
    sink = NullSink()
    for index in range(7):
        sink.write(np.zeros((4, 4, 3), np.uint8), index)
    sink.close()
    sink.discard()
    assert (sink.pictures, sink.label) == (7, "null")
