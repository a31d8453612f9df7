"""A configuration file that changes while a run goes on."""

from __future__ import annotations

import os

import pytest

from fusion_rt.errors import UsageError
from fusion_rt.live.reload import SettingsWatch
from fusion_rt.run_settings import load_run_settings

S = 1_000_000_000
PLAIN = "cameras: {ir: a, vis: b}\n"


class Watched:
    """A file, a watch over it, and the time."""

    def __init__(self, folder):
        self.path = folder / "c.yaml"
        self.path.write_text(PLAIN)
        self.watch = SettingsWatch(self.path, self._load, load_run_settings(self.path))
        self.now_ns = 100 * S
        self._written = 0
        assert self.poll() is None

    def _load(self):
        settings = load_run_settings(self.path)
        if settings.view.palette == "none":
            raise UsageError("unknown palette 'none'")
        return settings

    def write(self, text):
        self.path.write_text(text)
        self._written += 1
        # Two writes may fall into one tick of the file system's clock.
        os.utime(self.path, ns=(self._written * S, self._written * S))

    def poll(self, after_s=1.0):
        self.now_ns += round(after_s * S)
        return self.watch.poll(self.now_ns)


@pytest.fixture
def watched(tmp_path):
    return Watched(tmp_path)


@pytest.mark.parametrize(
    ("text", "changed", "words"),
    [
        pytest.param(
            "pairing: {max_skew_ms: 9}", ("pairing",), "pairing.max_skew_ms changed", id="one-key"
        ),
        pytest.param(
            "pairing: {mode: latest, ir_offset_ms: 3}\nview: {palette: ironbow}",
            ("pairing", "view"),
            "pairing.ir_offset_ms, pairing.mode, view.palette changed",
            id="several-sections",
        ),
        pytest.param("clock: {estimate: false}", ("clock",), "clock.estimate changed", id="clock"),
        pytest.param(
            "thermal: {shutter: fade}", ("thermal",), "thermal.shutter changed", id="thermal"
        ),
        pytest.param(
            "rig: other.yaml",
            (),
            "nothing that takes effect now has changed; rig only at the next start",
            id="rig",
        ),
        pytest.param(
            "engine: {name: classical}\noutput: {film: f.mp4}\nseconds: 3\nview: {view: ir}",
            ("view",),
            "view.view changed; engine, output, seconds only at the next start",
            id="some-at-once-others-later",
        ),
        pytest.param(
            "registration: {distance_m: 3, output: ir, presets: [far.yaml]}",
            ("registration",),
            "registration.distance_m changed; registration.output, registration.presets only at "
            "the next start",
            id="some-keys-later",
        ),
        pytest.param("# a comment", (), "nothing that takes effect now has changed", id="nothing"),
    ],
)
def test_what_a_changed_file_does(watched, text, changed, words):
    before = load_run_settings(watched.path)
    watched.write(PLAIN + text)
    found = watched.poll()
    assert found.changed == changed
    assert found.words == f"{watched.path}: {words}"
    wanted = load_run_settings(watched.path)
    for name, value in found.settings:
        if name == "registration":
            later = before.registration
            assert (value.output, value.presets) == (later.output, later.presets)
            assert value.distance_m == wanted.registration.distance_m
        else:
            assert value == getattr(wanted if name in changed else before, name)
    assert watched.poll() is None  # once


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("pairing: {max_skew_ms: -1}", "pairing.max_skew_ms is -1", id="bad-value"),
        pytest.param("pairing: {mod: latest}", "unknown key 'pairing.mod'", id="unknown-key"),
        pytest.param("pairing: [", "is not YAML", id="half-written"),
        pytest.param("view: {palette: none}", "unknown palette 'none'", id="refused-by-the-run"),
    ],
)
def test_file_that_cannot_be_used_is_refused_whole(watched, text, message):
    watched.write(PLAIN + "view: {view: ir}")
    kept = watched.poll().settings
    watched.write(PLAIN + "clock: {estimate: false}\n" + text)
    found = watched.poll()
    assert (found.changed, found.settings) == ((), kept)
    assert found.words.startswith(f"{watched.path} is refused, nothing changes: ")
    assert message in found.words
    watched.write(PLAIN + "view: {view: vis}")  # and put right again
    found = watched.poll()
    assert (found.changed, found.settings.view.view) == (("view",), "vis")


def test_file_is_looked_at_twice_a_second(watched):
    watched.write(PLAIN + "view: {view: ir}")
    assert watched.poll(after_s=0.4) is None
    assert watched.poll(after_s=0.2) is not None


def test_vanished_file_is_no_change_until_it_is_there_again(watched):
    watched.path.unlink()
    assert watched.poll() is None
    assert watched.poll() is None
    watched.write(PLAIN + "view: {view: ir}")
    assert watched.poll().changed == ("view",)


def test_file_that_an_editor_replaces_is_noticed(watched, tmp_path):
    other = tmp_path / "new"
    other.write_text(PLAIN + "view: {view: ir}")
    other.replace(watched.path)
    assert watched.poll().changed == ("view",)


def test_signal_reads_it_at_once_changed_or_not(watched):
    watched.watch.ask()
    assert watched.poll(after_s=0).words.endswith("nothing that takes effect now has changed")
    assert watched.poll(after_s=0) is None
    watched.write(PLAIN + "view: {view: ir}")
    watched.watch.ask()
    assert watched.poll(after_s=0).changed == ("view",)
    assert watched.poll() is None  # not once more because of the time of the file


def test_signal_for_a_file_that_is_gone_is_refused(watched):
    watched.path.unlink()
    watched.watch.ask()
    assert "is refused, nothing changes: cannot read" in watched.poll().words


def test_what_takes_effect_later_is_told_each_time(watched):
    watched.write(PLAIN + "rig: r.yaml")
    assert "rig only at the next start" in watched.poll().words
    watched.write(PLAIN + "rig: r.yaml\nview: {view: ir}")
    assert watched.poll().words.endswith("view.view changed; rig only at the next start")
