"""``fusion-rt run`` with virtual cameras: files, words, exit codes, Ctrl-C, changed settings."""

from __future__ import annotations

import _thread
import itertools
import json
import os
import signal
import threading
import time
from pathlib import Path

import av
import pytest
from fakes import press_ctrl_c
from full_disk import fill_disk
from live.live_run import GIVE_UP_S
from live.virtual_cameras import MS, SECOND, WH, Device

from engines.errors import EngineError, Stopped
from fusion_rt.commands import run as command
from fusion_rt.commands.run import RunRequest, run
from fusion_rt.errors import SinkError, SourceError, UsageError
from fusion_rt.frame import FrameFlags, Sensor
from fusion_rt.fuse import FuseStage
from fusion_rt.live import chores as chores_module
from fusion_rt.live.chores import Chores
from fusion_rt.live.shown import LiveView
from fusion_rt.live_pairing import OffsetLine
from fusion_rt.sinks.video import VideoSink

IR, VIS = Sensor.IR, Sensor.VIS
SECRET = "rtsp://user:secretword@host/ir"
pytestmark = pytest.mark.usefixtures("quick_reconnect")


class Command:
    """The command with its cameras, what it says, and a story that is played while it runs."""

    def __init__(self, monkeypatch, folder):
        self.folder = folder
        self.config = folder / "c.yaml"
        self.devices = {IR: Device(IR, 50), VIS: Device(VIS, 60, offset_ms=1)}
        self.said = []
        self.shown = []
        self.chores = None
        self._written = 0
        self._patch = monkeypatch
        self.write("")
        monkeypatch.setattr(command, "open_live", lambda _, sensor: self.devices[sensor].open())
        monkeypatch.setattr(command, "say", self.said.append)
        monkeypatch.setattr(chores_module, "say", self.said.append)
        show = LiveView.show

        def watched(view, pair, health):
            self.shown.append("fused" if pair.alone is None else pair.alone.value)
            show(view, pair, health)

        monkeypatch.setattr(LiveView, "show", watched)

    def write(self, text, cameras=f"ir: {SECRET}, vis: v4l2:/dev/video0"):
        """The configuration anew; it always lies a second after the one before."""
        self.config.write_text(
            f"cameras: {{{cameras}}}\nengine: {{name: classical}}\n"
            f"output: {{window: false}}\n{text}"
        )
        self._written += 1
        os.utime(self.config, ns=(self._written * SECOND, self._written * SECOND))

    def run(self, story=None, **given):
        """Run the command while the story is played; Ctrl-C is pressed at its end."""
        threads = set(threading.enumerate())
        do, end_s = Chores.do, time.monotonic() + GIVE_UP_S
        state = {"until": None, "over": False}

        def watched(chores):
            do(chores)
            self.chores = chores
            if story is None or state["over"]:
                return
            assert time.monotonic() < end_s, f"waited in vain: {self.said[-8:]} {self.shown[-8:]}"
            try:
                while state["until"] is None or state["until"]():
                    state["until"] = next(story)
            except StopIteration:
                state["over"] = True
                press_ctrl_c()

        self._patch.setattr(Chores, "do", watched)
        try:
            return run(RunRequest(self.config, **given))
        finally:
            for device in self.devices.values():
                device.released.set()
            for thread in set(threading.enumerate()) - threads:
                thread.join(10)
                assert not thread.is_alive(), f"{thread.name} was left behind"
            assert all(device.opened == device.closed for device in self.devices.values())

    def has_said(self, words):
        """From now on it says something with these words."""
        begun = len(self.said)
        return lambda: any(words in line for line in self.said[begun:])

    def feels(self, words):
        """It is in a state of these words."""
        return lambda: words in str(self.chores._pipeline.health)

    def shows(self, kind, count=5):
        begun = len(self.shown)
        return lambda: len(self.shown) >= begun + count and self.shown[-count:] == [kind] * count


@pytest.fixture
def live(monkeypatch, tmp_path):
    return Command(monkeypatch, tmp_path)


# --- files and words ------------------------------------------------------------------------------


