"""Pictures that the contract makes smaller, on the embedded model itself: thoughts, new crowds and films go on."""

from __future__ import annotations

from pathlib import Path

from engine.core.messages import Dream
from engine.mind.mind import Mind
from engine.mind.model.contract import Terms
from engine.mind.options import MindOptions


def test_words_that_come_while_pictures_are_smaller_have_their_crowd_and_their_film(tmp_path: Path) -> None:
    mind = Mind(MindOptions(archive=tmp_path, size=(128, 128), founding=256, terms=Terms(ladder=((96, 96),))))
    mind.live()
    shown: list[tuple[int, ...]] = []
    for number, (words, film) in enumerate((("a red bridge", 0.0), ("a white horse", 0.0), ("an old clock", 0.7))):
        if number == 1:
            mind.parts.dreamer.lower()
        mind.film.locked = ""
        dream = Dream(words, key=words, film=film)
        for tick in range(6):
            if tick % 3 == 0:
                mind.ponder(dream, 4.0 * number + tick)
                mind.gathering.paint(mind.thought)
            picture = mind.picture(dream, 4.0 * number + 0.2 * tick)
        assert mind.thought is not None and mind.thought.words == words
        assert picture.rgba[..., :3].std() > 5.0
        shown.append(picture.rgba.shape)
    assert shown == [(128, 128, 4), (96, 96, 4), (96, 96, 4)] and picture.state.chunk > 0
    assert mind.thought.company.latents.shape[-2:] == (16, 16), "memories keep their size"
    mind.close()
