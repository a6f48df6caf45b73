import textwrap

import pytest

from engine.core.clock import Now
from engine.core.messages import Keystroke, Set, Text, Touch, Withdrawn
from engine.show.cast import Cast
from engine.show.programme import Programme
from engine.show.scene import Param, Scene, SceneError, UnknownMessage, descriptions, find, load

NOW = Now(1, 1 / 60, 1 / 60)


class Small(Scene):
    trail = Param(0.5, low=0.1, high=0.9)  # how slowly light fades


def scene_file(tmp_path, body, name="small"):
    path = tmp_path / f"{name}.py"
    path.write_text("from engine import Param, Scene\n\nclass Small(Scene):\n" + textwrap.indent(body, "    "))
    return path


def test_a_parameter_is_held_between_its_ends():
    scene = Small()
    scene.receive(Set("/hm/trail", (7.0,)), NOW)
    assert scene.trail == 0.9 and Small().trail == 0.5


def test_a_parameter_is_an_address_with_range_and_description():
    node = next(n for n in Small().nodes("/hm/scene/small") if n.address.endswith("trail"))
    assert (node.low, node.high, node.value) == (0.1, 0.9, (0.5,))
    assert node.description == "how slowly light fades" == descriptions(Small)["trail"]


@pytest.mark.parametrize(
    ("message", "said"),
    [(Set("/hm/tral", (1.0,)), "did you mean trail"), (Set("/hm/trail", ("loud",)), "wants one number, found")],
)
def test_what_means_nothing_names_the_nearest(message, said):
    with pytest.raises(UnknownMessage, match=said):
        Small().receive(message, NOW)


def test_words_keys_and_touches_reach_their_hooks():
    heard = []

    class Ear(Scene):
        def hear(self, text):
            heard.append(text.words)

        def key(self, stroke, now):
            heard.append(stroke.bits)

        def touch(self, touch, now):
            heard.append(touch.x)

    ear = Ear()
    for message in (Text("la mer", at=3.0), Keystroke(2.5), Touch(0.25, 0.5)):
        ear.receive(message, NOW)
    assert heard == ["la mer", 2.5, 0.25]
    assert ear.words == "la mer" and ear.dream(NOW).words == "la mer" and ear.dream(NOW).at == 3.0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("def drow(self, now): return None\n", r"small\.py:4: drow\(\) is no hook; did you mean draw\(\)\?"),
        ("trail = Param(3, low=0, high=1)\n", r"small\.py:4: ValueError: a Param's default 3 lies outside"),
        ("def draw(self, now) return 1\n", r"small\.py:4: SyntaxError"),
    ],
)
def test_a_wrong_scene_file_is_refused_with_file_line_and_nearest(tmp_path, body, said):
    with pytest.raises(SceneError, match=said):
        load(scene_file(tmp_path, body))


def test_a_file_without_a_scene_says_so(tmp_path):
    path = tmp_path / "none.py"
    path.write_text("x = 1\n")
    with pytest.raises(SceneError, match="defines 0 Scene classes"):
        load(path)


def test_an_unknown_scene_names_the_nearest(tmp_path):
    scene_file(tmp_path, "pass\n", "gap")
    with pytest.raises(SceneError, match=r"did you mean gap\?"):
        find("gpa", (tmp_path,))


def test_a_scene_s_file_is_read_for_its_descriptions_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values are told thirty times a second; reading comments each time cost a whole core."""
    scene = load(find("gap"))
    first = scene.nodes("/hm")

    def read_again(kind: type) -> str:
        raise AssertionError(f"the file of {kind.__name__} is read again")

    monkeypatch.setattr("engine.show.scene.inspect.getsource", read_again)
    assert scene.nodes("/hm") == first
    assert any(node.description for node in first)


def test_a_dream_carries_whose_words_it_is_made_of():
    scene = Small()
    scene.receive(Text("the sea", key="mine"), NOW)
    assert scene.dream(NOW).sentence == ("mine", "the sea")


def test_whose_words_they_are_goes_along_where_a_scene_makes_its_dream_by_hand(tmp_path):
    path = scene_file(tmp_path, "def dream(self, now): return Dream(self.words if self.words != 'own' else 'a door')\n")
    path.write_text(path.read_text().replace("import Param", "import Dream, Param"))
    show = Programme(Cast([path]), "small")
    show.receive(Text("the sea", key="mine"), NOW)
    assert show.dream(NOW).sentence == ("mine", "the sea")
    show.receive(Text("own", key="theirs"), NOW)
    assert show.dream(NOW).sentence == ("", "a door"), "words of the scene's own are nobody's"


def test_what_was_taken_back_is_asked_for_no_more(tmp_path):
    show = Programme(Cast([scene_file(tmp_path, "pass\n")]), "small")
    show.receive(Text("the sea", key="mine"), NOW)
    show.learn(Withdrawn("code", True, key="another's"))
    assert show.dream(NOW).words == "the sea"
    show.learn(Withdrawn("code", True, key="mine"))
    assert show.dream(NOW).sentence == ("", "")


def test_words_that_stand_in_for_a_failing_dream_are_still_somebodys(tmp_path):
    show = Programme(Cast([scene_file(tmp_path, "def dream(self, now):\n    return self.wish() if self.words == 'one' else 1 / 0\n")], make=load), "small")
    for key, words in (("a", "one"), ("b", "two")):
        show.receive(Text(words, key=key), NOW)
        assert show.dream(NOW).sentence == (key, words)
