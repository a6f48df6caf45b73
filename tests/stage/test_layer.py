"""The drawing language, without OpenGL."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from engine.stage import layer as language
from engine.stage.layer import Layer, dark, dreamed, verbs


def test_every_shader_file_is_a_verb() -> None:
    for verb in verbs():
        assert getattr(dreamed, verb)().verb == verb


@pytest.mark.parametrize("verb", verbs())
def test_the_example_of_every_verb_is_a_layer_of_that_verb(verb: str) -> None:
    names = {"dreamed": dreamed, "dark": dark, "motion": language.motion, "lineage": language.lineage}
    assert eval(language.header(verb).example, {"__builtins__": {}}, names).verb == verb


def test_a_chain_reads_from_the_source_to_the_wall() -> None:
    layer = dreamed.drift(amount=0.1).feedback().grade(light=0.5)
    assert layer.shape == ("dreamed", "drift", "feedback", "grade")
    assert dict(layer.values) == {"light": 0.5} and dict(layer.inputs[0].inputs[0].values) == {"amount": 0.1}


def test_layers_are_values() -> None:
    assert dreamed.grade(light=0.5) == dreamed.grade(light=0.5) != dreamed.grade(light=0.4)
    assert pickle.loads(pickle.dumps(dreamed.mask(dark.testcard()))) == dreamed.mask(dark.testcard())


def test_a_misspelt_verb_names_the_nearest() -> None:
    with pytest.raises(AttributeError, match=r"did you mean \.feedback\(\)\?"):
        dreamed.feedbak()


def test_a_misspelt_number_names_the_nearest() -> None:
    with pytest.raises(TypeError, match=r"\.feedback\(\) takes no 'trial'; did you mean trail\?"):
        dreamed.feedback(trial=0.5)


def test_a_wrong_value_says_what_is_taken() -> None:
    with pytest.raises(TypeError, match=r"trail takes a number \(float\), not 'long'"):
        dreamed.feedback(trail="long")
    with pytest.raises(TypeError, match=r"lean takes 2 numbers"):
        dreamed.warp(lean=(1, 2, 3))


def test_too_many_pictures_are_refused() -> None:
    with pytest.raises(TypeError, match=r"works on 1 pictures \(inputImage\), not 2"):
        dreamed.grade(dark)


def test_an_artists_folder_adds_verbs_and_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shimmer.fs").write_text('/*{"INPUTS": [{"NAME": "inputImage", "TYPE": "image"}]}*/')
    (tmp_path / "grade.fs").write_text('/*{"DESCRIPTION": "mine"}*/')
    monkeypatch.setattr(language, "FOLDERS", [*language.FOLDERS, tmp_path])
    assert dreamed.shimmer() == Layer("shimmer", (dreamed,))
    assert language.header("grade").description == "mine"
