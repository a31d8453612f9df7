from __future__ import annotations

from pathlib import Path

import pytest

from fusion_rt.errors import UsageError
from fusion_rt.settings_file import read_settings
from trainer.losses import LossWeights
from trainer.settings import TrainSettings

SHIPPED = Path(__file__).parents[2] / "configs" / "train.yaml"


def test_shipped_file_holds_the_defaults_and_examples_of_data():
    shipped = read_settings(TrainSettings, SHIPPED)
    assert shipped.data
    assert shipped.model_copy(update={"data": ()}) == TrainSettings()


def test_shipped_file_names_every_key_and_term():
    text = SHIPPED.read_text()
    for key, value in TrainSettings().model_dump().items():
        assert f"\n{key}:" in text
        for name in value if isinstance(value, dict) else ():
            assert f"\n  {name}:" in text


def test_data_are_paths_or_paths_with_a_weight(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("data: [a, {path: b, weight: 2}]")
    first, second = read_settings(TrainSettings, path).data
    assert (first.path, first.weight) == (Path("a"), 1.0)
    assert (second.path, second.weight) == (Path("b"), 2.0)


@pytest.mark.parametrize("key", ["data", "validation"])
@pytest.mark.parametrize(
    ("value", "weight"),
    [
        pytest.param("a/b", 1.0, id="path"),
        pytest.param("{path: a/b, weight: 2}", 2.0, id="path-with-a-weight"),
    ],
)
def test_one_folder_needs_no_list(key, value, weight):
    (only,) = getattr(read_settings(TrainSettings, None, [f"{key}={value}"]), key)
    assert (only.path, only.weight) == (Path("a/b"), weight)


def test_weights_that_are_not_given_keep_their_defaults():
    settings = read_settings(TrainSettings, None, ["weights.texture=3"])
    assert settings.weights == LossWeights(texture=3)


@pytest.mark.parametrize(
    ("text", "overrides", "weights"),
    [
        pytest.param("weights:", [], LossWeights(), id="empty"),
        pytest.param("weights: {texture: 1e-1}", [], LossWeights(texture=0.1), id="power-of-ten"),
        pytest.param("weights:", ["weights.texture=2e-1"], LossWeights(texture=0.2), id="set"),
    ],
)
def test_weights_are_read_as_other_numbers_are(tmp_path, text, overrides, weights):
    """YAML takes 1e-1 for a word."""
    path = tmp_path / "c.yaml"
    path.write_text(text)
    assert read_settings(TrainSettings, path, overrides).weights == weights


@pytest.mark.parametrize(
    ("text", "words", "hint"),
    [
        pytest.param("stepps: 3", "unknown key 'stepps'", "did you mean 'steps'?", id="typo"),
        pytest.param("steps: 0", "steps is 0", "learning_rate", id="no-steps"),
        pytest.param(
            "weights: {texure: 1}", "weights.texure", "did you mean 'weights.texture'?", id="term"
        ),
        pytest.param("weights: {texture: -1}", "texture is -1", "salience, ", id="negative-term"),
        pytest.param("weights: {texture: .inf}", "texture is inf", "salience", id="endless-term"),
        pytest.param("weights: {texture: much}", "texture is 'much'", "gradient", id="word"),
        pytest.param(
            "phases: [{share: 0.4, crop: 192, batch: 4}]", "add up to 0.4", "", id="shares-miss"
        ),
        pytest.param(
            "phases: [{share: 1, crop: 64, batch: 4}]",
            "phases.0.crop is 64",
            "known here: share, crop, batch",
            id="cut-too-small",
        ),
        pytest.param(
            "phases: [{share: 1, crop: 192, bach: 4}]",
            "phases.0.bach",
            "did you mean 'phases.0.batch'?",
            id="typo-in-a-phase",
        ),
        pytest.param(
            "phases: [112]",
            "phases.0 is 112: a phase is written {share: 1.0, crop: 112, batch: 5}",
            "known here: share, crop, batch",
            id="phase-is-a-number",
        ),
        pytest.param(
            "phases: [{crop: 112}]",
            "phases.0 lacks share and batch; a phase is written {share: 1.0, ",
            "",
            id="phase-lacks-keys",
        ),
        pytest.param(
            "phases: {share: 1, crop: 112, batch: 5}",
            "phases write a list of phases, [{share: 1.0, crop: 112, batch: 5}]",
            "",
            id="phases-are-no-list",
        ),
        pytest.param("phases: []", "write a list of phases", "", id="no-phases"),
        pytest.param("data: [{path: a, weight: 0}]", "data.0.weight is 0", "path", id="no-weight"),
        pytest.param("network: resnet", "network is 'resnet'", "", id="unknown-network"),
    ],
)
def test_refusals_name_file_key_and_remedy(tmp_path, text, words, hint):
    path = tmp_path / "c.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"c\.yaml") as caught:
        read_settings(TrainSettings, path)
    assert words in str(caught.value)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("key", "counts"),
    [("seed", True), ("weights", True), ("ema", True), ("workers", False), ("out", False)],
)
def test_recipe_holds_what_decides_the_weights(key, counts):
    assert (key in TrainSettings().recipe()) is counts
