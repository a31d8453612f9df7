"""Old and damaged pictures are left out; no GStreamer is needed."""

from __future__ import annotations

import pytest

from fusion_rt.sources.gst_coded import CodedWatch

MS = 1_000_000


class Gst:
    """The two flags that are looked at."""

    class BufferFlags:
        CORRUPTED = "corrupted"


class Buffer:
    def __init__(self, pts: int, flags: str = "") -> None:
        self.pts = pts
        self._flags = flags

    def has_flags(self, flag: str) -> bool:
        return flag == self._flags


K, P, LOST_P, LOST_K = ("key", False), ("delta", False), ("delta", True), ("key", True)


@pytest.mark.parametrize(
    ("coded", "shown"),
    [
        pytest.param([LOST_K, P, P], "yyy", id="every-stream-begins-with-a-mark"),
        pytest.param([K, P, LOST_P, P, P, K, P], "yynnnyy", id="until-the-next-key-frame"),
        pytest.param([K, P, LOST_K, P, K], "yynny", id="the-key-frame-itself-is-damaged"),
        pytest.param([K, LOST_P] + [P] * 7, "ynnnnnnyy", id="shown-again-when-patience-ends"),
    ],
)
def test_damaged_pictures_are_left_out(coded, shown):
    watch = CodedWatch(Gst, patience_s=0.5)
    for index, (kind, lost) in enumerate(coded):
        assert watch.decodes(
            index * 100 * MS, key=kind == "key", lost=lost, now_ns=index * 100 * MS
        )
    got = ["n" if watch.damaged(Buffer(index * 100 * MS)) else "y" for index in range(len(coded))]
    assert "".join(got) == shown


def test_what_the_decoder_calls_damaged_is_left_out():
    watch = CodedWatch(Gst, patience_s=0.5)
    assert watch.damaged(Buffer(5, "corrupted"))
    assert not watch.damaged(Buffer(5))


def test_damage_is_not_remembered_for_ever():
    watch = CodedWatch(Gst, patience_s=1e6)
    for index in range(10_000):
        watch.decodes(index, key=False, lost=True, now_ns=index)
    assert watch.damaged(Buffer(9_999))
    assert not watch.damaged(Buffer(1))


def decoded(arrivals_ms) -> list[bool]:
    """Which of pictures 40 ms apart are decoded; each row is when it reaches the decoder."""
    watch = CodedWatch(Gst, patience_s=0.5)
    return [
        watch.decodes(index * 40 * MS, key=index % 10 == 0, lost=False, now_ns=at * MS)
        for index, at in enumerate(arrivals_ms)
    ]


def test_pictures_that_pile_up_are_left_out_until_few_wait():
    # Ten in time; then each takes 120 ms to decode, 80 ms more than there are; what is left out
    # takes no time.
    at, arrivals, kept = 0.0, [], []
    watch = CodedWatch(Gst, patience_s=0.5)
    for index in range(200):
        at = max(at, index * 40)
        arrivals.append(at - index * 40)
        kept.append(watch.decodes(index * 40 * MS, key=True, lost=False, now_ns=round(at * MS)))
        if kept[-1] and index >= 10:
            at += 120
    assert max(arrivals) < 500 + 120
    assert all(kept[:10])
    # As many as the decoder can do, less what a wait of half a second costs.
    assert 50 <= sum(kept[10:]) <= 75


@pytest.mark.parametrize(
    "arrivals_ms",
    [
        pytest.param([40 * i for i in range(40)], id="in-time"),
        pytest.param([40 * i + 400 * (i > 20) for i in range(40)], id="a-network-that-slows-down"),
        pytest.param([40 * i - 5000 * (i > 20) for i in range(40)], id="stamps-jump-ahead"),
    ],
)
def test_pictures_that_do_not_wait_long_are_all_decoded(arrivals_ms):
    assert all(decoded(arrivals_ms))


def test_stamps_that_jump_back_for_good_are_no_backlog():
    kept = decoded([40 * i + 5000 * (i > 20) for i in range(100)])
    assert all(kept[:21])
    assert not any(kept[21:40])
    assert all(kept[50:])


def test_pictures_without_time_stamp_are_decoded():
    watch = CodedWatch(Gst, patience_s=0.5)
    assert watch.decodes(2**64 - 1, key=True, lost=False, now_ns=0)
    assert watch.decodes(5, key=True, lost=False, now_ns=5)
