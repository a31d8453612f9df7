"""FFmpeg's lines are kept by stream, few of them, and without passwords."""

from __future__ import annotations

import logging
import threading

import av
import pytest

from fusion_rt.decoder_log import DecoderLog


def say(text: str, level: int = av.logging.ERROR) -> None:
    av.logging.log(level, "rtsp", text)


def test_last_lines_are_kept_and_repeated_ones_once():
    log = DecoderLog()
    with log.listening() as listener:
        for number in range(30):
            say(f"line {number}\n")
            say(f"line {number}\n")
            listener.collect()
    assert log.lines == tuple(f"rtsp: line {number}" for number in range(10, 30))


def test_password_is_left_out():
    log = DecoderLog()
    with log.listening():
        say("cannot reach rtsp://me:secret@host/a")
    assert log.lines == ("rtsp: cannot reach rtsp://me:***@host/a",)


def test_chatter_is_left_out():
    log = DecoderLog()
    with log.listening():
        say("opened", av.logging.INFO)
    assert log.lines == ()


@pytest.mark.parametrize(
    ("text", "lost"),
    [
        pytest.param("RTP: missed 3 packets", True, id="packets"),
        pytest.param("Could not find ref with POC 12", True, id="reference-picture"),
        pytest.param("max delay reached. need to consume packet", False, id="something-else"),
    ],
)
def test_line_that_tells_of_loss_is_recognised(text, lost):
    with DecoderLog().listening() as listener:
        assert not listener.collect()
        say(text, av.logging.WARNING)
        assert listener.collect() == lost
        assert not listener.collect()


def test_streams_do_not_hear_each_other():
    logs = [DecoderLog() for _ in range(3)]
    together = threading.Barrier(3)

    def run(number: int) -> None:
        with logs[number].listening():
            together.wait(10)
            for _ in range(5):
                say(f"of stream {number}")
            together.wait(10)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [log.lines for log in logs] == [(f"rtsp: of stream {number}",) for number in range(3)]


def test_lines_that_nobody_listens_to_go_nowhere(capfd, caplog):
    with DecoderLog().listening():
        pass
    say("of nobody")
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("libav").propagate is False