def test_film_report_and_summary(live, capfd):
    film, report = live.folder / "f.mp4", live.folder / "r.json"

    def story():
        yield live.shows("fused")
        live.devices[IR].plugged = False
        yield live.has_said("degraded: infrared camera lost")
        yield live.shows("vis")
        live.devices[IR].plugged = True
        yield live.shows("fused")

    given = {"output.film": film, "output.report": report}
    assert live.run(story(), given=given) == 0
    facts = json.loads(report.read_text())
    assert facts["stopped_by_user"] is True
    assert facts["pace"] == "live"
    assert facts["engine"]["name"] == "classical"
    assert facts["outputs"] == [f"video {film}", f"report {report}"]
    assert facts["replaced_threads"] == 0
    assert facts["cameras"]["ir"]["uri"] == "rtsp://user:***@host/ir"
    assert facts["cameras"]["ir"]["reconnects"] == 1
    assert facts["cameras"]["vis"]["reconnects"] == 0
    assert facts["cameras"]["vis"]["clock"] == "driver"
    assert facts["cameras"]["vis"]["frames"] == facts["frames"]["captured_vis"] > 10
    assert facts["health"]["changes"] >= 3
    assert facts["health"]["seconds"]["degraded"] >= 0
    assert facts["pairing"]["mode"] == "nearest"
    assert set(facts["clock"]) >= {"ir_offset_ms", "sure", "why", "used_ms"}
    frames = facts["frames"]
    assert frames["shown_alone"]["vis"] == live.shown.count("vis")
    for name in ("ir", "vis"):
        dropped = sum(counts[name] for counts in frames["dropped"].values())
        shown = frames["fused"] - frames["reused"][name] + frames["shown_alone"][name]
        assert frames[f"captured_{name}"] == shown + dropped
    with av.open(str(film)) as container:
        pictures = list(container.decode(video=0))
    assert len(pictures) == len(live.shown)
    times = [picture.pts for picture in pictures]
    assert times == sorted(set(times))
    assert not list(live.folder.glob("*.part*"))
    words = capfd.readouterr().err
    assert "reconnects: 1" in words
    assert "shown while the other was away" in words
    assert "good for" in words
    assert "secretword" not in words + " ".join(live.said) + report.read_text()


def test_run_without_any_file_says_how_it_fares(live):
    def story():
        yield live.shows("fused")

    assert live.run(story()) == 0
    assert live.said[-1] == "good"
    assert [path.name for path in live.folder.iterdir()] == ["c.yaml"]


def test_status_line_is_said_now_and_then(live, monkeypatch):
    monkeypatch.setattr(chores_module, "_STATUS_S", 0.2)

    def story():
        yield live.has_said(" frames/s, ")
        yield live.has_said(" frames/s, ")

    assert live.run(story()) == 0


def test_run_ends_after_the_set_time(live):
    assert live.run(given={"seconds": 0.4}) == 0
    assert live.shown


def test_film_is_kept_when_the_engine_fails(live, monkeypatch):
    submit, count = FuseStage._submit, []

    def failing(stage, engine, pair):
        count.append(1)
        if len(count) > 10:
            raise EngineError("the GPU was lost")
        submit(stage, engine, pair)

    monkeypatch.setattr(FuseStage, "_submit", failing)
    film = live.folder / "f.mp4"
    with pytest.raises(EngineError, match="the GPU was lost"):
        live.run(given={"output.film": film})
    assert f"kept until here: video {film}" in live.said
    with av.open(str(film)) as container:
        assert len(list(container.decode(video=0))) == len(live.shown) > 0


def test_full_disk_ends_the_film_and_not_the_run(live, monkeypatch, capfd):
    # The virtual cameras' pictures are noisy: a second of them takes more than 50 kB.
    fill_disk(monkeypatch, 200_000)
    film, report = live.folder / "f.mp4", live.folder / "r.json"

    def story():
        yield live.has_said("degraded: ")
        assert live.said[-1] == f"degraded: cannot write {film}: disk full; the film ends there"
        yield live.shows("fused", 20)
        live.devices[IR].plugged = False
        yield live.feels("infrared camera lost")
        assert live.feels("; the film ends there")()
        live.devices[IR].plugged = True
        yield live.shows("fused")

    assert live.run(story(), given={"output.film": film, "output.report": report}) == 1
    with av.open(str(film)) as container:
        pictures = len(list(container.decode(video=0)))
    assert 0 < pictures < len(live.shown) - 20
    facts = json.loads(report.read_text())
    assert facts["outputs"] == [
        f"video {film}, which ended before the run did",
        f"report {report}",
    ]
    assert "the film ends there" in facts["health"]["last"][-1]["health"]
    assert not list(live.folder.glob("*.part*"))
    words = " ".join(capfd.readouterr().err.split())
    assert "which ended before the run did" in words


