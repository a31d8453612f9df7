"""Distances and corrections that change while pairs go on."""

from __future__ import annotations

import dataclasses
import math
import threading

import numpy as np
import pytest
from fakes import frame
from rigs import pair_rig, shifted

from calibration.errors import RigError
from calibration.rig import Rig
from calibration.rig_file import rig_text
from fusion_rt.errors import UsageError
from fusion_rt.frame import FramePair
from fusion_rt.registration.builder import AlignmentBuilder
from fusion_rt.registration.rig_fit import fit_geometry
from fusion_rt.registration.running import Registration
from fusion_rt.registration.settings import RegistrationSettings

RIG = pair_rig(distance_m=4.0)
FLAT = Rig((160, 128), (320, 256), np.diag([2.0, 2.0, 1.0]), distance_m=3.0)


def some_pair(ms=0.0):
    ir = np.random.default_rng(1).integers(0, 256, (128, 160), np.uint8)
    vis = np.zeros((256, 320, 3), np.uint8)
    return FramePair(frame(ms, 0, ir), frame(ms, 0, vis), ir_8bit=ir)


def settings(**values):
    return RegistrationSettings(**values)


@pytest.fixture
def registration():
    registration = Registration(RIG, repeatable=False)
    yield registration
    registration.close()


@pytest.mark.parametrize(
    ("rig", "values", "metres"),
    [
        pytest.param(RIG, {}, 4.0, id="as-the-rig-says"),
        pytest.param(RIG, {"distance_m": 2.0}, 2.0, id="as-set"),
        pytest.param(RIG, {"distance_m": math.inf}, math.inf, id="far-as-set"),
        pytest.param(pair_rig(), {}, math.inf, id="far-where-nobody-says"),
        pytest.param(FLAT, {}, None, id="homography"),
    ],
)
def test_distance_at_the_start(rig, values, metres):
    assert Registration(rig, settings(**values)).now.distance_m == metres


def test_new_distance_takes_the_place_of_the_old_one(registration):
    before = registration.now
    registration.set_distance(1.0)
    assert registration.settle()
    assert registration.now.distance_m == pytest.approx(1.0)
    assert registration.now.number > before.number
    assert np.abs(registration.now.pixel_map - before.pixel_map).max() > 3


def test_pairs_go_on_while_a_map_is_built_and_keep_the_one_they_began_with(
    registration, monkeypatch
):
    may_go = threading.Event()
    build = AlignmentBuilder.build

    def slow(self, *wish):
        assert may_go.wait(30)
        return build(self, *wish)

    monkeypatch.setattr(AlignmentBuilder, "build", slow)
    registration.set_distance(1.0)
    pair = some_pair()
    registration.lay(pair, lazily=False)  # would hang if it waited
    assert pair.alignment.distance_m == 4.0
    registration.set_distance(2.0)  # overtakes the first wish, or follows it
    may_go.set()
    assert registration.settle()
    assert registration.now.distance_m == pytest.approx(2.0)
    assert pair.alignment.distance_m == 4.0
    later = some_pair()
    registration.lay(later, lazily=True)
    assert later.alignment is registration.now
    assert later.ir_on_vis is None  # nobody has asked for it
    assert registration.warped(later).shape == (256, 320)


def test_distance_and_correction_do_not_undo_each_other(registration):
    registration.set_correction(shifted(3.0, 2.0))
    registration.set_distance(2.0)
    registration.settle()
    np.testing.assert_array_equal(registration.now.correction, shifted(3.0, 2.0))
    assert registration.now.distance_m == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("wish", "error", "message"),
    [
        pytest.param(lambda r: r.set_distance(0.01), UsageError, "0.01 m", id="too-near"),
        pytest.param(lambda r: r.set_distance(math.nan), UsageError, "nan m", id="nan"),
        pytest.param(lambda r: r.set_correction(np.eye(2)), RigError, "3 rows", id="2x2"),
    ],
)
def test_wishes_that_cannot_be_are_refused_at_once(registration, wish, error, message):
    with pytest.raises(error, match=message):
        wish(registration)


def test_correction_that_leaves_nothing_in_common_is_told_and_changes_nothing(registration):
    before = registration.now
    registration.set_correction(shifted(5000.0, 0.0))
    registration.settle()
    assert registration.now is before
    assert "nothing changes" in registration.trouble
    registration.set_distance(2.0)  # the next wish is met
    registration.settle()
    assert registration.trouble == ""
    np.testing.assert_array_equal(registration.now.correction, np.eye(3))


