"""Which pictures of a stream are shown: of now, and whole."""

from __future__ import annotations

import pytest

from fusion_rt.sources.network_guards import BacklogWatch, DamageGuard, LateWatch, StartGate

MS = 1_000_000


def numbered(waits_ms: list[int], step_ms: int = 40) -> list[tuple[int, int]]:
    """Time stamp and arrival in ns, from the time that each packet came after the one before."""
    arrived, packets = 5_000 * MS, []
    for index, wait in enumerate(waits_ms):
        arrived += wait * MS
        packets.append((index * step_ms * MS, arrived))
    return packets


@pytest.mark.parametrize(
    ("waits_ms", "shown_from"),
    [
        pytest.param([0, 40, 40, 40], 1, id="no-burst"),
        pytest.param([0, 1, 1, 1, 1, 30, 40], 5, id="burst-ends-with-a-packet-in-step"),
        pytest.param([0, 60, 25, 60], 1, id="jitter-is-no-burst"),
        pytest.param([0] * 10 + [40], 10, id="all-at-once"),
        pytest.param([0] + [15] * 150, 134, id="catching-up-is-watched-for-two-seconds"),
    ],
)
def test_old_pictures_at_the_start_are_kept_back(waits_ms, shown_from):
    gate = StartGate()
    shown = [gate.passes(stamp, arrived) for stamp, arrived in numbered(waits_ms)]
    assert shown == [index >= shown_from for index in range(len(waits_ms))]


@pytest.mark.parametrize(
    ("pictures", "shown"),
    [
        # K: key frame, p: built on others; small x after it: parts are missing; ! lost before it.
        pytest.param("K p p K p", "11111", id="whole"),
        pytest.param("K px p p K p", "100011", id="those-built-on-it-go-too"),
        pytest.param("K p Kx p K p", "110011", id="damaged-key-frame-mends-nothing"),
        pytest.param("K !p p K p", "10011", id="a-whole-picture-was-lost"),
        pytest.param("K !K p", "111", id="lost-just-before-a-key-frame"),
        pytest.param("K px" + " p" * 12, "10" + "0" * 10 + "11", id="no-key-frame-for-long"),
        pytest.param("K" + " px" * 14, "1" + "0" * 14, id="damage-without-end"),
    ],
)
def test_damaged_pictures_are_kept_back(pictures, shown):
    guard = DamageGuard(patience_ns=400 * MS)
    passed = ""
    for index, picture in enumerate(pictures.split()):
        now_ns = index * 40 * MS
        if picture.startswith("!"):
            guard.harm(now_ns)
        passed += str(int(guard.passes(now_ns, key="K" in picture, corrupt="x" in picture)))
    assert passed == shown


@pytest.mark.parametrize(
    ("waited_ms", "skipped"),
    [
        # One packet each 40 ms.
        pytest.param([30] * 60, [], id="keeps-up"),
        pytest.param([0] * 20 + [30] * 40, [], id="held-up-once"),
        pytest.param([0] * 40 + [30] * 20, range(26, 40), id="falls-behind-and-catches-up"),
        pytest.param(([0] * 24 + [5]) * 3, [], id="just-keeps-up"),
    ],
)
def test_packets_are_left_out_where_decoding_is_too_slow(waited_ms, skipped):
    watch = BacklogWatch()
    found = [watch.skips(waited * MS, index * 40 * MS) for index, waited in enumerate(waited_ms)]
    assert [index for index, skip in enumerate(found) if skip] == list(skipped)


@pytest.mark.parametrize(
    ("late_ms", "behind"),
    [
        pytest.param([0] * 100, False, id="in-time"),
        pytest.param([2500] * 20 + [0] * 80, False, id="held-up-once"),
        pytest.param([1100] * 55, True, id="falls-behind"),
        pytest.param(([1100] * 45 + [900]) * 2, False, id="catches-up-now-and-then"),
    ],
)
def test_stream_that_falls_behind_is_noticed(late_ms, behind):
    watch = LateWatch()
    found = [watch.behind(late * MS, index * 40 * MS) for index, late in enumerate(late_ms)]
    assert any(found) == behind