def test_full_disk_from_the_first_picture_on_leaves_no_film(live, monkeypatch):
    fill_disk(monkeypatch, 3_000)

    def story():
        yield live.has_said("disk full; nothing of the film is left")
        yield live.shows("fused")

    assert live.run(story(), given={"output.film": live.folder / "f.mp4"}) == 1
    assert [path.name for path in live.folder.iterdir()] == ["c.yaml"]


def test_disk_that_is_full_at_the_very_end_is_told(live, monkeypatch):
    fill_disk(monkeypatch, 3_000)
    assert live.run(given={"output.film": live.folder / "f.mp4", "seconds": 0.4}) == 1
    assert live.said[-1].endswith("disk full; nothing of the film is left")


def test_fault_of_ours_in_a_film_ends_the_run(live, monkeypatch):
    def failing(sink, picture, captured_ns):
        raise SinkError("opened for another size")

    monkeypatch.setattr(VideoSink, "write", failing)
    with pytest.raises(SinkError, match="another size"):
        live.run(given={"output.film": live.folder / "f.mp4"})
    assert [path.name for path in live.folder.iterdir()] == ["c.yaml"]


def test_film_of_a_killed_run_is_not_written_over(live):
    (live.folder / "f.part.mp4").write_bytes(b"....ftyp....moof....")

    def story():
        yield live.shows("fused")

    assert live.run(story(), given={"output.film": live.folder / "f.mp4"}) == 0
    (line,) = [line for line in live.said if "an earlier run left unfinished is now" in line]
    assert Path(line.rpartition(" ")[2]).read_bytes() == b"....ftyp....moof...."
    assert (live.folder / "f.mp4").stat().st_size > 1000


# --- the end before the beginning -----------------------------------------------------------------


def test_ctrl_c_before_the_cameras_are_there(live):
    for device in live.devices.values():
        device.plugged = False
    timer = threading.Timer(0.3, press_ctrl_c)
    timer.start()
    assert live.run() == 0
    assert live.said[-1] == "stopped before both cameras were there"


def test_ctrl_c_while_the_engine_opens(live, monkeypatch):
    pause = threading.Event()

    def opening(settings, size_wh, ir_wh, report, stop):
        press_ctrl_c()
        for _ in range(3000):
            if stop():
                raise Stopped("stopped while building")
            pause.wait(0.01)
        raise AssertionError("nobody wanted the end")

    monkeypatch.setattr(command, "open_chosen", opening)
    assert live.run() == 0
    assert live.shown == []
    assert live.said in ([], ["down: the engine is not ready"])


def test_set_time_that_is_over_before_a_camera_is_there(live):
    live.devices[IR].plugged = False
    with pytest.raises(SourceError) as caught:
        live.run(given={"seconds": 0.3})
    assert str(caught.value) == "0.3 s are over: infrared camera connecting (not there)"
    assert caught.value.exit_code == 1


def test_permanent_error_of_a_camera_is_the_command_s(live):
    live.devices[VIS].open_error = SourceError("wrong name or password", hint="check both")
    with pytest.raises(SourceError, match="wrong name or password"):
        live.run()


def test_pictures_that_do_not_lie_on_each_other_need_a_rig(live):
    live.devices[VIS].size_wh = (192, 128)
    with pytest.raises(UsageError, match="infrared is 96x64 and visible 192x128"):
        live.run()


def test_one_camera_is_shown_alone_with_a_rig(live):
    width, height = WH
    rig = live.folder / "rig.yaml"
    rig.write_text(
        f"{{rig: 1, ir: {{size: [{width}, {height}]}}, vis: {{size: [{width}, {height}]}}, "
        "H_vis_ir: [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}"
    )
    live.write("rig: rig.yaml")
    live.devices[IR].plugged = False

    def story():
        yield live.shows("vis")

    assert live.run(story()) == 0
    assert "degraded: infrared camera connecting (not there)" in live.said