def test_failure_of_the_builder_ends_the_run(registration, monkeypatch):
    def broken(*_):
        raise MemoryError("no memory for the map")

    monkeypatch.setattr(AlignmentBuilder, "build", broken)
    registration.set_distance(1.0)
    registration.settle()
    with pytest.raises(MemoryError, match="no memory for the map"):
        registration.lay(some_pair(), lazily=False)


def test_each_step_moves_the_pictures_by_a_pixel(registration):
    band = registration.now.band
    assert registration.step(1) == f"distance: {band.near_m:.3g} m"
    registration.settle()
    assert registration.now.distance_m == pytest.approx(band.near_m, rel=1e-6)
    registration.step(-1)
    registration.step(-1)  # also where the first is not built yet
    registration.settle()
    assert registration.now.distance_m == pytest.approx(band.far_m, rel=0.05)
    for _ in range(40):
        words = registration.step(-1)
    assert words == "distance: far"
    registration.settle()
    assert registration.now.distance_m == math.inf


def test_keys_of_a_rig_without_distances_say_what_is_missing():
    registration = Registration(FLAT)
    for words in (registration.step(1), registration.toggle_auto()):
        assert "one distance only" in words
        assert "presets" in words
    assert registration.words == ""
    assert not registration.auto


def test_words_tell_distance_and_band(registration):
    band = registration.now.band
    assert registration.words == f"4 m ({band})"
    registration.toggle_auto()
    assert registration.words.endswith(" auto, looking")


@pytest.mark.parametrize("values", [{"distance_m": 2.0}, {"auto": True}])
def test_distance_of_a_rig_that_knows_none_is_refused(values):
    with pytest.raises(UsageError, match="one distance only") as caught:
        Registration(FLAT, settings(**values))
    assert "presets" in caught.value.hint


def test_settings_that_change_are_taken_over(registration):
    registration.configure(settings(distance_m=2.0))
    registration.settle()
    assert registration.now.distance_m == pytest.approx(2.0)
    registration.configure(settings(distance_m=2.0, auto=True))
    assert registration.auto
    registration.configure(settings())
    registration.settle()
    assert not registration.auto
    assert registration.now.distance_m == pytest.approx(4.0)


def test_summary_is_plain_and_knows_no_infinity():
    summary = Registration(RIG, settings(distance_m=math.inf)).summary()
    assert summary["distance_m"] == "far"
    assert summary["band_m"][1] == "far"
    assert summary["size"] == [320, 256]
    assert summary["correction"] == np.eye(3).tolist()


def test_closed_registration_leaves_no_thread_behind(registration):
    registration.set_distance(1.0)
    registration.close()
    assert not [t for t in threading.enumerate() if t.name in ("alignment", "auto-distance")]


# --- presets --------------------------------------------------------------------------------------


def test_presets_make_a_homography_know_distances(tmp_path):
    near = tmp_path / "near.yaml"
    near.write_text(
        rig_text(
            dataclasses.replace(
                FLAT, H_vis_ir=FLAT.H_vis_ir + shifted(8, 0) - np.eye(3), distance_m=1.0
            )
        )
    )
    wanted = settings(presets=(near,), distance_m=1.5)
    geometry = fit_geometry(FLAT, FLAT.ir_wh, FLAT.vis_wh, wanted)
    now = Registration(geometry, wanted).now
    # 1/1.5 is half-way between 1/3 and 1/1: half of the 8 px.
    np.testing.assert_allclose(now.pixel_map[100, 100], ((100 - 4) / 2, 50), atol=1e-3)
    assert now.distance_m == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("rig", "text", "error", "message"),
    [
        pytest.param(None, "", UsageError, "go with a rig", id="without-a-rig"),
        pytest.param(FLAT, None, RigError, "cannot read", id="no-file"),
        pytest.param(
            FLAT,
            rig_text(dataclasses.replace(FLAT, distance_m=None)),
            RigError,
            r"p\.yaml does not say at which distance",
            id="no-distance",
        ),
    ],
)
def test_presets_that_cannot_be_used(tmp_path, rig, text, error, message):
    path = tmp_path / "p.yaml"
    if text is not None:
        path.write_text(text)
    sizes = ((160, 128), (320, 256)) if rig else ((64, 64), (64, 64))
    with pytest.raises(error, match=message):
        fit_geometry(rig, *sizes, settings(presets=(path,)))
