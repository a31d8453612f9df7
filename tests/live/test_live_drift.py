"""What a run makes of drift: shown, offered, or mended, and never written to the rig."""

from __future__ import annotations

import numpy as np
import pytest
from drift_scenes import WH, similarity

from calibration.online import Estimate
from calibration.online.evidence import Together
from calibration.rig import Rig
from fusion_rt.live.drift import Drift
from fusion_rt.live.drift_worker import DriftState
from fusion_rt.registration.running import Registration
from fusion_rt.run_settings import DriftSettings, load_run_settings

FOUND = similarity(4, 0)


@pytest.fixture
def registration():
    made = Registration(Rig.identity(WH))
    yield made
    made.close()


@pytest.fixture
def make(registration, request):
    def make(**settings) -> Drift:
        drift = Drift(DriftSettings(**settings), registration)
        request.addfinalizer(drift.close)
        return drift

    return make


def know(drift: Drift, registration: Registration, found=FOUND, frames=20) -> None:
    """As if the thread had measured it on the pictures as they are laid now."""
    together = Together(Estimate(found, 0.5, 10, 0.3, 0.2), frames, 9, 0.5, WH)
    drift._worker._state = DriftState(together, registration.now, frames)


def test_a_drift_is_offered_and_nothing_changes(make, registration):
    drift = make(apply="offer")
    know(drift, registration)
    assert drift.do() == ""
    assert "drift 4.0 px off (±0.2): drift.apply: auto mends it" in drift.words()
    assert drift.off_px == pytest.approx(4)
    assert registration.settle()
    assert (registration.now.correction == np.eye(3)).all()


def test_a_drift_is_mended_where_that_is_set(make, registration):
    drift = make(apply="auto")
    know(drift, registration)
    assert "lay 4.0 px off" in drift.do()
    assert registration.settle()
    np.testing.assert_allclose(registration.now.correction, FOUND)
    assert drift.do() == ""
    assert drift.words() == ""
    assert (drift.summary()["corrections"], drift.summary()["corrected_px"]) == (1, 4.0)


def test_a_second_correction_comes_on_top_of_the_first(make, registration):
    drift = make(apply="auto")
    for found in (FOUND, similarity(0, 3)):
        know(drift, registration, found)
        assert drift.do()
        assert registration.settle()
    np.testing.assert_allclose(registration.now.correction[:2, 2], (4, 3))


def test_evidence_of_another_alignment_is_not_used(make, registration):
    drift = make(apply="auto")
    know(drift, registration)
    registration.set_correction(similarity(1, 0))
    assert registration.settle()
    assert drift.do() == ""
    assert "another way" in drift.summary()["why"]


def test_a_correction_is_taken_back_where_drift_is_turned_off(make, registration):
    drift = make(apply="auto")
    know(drift, registration)
    drift.do()
    drift.configure(DriftSettings(estimate=False))
    assert registration.settle()
    assert (registration.now.correction == np.eye(3)).all()
    assert drift.off_px is None
    assert drift.words() == ""


def test_few_pairs_give_no_figure_yet(make, registration):
    drift = make()
    know(drift, registration, frames=4)
    drift.do()
    assert drift.off_px is None
    assert drift.words() == ""


def test_a_thread_that_failed_is_told(make):
    drift = make()
    drift._worker.error = MemoryError("no room")
    assert "not measured any more: no room" in drift.words()


@pytest.mark.parametrize("settings", [{"estimate": False}])
def test_off_means_off(make, settings):
    assert make(**settings).summary() is None


def test_pictures_too_small_are_left_alone():
    registration = Registration(Rig.identity((80, 60)))
    drift = Drift(DriftSettings(), registration)
    assert drift.summary() is None
    assert drift.words() == ""
    drift.close()
    registration.close()


def test_the_matchers_path_is_relative_to_the_configuration(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(
        "cameras: {ir: 'synthetic:', vis: 'synthetic:'}\ndrift: {apply: auto, matcher: m.onnx}\n"
    )
    drift = load_run_settings(path).drift
    assert (drift.apply, drift.matcher) == ("auto", tmp_path / "m.onnx")
