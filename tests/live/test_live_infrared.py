"""The infrared picture in a live run: layout, time stamps, standstill, trust, gain."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from live.live_run import LiveRun
from live.virtual_cameras import MS, Device

from fusion_rt.camera_settings import CameraSettings
from fusion_rt.errors import SourceError, UsageError
from fusion_rt.frame import Frame, FrameFlags, FramePair, Sensor
from fusion_rt.live.infrared import CameraPreparation, InfraredWatch
from fusion_rt.live_pairing import LivePairer, PairingMode, PairingRules
from fusion_rt.radiometry import Radiometry
from fusion_rt.thermal.settings import ThermalSettings

IR, VIS = Sensor.IR, Sensor.VIS


def frame(image, ms=0.0, flags=FrameFlags.NONE):
    return Frame(image, round(ms * MS), 0, round(ms * MS), round(ms * MS) + MS, flags)


def raw(seed, wh=(64, 48)):
    return np.random.default_rng(seed).integers(20_000, 24_000, wh[::-1]).astype(np.uint16)


def colour(seed=0):
    # Coarse, so that it still shows in the small picture that is compared.
    texture = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return texture.repeat(8, axis=0).repeat(8, axis=1)


# --- preparation of frames ------------------------------------------------------------------------


def test_plain_camera_is_handed_on_as_it_is():
    preparation = CameraPreparation(CameraSettings(uri="v4l2:/dev/video0"), IR)
    given = frame(raw(1))
    assert preparation(given) is given
    assert preparation.radiometry is None


def test_late_stamps_are_put_right():
    preparation = CameraPreparation(CameraSettings(uri="v4l2:/dev/video0", offset_ms=12.5), VIS)
    found = preparation(frame(colour(), 100))
    assert (found.captured_ns, found.begun_ns) == (round(87.5 * MS), round(87.5 * MS))
    assert found.arrived_ns == 101 * MS


def test_layout_is_taken_apart_for_infrared_alone():
    camera = CameraSettings(uri="v4l2:/dev/video0", layout="infiray-p2-pro")
    words = np.arange(384 * 256, dtype=np.uint16).reshape(384, 256)
    preparation = CameraPreparation(camera, IR)
    found = preparation(frame(words))
    np.testing.assert_array_equal(found.image, words[192:])
    assert preparation.radiometry == Radiometry(1 / 64)
    visible = frame(colour())
    assert CameraPreparation(camera, VIS)(visible) is visible


def test_size_that_the_layout_does_not_know():
    preparation = CameraPreparation(CameraSettings(uri="v4l2:/dev/video0", layout="boson"), IR)
    with pytest.raises(SourceError, match="64x48"):
        preparation(frame(raw(1)))


def test_unknown_layout_is_refused():
    with pytest.raises(UsageError, match="bosom"):
        CameraPreparation(CameraSettings(uri="v4l2:/dev/video0", layout="bosom"), IR)


def lepton(ffc_state=0, tlinear=True):
    """A frame of a Lepton 3 whose telemetry says so much: 160x120 and two rows."""
    words = np.full((122, 160), 30_000, np.uint16)
    words[120:] = 0
    telemetry = words[120:].reshape(-1)
    telemetry[0] = 14 << 8  # revision
    telemetry[3] = ffc_state << 4
    telemetry[24] = 30_000  # sensor, in 0.01 K
    telemetry[26] = 30_000
    telemetry[160 + 48] = tlinear
    telemetry[160 + 49] = 1
    return words


# --- standstill and trust -------------------------------------------------------------------------


def watch(policy="hold", **settings):
    return InfraredWatch(ThermalSettings(shutter=policy, **settings), lambda: None)


def trusts(infrared, sequence):
    """Trust of each pair: given as (infrared, visible) pictures, one each 40 ms."""
    found = []
    for index, (ir, vis) in enumerate(sequence):
        ms = 40.0 * index
        infrared.seen(VIS, frame(vis, ms))
        seen = infrared.seen(IR, frame(ir, ms))
        found.append(infrared.trust(FramePair(seen, frame(vis, ms))))
    return found


LIVE = [(raw(seed), colour()) for seed in range(5)]
STILL = [(raw(9), colour())] * 12
BACK = [(raw(seed), colour()) for seed in range(20, 32)]


def test_held_infrared_is_trusted_while_the_scene_stays():
    infrared = watch("hold")
    assert trusts(infrared, LIVE + STILL) == [1.0] * 17
    assert len(infrared.reasons) == 1
    assert infrared.reasons[0].startswith("infrared recalibrating (the same raw picture came")


def test_held_infrared_goes_once_the_scene_moves():
    moved = [(raw(9), colour(index)) for index in range(12)]
    found = trusts(watch("hold"), LIVE + moved)
    assert found[:6] == [1.0] * 6
    assert found[-1] == 0.0


def test_fading_policy_takes_it_away_and_brings_it_back_gently():
    infrared = watch("fade")
    found = trusts(infrared, LIVE + STILL + BACK)
    assert found[:7] == [1.0] * 7  # two repeats are needed to be sure
    assert min(found) == 0.0
    lowest = found.index(0.0)
    steps = np.diff(found)
    assert (steps[: lowest + 1] <= 0).all()
    assert (steps[lowest + 1 :] >= 0).all()
    assert found[-1] == 1.0
    assert np.abs(steps).max() < 0.35  # 40 ms of the 150 ms that a fade takes
    assert infrared.reasons == ()


def test_trust_comes_in_sixteenths():
    for trust in trusts(watch("fade"), LIVE + STILL + BACK):
        assert (trust * 16).is_integer()


def test_lone_pictures_are_trusted():
    pair = FramePair(frame(raw(1), flags=FrameFlags.SHUTTER), frame(colour()), alone=VIS)
    assert watch("fade").trust(pair) == 1.0


@pytest.mark.parametrize("policy", ["hold", "fade"])
def test_shutter_in_a_run_takes_the_infrared_out_and_back(policy):
    """As the engine gets it: its weight follows, see `LiveRun`."""
    run = LiveRun(Device(IR, 100, bits=16), settings={"thermal": {"shutter": policy}})

    def story():
        yield run.next("fused")
        run.ir.frozen = True
        if policy == "hold":
            yield run.feels("degraded", "recalibrating")
            assert run.shown[-1].trust == 1.0
            run.vis.scene = 5  # the scene changes
        yield lambda: run.shown[-1].trust == 0.0
        assert run.health.level.value == "degraded"
        run.ir.frozen = False
        yield run.feels("good")
        yield lambda: run.shown[-1].trust == 1.0

    run.play(story())
    trust = [shown.trust for shown in run.shown]
    assert len(set(trust)) > 4  # gently, not at once


# --- 8-bit infrared, compared with the visible picture --------------------------------------------


def texture(seed):
    noise = np.random.default_rng(seed).normal(0, 1, (160, 480)).astype(np.float32)
    field = cv2.GaussianBlur(noise, (0, 0), 5)
    return np.clip(128 + 50 * field / field.std(), 0, 255).astype(np.uint8)


FIELDS = {IR: texture(1), VIS: texture(2)}


def panned(sensor, seconds, px_per_s=220):
    """What a camera sees of a rig that is panned to and fro and stops at once in between."""
    across = np.clip(abs(seconds % 3.0 - 1.5), 0.4, 1.1)
    left = round(40 + px_per_s * across)
    plane = FIELDS[sensor][:144, left : left + 192]
    return plane if sensor is IR else np.dstack([plane] * 3)


def lagging(ir_fps, vis_fps, lag_ms, ahead_ms=0.0, mode="nearest", frozen_s=None):
    """When the infrared counted as frozen, in s: two streams of 9 s that arrive as they may.

    Args:
        lag_ms: how much later each camera's frames arrive.
        ahead_ms: by how much the infrared clock is ahead, which is known.
        frozen_s: from when to when the infrared repeats its picture. The rig then moves slowly
            enough for its motion to be followed at nine pictures a second.
    """
    px_per_s = 40 if frozen_s else 220
    begin_s, end_s = frozen_s or (99, 99)
    offset_ns = round(ahead_ms * MS)
    pairer = LivePairer(PairingRules(PairingMode(mode), None, offset_ns))
    infrared = InfraredWatch(ThermalSettings(), lambda: None)
    frames = []
    for sensor, fps in ((IR, ir_fps), (VIS, vis_fps)):
        for index in range(int(9 * fps)):
            taken_s = index / fps + (0.003 if sensor is VIS else 0)
            stands = sensor is IR and begin_s <= taken_s < end_s
            image = panned(sensor, begin_s if stands else taken_s, px_per_s)
            stamp_ns = round(taken_s * 1e9) + (offset_ns if sensor is IR else 0)
            arrived_ns = round((taken_s + lag_ms[sensor] / 1e3) * 1e9)
            frames.append((arrived_ns, sensor, Frame(image, stamp_ns, index, stamp_ns, arrived_ns)))
    found = []
    for now_ns, sensor, each in sorted(frames, key=lambda item: item[0]):
        matched = pairer.push(sensor, infrared.seen(sensor, each), now_ns)
        for pair in matched.pairs:
            infrared.paired(pair)
            if pair.ir.flags & FrameFlags.SHUTTER:
                found.append(pair.vis.captured_ns / 1e9)
    return found


LAGS = [
    pytest.param(30, 30, {IR: 20, VIS: 20}, id="same-rate"),
    pytest.param(30, 30, {IR: 320, VIS: 20}, id="infrared-300-ms-late"),
    pytest.param(30, 30, {IR: 20, VIS: 320}, id="visible-300-ms-late"),
    pytest.param(9, 30, {IR: 250, VIS: 20}, id="slow-infrared-late"),
    pytest.param(30, 9, {IR: 20, VIS: 20}, id="slow-visible"),
    pytest.param(30, 9, {IR: 20, VIS: 300}, id="slow-visible-late"),
    pytest.param(60, 25, {IR: 400, VIS: 20}, id="fast-infrared-late"),
]


@pytest.mark.parametrize("mode", ["nearest", "ir-leads", "vis-leads"])
@pytest.mark.parametrize(("ir_fps", "vis_fps", "lag_ms"), LAGS)
def test_camera_that_lags_is_not_taken_for_frozen(ir_fps, vis_fps, lag_ms, mode):
    assert lagging(ir_fps, vis_fps, lag_ms, mode=mode) == []


@pytest.mark.parametrize("mode", ["nearest", "ir-leads", "vis-leads"])
@pytest.mark.parametrize(("ir_fps", "vis_fps", "lag_ms"), LAGS)
def test_infrared_that_freezes_while_the_rig_moves_is_noticed_all_the_same(
    ir_fps, vis_fps, lag_ms, mode
):
    found = lagging(ir_fps, vis_fps, lag_ms, mode=mode, frozen_s=(6.5, 8.0))
    assert found
    assert 6.5 < min(found) < 7.5
    assert max(found) < 8.7


def test_known_clock_offset_is_taken_off():
    assert lagging(30, 30, {IR: 20, VIS: 20}, ahead_ms=-400) == []


def test_pictures_of_times_that_cannot_be_compared_say_nothing():
    """Mode latest pairs whatever came last: here infrared frames that are 300 ms old."""
    assert lagging(30, 30, {IR: 320, VIS: 20}, mode="latest") == []


def test_standstill_is_forgotten_when_the_visible_camera_goes():
    infrared = watch()
    for index in range(40):
        seconds = index / 30
        ir = frame(panned(IR, min(seconds, 0.6)), 1e3 * seconds)
        infrared.paired(FramePair(ir, frame(panned(VIS, seconds), 1e3 * seconds)))
    assert infrared.reasons
    infrared.paired(FramePair(ir, frame(colour()), alone=VIS))
    assert infrared.reasons
    infrared.paired(FramePair(ir, frame(colour()), alone=IR))
    assert infrared.reasons == ()


# --- gain -----------------------------------------------------------------------------------------


def test_eight_bit_pictures_pass_as_they_are():
    image = colour()[..., 0]
    assert watch().in_8bit(frame(image)) is image


def test_gain_stays_during_a_shutter_event():
    infrared = watch(damping_s=0)
    first = infrared.in_8bit(frame(raw(1), 0))
    shutter = infrared.in_8bit(frame(raw(1) + np.uint16(3000), 40, FrameFlags.SHUTTER))
    assert shutter.mean() > first.mean() + 60  # brighter: the table was not made anew
    later = infrared.in_8bit(frame(raw(1) + np.uint16(3000), 400))
    assert abs(later.mean() - first.mean()) < 10


def test_other_settings_from_the_next_frame_on():
    infrared = watch(damping_s=0)
    before = infrared.in_8bit(frame(raw(1), 0))
    settings = ThermalSettings(mode="fixed", fixed_low=0, fixed_high=65535, fixed_unit="counts")
    infrared.configure(settings)
    infrared.in_8bit(frame(raw(1), 40))
    after = infrared.in_8bit(frame(raw(1), 1000))
    assert np.ptp(before) == 255
    np.testing.assert_allclose(after, raw(1) / 65535 * 255, atol=1)


CELSIUS = ThermalSettings(mode="fixed", fixed_low=0, fixed_high=100)


def test_temperatures_of_a_camera_that_gives_none_are_refused():
    with pytest.raises(UsageError, match="this camera gives no temperatures"):
        InfraredWatch(CELSIUS, lambda: None)
    infrared = watch()
    with pytest.raises(UsageError, match="this camera gives no temperatures"):
        infrared.configure(CELSIUS)
    with pytest.raises(UsageError, match="this camera gives no temperatures"):
        infrared.check(CELSIUS)
    infrared.in_8bit(frame(raw(1)))  # as before
    assert infrared.reasons == ()


def test_camera_that_stops_to_give_temperatures_goes_on_as_before():
    known = [Radiometry(0.01)]
    infrared = InfraredWatch(CELSIUS, lambda: known[0])
    counts = np.full((48, 64), 32_315, np.uint16)  # 50 degrees Celsius
    assert infrared.in_8bit(frame(counts, 0)).mean() == pytest.approx(127.5, abs=1)
    known[0] = None
    assert infrared.in_8bit(frame(counts, 40)).mean() == pytest.approx(127.5, abs=1)
    assert infrared.reasons[0].startswith("gain control as before: thermal.fixed_low")
    assert not infrared.frozen  # which would stop the comparison of the clocks
    known[0] = Radiometry(0.1)
    infrared.in_8bit(frame(counts // 10, 80))
    assert infrared.in_8bit(frame(counts // 10, 1000)).mean() == pytest.approx(127.5, abs=1)
    assert infrared.reasons == ()


def test_policy_may_change_in_mid_run():
    infrared = watch("hold")
    infrared.in_8bit(frame(raw(1)))
    infrared.configure(ThermalSettings(shutter="fade"))
    infrared.in_8bit(frame(raw(1)))
    assert min(trusts(infrared, LIVE + STILL)) == 0.0


def test_preparation_hears_what_the_camera_says_of_itself():
    preparation = CameraPreparation(CameraSettings(uri="v4l2:/dev/video0", layout="lepton"), IR)
    found = preparation(frame(lepton(ffc_state=0)))
    assert found.image.shape == (120, 160)
    assert not found.flags & FrameFlags.SHUTTER
    assert preparation.radiometry == Radiometry(0.01)
    assert preparation(frame(lepton(ffc_state=2))).flags & FrameFlags.SHUTTER
    preparation(frame(lepton(tlinear=False)))
    assert preparation.radiometry is None
