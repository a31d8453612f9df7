"""Bounded hand-over: blocking loses nothing, live keeps the newest, nobody waits for ever."""

from __future__ import annotations

import threading

import pytest

from fusion_rt.channel import Channel, ChannelClosed


def test_blocking_channel_keeps_order_and_loses_nothing():
    channel: Channel[int] = Channel(2, "block")

    def write() -> None:
        for item in range(1000):
            assert channel.put(item) is None
        channel.end()

    writer = threading.Thread(target=write)
    writer.start()
    got = []
    while not channel.exhausted:
        item = channel.get(timeout_s=5)
        if item is not None:
            got.append(item)
    writer.join(5)
    assert got == list(range(1000))


def test_latest_channel_hands_back_the_oldest():
    channel: Channel[int] = Channel(1, "latest")
    assert [channel.put(item) for item in (1, 2, 3)] == [None, 1, 2]
    assert channel.get(timeout_s=1) == 3


def test_full_blocking_channel_makes_the_writer_wait():
    channel: Channel[int] = Channel(1, "block")
    channel.put(1)
    second_in = threading.Event()
    writer = threading.Thread(target=lambda: (channel.put(2), second_in.set()))
    writer.start()
    assert not second_in.wait(0.05)
    assert channel.get(1) == 1
    assert second_in.wait(5)
    writer.join(5)


def test_closing_wakes_a_waiting_writer_and_returns_the_unread():
    channel: Channel[int] = Channel(1, "block")
    channel.put(1)
    raised = []

    def write() -> None:
        try:
            channel.put(2)
        except ChannelClosed:
            raised.append(True)

    writer = threading.Thread(target=write)
    writer.start()
    while not channel.changed._waiters:  # until the writer waits for room
        pass
    unread = channel.close()
    writer.join(5)
    assert not writer.is_alive()
    assert raised == [True]
    assert unread == [1]


def test_reader_gets_none_at_once_when_nothing_will_come():
    channel: Channel[int] = Channel(1, "block")
    channel.put(7)
    channel.end()
    assert not channel.exhausted
    assert channel.get(60) == 7
    assert channel.exhausted
    assert channel.get(60) is None


def test_reader_gets_none_after_the_time_out():
    assert Channel(1, "block").get(0.01) is None


@pytest.mark.parametrize("policy", ["block", "latest"])
def test_put_after_close_is_refused(policy):
    channel: Channel[int] = Channel(1, policy)
    channel.close()
    with pytest.raises(ChannelClosed):
        channel.put(1)
