"""A contact sheet of the mechanism, made by the mind itself: words, hidden picture, whom it recalled, second pictures.

    python -m engine.mind.sheet sheet.png --say "the sea at night" --say "une ville en feu"

One row for each sentence: the hidden picture that no wall shows; the three memories that it recalls most and the words
did not; the second picture at beta 0, .5 and 1.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from engine.core.errors import Plain
from engine.core.messages import Dream
from engine.core.sheet import plain
from engine.mind.mind import Mind
from engine.mind.options import MindOptions
from engine.mind.thought import Thought

BETAS = (0.0, 0.5, 1.0)
RECALLED = 3
ROUNDS = 5  # what is painted changes the picture, and so whom it recalls
SENTENCES = ("the sea at night", "une ville en feu", "my grandmother's room", "love")
CAPTION = 18  # pixels under each picture


def whole(mind: Mind, dream: Dream, noise: Tensor) -> Thought:
    """A thought for which everybody is painted whom it wanted, those of the gap too."""
    for _ in range(ROUNDS):
        thought = mind.think(dream.words, 0, (), dream, noise)
        if not any([mind.keeper.recipes.paint(one) for one in thought.company.wanting]):
            break
    return thought


def row(mind: Mind, words: str) -> list[tuple[NDArray[np.uint8], str]]:
    """Pictures (h, w, 3) of one sentence, each with the words under it."""
    noise = mind.stream.walk.at(0.0)
    thoughts = [whole(mind, Dream(words, beta=beta), noise) for beta in BETAS]
    first = thoughts[0]
    cells = [(mind.parts.dreamer.decode(first.hidden), words)]
    for place in np.argsort(-first.more, kind="stable")[:RECALLED]:
        at = mind.memory.row[first.ids[place]]
        painted = mind.keeper.recipes.paint(first.ids[place])  # a recipe is painted when somebody wants to see it
        latent = painted.latents[0] if painted else torch.from_numpy(mind.memory.latents([at])[0])
        cells.append((mind.parts.dreamer.decode(latent), mind.memory.fragments[at].words))
    for beta, thought in zip(BETAS, thoughts, strict=True):
        latent = mind.parts.dreamer.imagine(thought.condition, noise, thought.start, thought.strength)
        cells.append((mind.parts.dreamer.decode(latent), f"beta {beta:g}, J {thought.gap:.2f}, N {thought.again.neff:.0f}"))
    return [(picture[..., :3], text) for picture, text in cells]


def sheet(mind: Mind, sentences: Sequence[str]) -> Image.Image:
    """All rows on one page."""
    rows = [row(mind, words) for words in sentences]
    height, width = rows[0][0][0].shape[:2]
    page = Image.new("RGB", (width * len(rows[0]), (height + CAPTION) * len(rows)), (12, 12, 14))
    pen = ImageDraw.Draw(page)
    for down, cells in enumerate(rows):
        for across, (picture, text) in enumerate(cells):
            page.paste(Image.fromarray(picture), (across * width, down * (height + CAPTION)))
            pen.text((across * width + 4, (down + 1) * (height + CAPTION) - CAPTION + 3), plain(text)[: width // 6], (190, 190, 185))
    return page


def main(argv: Sequence[str]) -> int:
    """Write a sheet from a fresh mind; returns the exit status."""
    parser = argparse.ArgumentParser("python -m engine.mind.sheet", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--say", action="append", metavar="WORDS", help=f"default: {', '.join(SENTENCES)}")
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--founding", type=int, default=0, help="of the founding memories, how many are known; 0: all")
    chosen = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="hypermnesia-sheet-") as folder:
        options = MindOptions(model=chosen.model, archive=Path(folder), founding=chosen.founding, keyframe=1e9)
        try:
            mind = Mind(options, lambda what, done: print(f"\r{what} {done:4.0%}", end="", file=sys.stderr))
        except (Plain, FileNotFoundError, ValueError) as wrong:
            print(f"sheet: {wrong}", file=sys.stderr)
            return 1
        print(file=sys.stderr)
        sheet(mind, chosen.say or SENTENCES).save(chosen.out)
        mind.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
