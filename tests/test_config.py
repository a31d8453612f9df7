"""Settings: defaults, file, overrides, and refusals that name the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusion_rt.config import Settings, load_settings
from fusion_rt.errors import UsageError

CONFIGS = Path(__file__).parents[1] / "configs"


def test_shipped_file_holds_exactly_the_defaults():
    assert load_settings(CONFIGS / "replay.yaml") == Settings()


def test_shipped_file_names_every_key():
    text = (CONFIGS / "replay.yaml").read_text()
    for name, section in Settings().model_dump().items():
        assert f"{name}:" in text
        for key in section if isinstance(section, dict) else ():
            assert f"  {key}:" in text


def test_override_wins_over_the_file(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("pairing: {max_skew_ms: 10}\nengine: {name: openvino}\n")
    settings = load_settings(path, ["pairing.max_skew_ms=40", "view.hud_in_film=true"])
    assert settings.pairing.max_skew_ms == 40
    assert settings.view.hud_in_film is True
    assert settings.engine.name == "openvino"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        pytest.param(
            "pairing: {max_skew: 3}",
            "unknown key 'pairing.max_skew'",
            "did you mean 'pairing.max_skew_ms'?",
            id="misspelt-key",
        ),
        pytest.param(
            "engin: {name: auto}",
            "unknown key 'engin'",
            "did you mean 'engine'?",
            id="misspelt-section",
        ),
        pytest.param(
            "pairing: {max_skew_ms: -3}", "greater than 0", "max_skew_ms, ir", id="negative"
        ),
        pytest.param("pairing: {max_skew_ms: .nan}", "finite", "max_skew_ms, ir", id="nan"),
        pytest.param("pace: slow", "'fast' or 'realtime'", "known here", id="unknown-pace"),
        pytest.param(
            "thermal: {low_percent: 60, high_percent: 50}",
            "low_percent must be below high_percent",
            "damping_s",
            id="percentiles-swapped",
        ),
        pytest.param("- a", "holds no sections, but list", "pairing", id="list"),
        pytest.param("a: [", "is not YAML", "pairing", id="broken"),
    ],
)
def test_refusals_name_file_key_and_remedy(tmp_path, text, message, hint):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"c\.yaml") as caught:
        load_settings(path)
    assert message in str(caught.value)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("pairing.max_skew_ms", "cannot read --set"),
        ("pace.x=1", "pace"),
        ("pairing.max_skew_ms=[", "not YAML"),
    ],
)
def test_unusable_overrides(override, message):
    with pytest.raises(UsageError, match=message):
        load_settings(None, [override])


def test_section_with_nothing_below_it_keeps_its_defaults(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("engine:\npace: realtime\n")
    assert load_settings(path).engine == Settings().engine


def test_missing_file():
    with pytest.raises(UsageError, match=r"cannot read configuration nowhere\.yaml"):
        load_settings(Path("nowhere.yaml"))