@pytest.mark.parametrize(
    ("cameras", "text", "given", "message"),
    [
        pytest.param(
            "ir: '/dev/video0', vis: '/dev/video0'", "", {}, "the same one", id="one-camera-twice"
        ),
        pytest.param(
            "ir: film.mp4, vis: '/dev/video0'",
            "",
            {},
            "film.mp4 is no live camera but a recording",
            id="recording",
        ),
        pytest.param(None, "view: {palette: none}", {}, "unknown palette 'none'", id="palette"),
        pytest.param(None, "view: {view: up}", {}, "unknown view 'up'", id="view"),
        pytest.param(
            "ir: {uri: '/dev/video2', layout: bosom}, vis: '/dev/video0'",
            "",
            {},
            "there is no layout 'bosom'",
            id="layout",
        ),
        pytest.param(
            None,
            "",
            {"output.film": "same", "output.report": "same"},
            "two outputs would go to same",
            id="two-outputs-in-one-file",
        ),
        pytest.param(None, "", {"rig": "r", "output.film": "r"}, "r is an input", id="rig-as-film"),
        pytest.param(
            None,
            "thermal: {mode: fixed, fixed_low: 0, fixed_high: 50}",
            {},
            "this camera gives no temperatures",
            id="degrees-without-temperatures",
        ),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_shown(live, cameras, text, given, message):
    live.write(text, *([cameras] if cameras else []))
    with pytest.raises(UsageError) as caught:
        live.run(given=given)
    assert message in str(caught.value)
    assert live.shown == []


def test_no_cameras_are_told_to_be_given():
    with pytest.raises(UsageError, match="no cameras are given") as caught:
        run(RunRequest(None))
    assert "--ir and --vis" in caught.value.hint


def test_given_cameras_need_no_file(live):
    given = {"cameras.ir.uri": SECRET, "cameras.vis.uri": "/dev/video0", "engine.name": "classical"}
    request = RunRequest(None, ("seconds=0.3",), given, window=False)
    assert run(request) == 0
    assert live.shown


# --- changes while it runs ------------------------------------------------------------------------


def test_changed_configuration_takes_effect_and_a_bad_one_does_not(live):
    live.devices[IR].stamp_ns = 30 * SECOND

    def story():
        yield live.feels("degraded: no two pictures were taken together")
        live.write("pairing: {ir_offset_ms: 30000}")
        yield live.has_said("pairing.ir_offset_ms changed")
        yield live.shows("fused")
        for bad, words in (
            ("pairing: {ir_offset_ms: far}", "pairing.ir_offset_ms is 'far'"),
            ("pairing: {ir_offset_ms: 0, mod: latest}", "unknown key 'pairing.mod'"),
            ("view: {palette: none}", "unknown palette 'none'"),
            ("view: {view: up}", "unknown view 'up'"),
            (
                "thermal: {mode: fixed, fixed_low: 0, fixed_high: 50}",
                "this camera gives no temperatures",
            ),
        ):
            live.write(bad)
            yield live.has_said("is refused, nothing changes: ")
            assert words in live.said[-1]
            yield live.shows("fused")
        live.write("pairing: {ir_offset_ms: 30000, mode: latest}\nengine: {name: auto}")
        yield live.has_said("pairing.mode changed; engine only at the next start")
        assert live.chores._pipeline.pairing_summary()["mode"] == "latest"
        yield live.shows("fused")

    # One key stands twice in the last file: the later one counts.
    assert live.run(story()) == 0


def test_offset_that_was_found_stays_in_use_when_other_keys_change(live):
    live.devices[IR].stamp_ns = 30 * SECOND

    def story():
        yield live.feels("degraded: no two pictures were taken together")
        live.chores._pipeline.set_offset(30_000)
        yield live.shows("fused")
        live.write("pairing: {max_skew_ms: 12}")
        yield live.has_said("pairing.max_skew_ms changed")
        yield live.shows("fused", 20)
        assert live.chores._pipeline.max_skew_ms == 12
        live.write("pairing: {max_skew_ms: 12, ir_offset_ms: 20000}")  # the user's word counts
        yield live.has_said("degraded: no two pictures were taken together")

    assert live.run(story()) == 0


def test_offset_that_is_found_is_used_and_told(live, monkeypatch):
    found = iter([None, OffsetLine(30_000 * MS, 4.0, time.monotonic_ns())])
    monkeypatch.setattr(command.Clocks, "offset_to_apply", lambda clocks, set_ms: next(found, None))
    live.devices[IR].stamp_ns = 30 * SECOND

    def story():
        words = "+30000.0 ms ahead, drifting by +4 ppm: used"
        yield lambda: any(words in line for line in live.said)
        yield live.shows("fused")

    assert live.run(story()) == 0


def test_clocks_are_compared_by_the_stamps_that_pairing_uses(live, monkeypatch):
    """An offset found from stamps that are put right already would be taken off twice."""
    ahead_ms = []

    def observed(clocks, sensor, frame):
        if sensor is IR:
            ahead_ms.append((frame.captured_ns - frame.arrived_ns) / MS)

    monkeypatch.setattr(command.Clocks, "observe", observed)

    def story():
        yield live.shows("fused", 20)
        live.devices[IR].stamp_ns = 400 * MS  # its clock leaps ahead, into the future
        yield lambda: live.chores._pipeline.pairing_summary()["clock_jumps"]["ir"] == 1
        ahead_ms.clear()
        yield live.shows("fused", 20)

    assert live.run(story()) == 0
    assert len(ahead_ms) >= 15
    assert max(ahead_ms) < 100


def test_clocks_are_compared_anew_after_a_reconnect_and_not_in_a_shutter_event(live, monkeypatch):
    called = []
    monkeypatch.setattr(command.Clocks, "restart", lambda clocks: called.append("restart"))
    monkeypatch.setattr(
        command.Clocks,
        "pause",
        lambda clocks, paused: called.append(paused) if [paused] != called[-1:] else None,
    )

    def story():
        yield live.shows("fused")
        live.devices[VIS].plugged = False
        yield live.shows("ir")
        live.devices[VIS].plugged = True
        yield live.shows("fused")
        assert called == [False, "restart", False]
        live.devices[IR].flags = FrameFlags.SHUTTER
        yield lambda: called[-1] is True

    assert live.run(story()) == 0


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no such signal on this system")
def test_hang_up_reads_the_configuration_at_once(live):
    before = signal.getsignal(signal.SIGHUP)

    def story():
        yield live.shows("fused")
        _thread.interrupt_main(signal.SIGHUP)
        yield live.has_said("nothing that takes effect now has changed")
        yield live.shows("fused")

    assert live.run(story()) == 0
    assert signal.getsignal(signal.SIGHUP) is before


def test_view_that_a_key_has_chosen_stays_when_other_keys_of_the_file_change(live, monkeypatch):
    given = []
    monkeypatch.setattr(LiveView, "set_view", lambda view, settings: given.append(settings.view))

    def story():
        yield live.shows("fused")
        live.write("pairing: {max_skew_ms: 12}")
        yield live.has_said("pairing.max_skew_ms changed")
        yield live.shows("fused")
        assert given == []
        live.write("pairing: {max_skew_ms: 12}\nview: {view: ir}")
        yield live.has_said("view.view changed")

    assert live.run(story()) == 0
    assert given == ["ir"]


def test_gain_is_locked_by_a_setting(live):
    live.devices[IR] = Device(IR, 50, bits=16)

    def story():
        yield live.shows("fused")
        agc = live.chores._pipeline.infrared.agc
        assert not agc.locked
        live.write("thermal: {lock: true}")
        yield live.has_said("thermal.lock changed")
        yield lambda: agc.locked
        live.write("thermal: {lock: false}")
        yield lambda: not agc.locked

    assert live.run(story()) == 0


def test_figures_in_the_film_may_be_switched(live):
    film = live.folder / "f.mp4"

    def story():
        yield live.shows("fused")
        live.write("view: {hud_in_film: true}")
        yield live.has_said("view.hud_in_film changed")
        yield live.shows("fused")

    assert live.run(story(), given={"output.film": film}) == 0
    with av.open(str(film)) as container:
        pictures = [picture.to_ndarray(format="bgr24") for picture in container.decode(video=0)]
    corner = [float(picture[8:60, 8:80].mean()) for picture in pictures]
    assert corner[-1] < corner[0] - 10  # the dark panel


def test_film_goes_on_when_clocks_jump_back(live):
    film = live.folder / "f.mp4"

    def story():
        yield live.shows("fused")
        for device in live.devices.values():
            device.stamp_ns = -400 * MS
        yield live.shows("fused", 20)

    assert live.run(story(), given={"output.film": film}) == 0
    with av.open(str(film)) as container:
        times = [float(picture.pts * picture.time_base) for picture in container.decode(video=0)]
    assert len(times) == len(live.shown)
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
