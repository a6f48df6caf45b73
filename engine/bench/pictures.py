"""`hypermnesia pictures FOLDER`: the pictures of the README, made by the program itself, from the code as it is now.

`hypermnesia pictures docs/pictures tutorial` makes those of the tutorial, from its own code blocks, `hypermnesia pictures
docs/pictures scenes` six stills of each scene (some minutes each), and `hypermnesia pictures docs reference` the page that
says what a scene can use.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine.core.messages import Message
from engine.stage.layer import Layer, dark, dreamed, header, verbs

Pixels = NDArray[np.uint8]
PROGRAMME = (
    "the sea at sunset", "fire", "un champ sous l'orage", "a blue room with a window", "the city at night",
    "my grandmother", "la neige sur les ruines", "a red flower", "love", "une forêt dans la brume",
    "a ship in the storm", "hyperproduction",
)  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """Make them all, or those that are named."""
    parser = argparse.ArgumentParser(prog="hypermnesia pictures", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("only", nargs="*", choices=[[], *MAKERS, *DOCS], help=f"default: {' '.join(MAKERS)}; also: {' '.join(DOCS)}")
    options = parser.parse_args(argv)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.only or MAKERS:
        (MAKERS | DOCS)[name](options.folder)
        print(options.folder / name)
    return 0


def shaders(folder: Path) -> None:
    """Every verb on the same moving picture."""
    from engine.bench.wall import still
    from engine.painter.paint import paint

    seen = (("city", 5), ("sea", 12), ("ship", 5), ("city", 5))
    paintings = [_rgba(paint(kind, 1, (256, 256), seed=seed)[0][0].numpy()) for kind, seed in seen]
    tiles = []
    for verb in verbs():
        layer = eval(header(verb).example, {"dreamed": dreamed, "dark": dark})
        assert isinstance(layer, Layer)
        tiles.append(_named(still(layer, (320, 180), 3.0, paintings)[..., :3], f".{verb}()"))
    sheet(tiles, 4).save(folder / "shaders.png", optimize=True)


def listening(folder: Path) -> None:
    """Two scripted minutes of the murmur, as spectrogram and level."""
    from engine.bench.sound import two_minutes
    from engine.sound.measure import picture

    picture(folder / "listening.png", two_minutes(), title="two minutes of gap, scripted")


def show(folder: Path) -> None:
    """Twelve sentences through `gap`, rendered; a gif of a minute and twelve stills."""
    import av

    from engine.core.machine import Machine
    from engine.house.command import parser
    from engine.house.plan import plan
    from engine.house.render import play

    with tempfile.TemporaryDirectory() as fresh:
        said = [word for sentence in PROGRAMME for word in ("--say", sentence)]
        film = Path(fresh) / "show.mp4"
        words = ["render", "gap", str(film), *said, "--seconds", "60", "--size", "480x270", "--seed", "3"]
        options = parser().parse_args([*words, "--home", fresh])
        options.sound = "null"
        play(plan(options, Machine()), film)
        with av.open(str(film)) as container:
            frames = [f.to_image() for f in container.decode(video=0)]
    small = [frame.resize((320, 180), Image.Resampling.LANCZOS) for frame in frames[::15]]
    moving = [frame.quantize(96, dither=Image.Dither.FLOYDSTEINBERG) for frame in small]
    moving[0].save(folder / "show.gif", save_all=True, append_images=moving[1:], duration=200, loop=0, optimize=True)
    stills = [np.asarray(frames[min(len(frames) - 1, int((k + 0.85) * len(frames) / 12))]) for k in range(12)]
    sheet([_named(still, said) for still, said in zip(stills, PROGRAMME, strict=True)], 3).save(folder / "stills.png")


MINUTE = (6.5, 14.0, 28.0, 38.0, 47.0, 57.0)  # seconds of the six stills: three while somebody types, three while nobody does
BOUTS = (2.2, 2.8, 5.2, 10.0, 13.2, 20.4)  # of two rivals side by side: one picture, two, apart, one again, a turn, apart
FADER = ((0.0, 0.0), (20.0, 0.5), (40.0, 1.0))  # seconds, /hm/apart: what a hand does in `copy` meanwhile


def scenes(folder: Path) -> None:
    """Each scene for a minute with the same score and seed: six stills in one picture, and what is heard of it; and two rivals."""
    from engine.bench.filmsheet import RATE, look
    from engine.show.scene import files
    from engine.sound.measure import drawn

    for name in (path.stem for path in files()):
        with tempfile.TemporaryDirectory() as fresh:
            film = minute(name, Path(fresh))
            stills, heard = _frames(film, MINUTE), drawn(look(film, 1).sound, RATE, f"a minute of {name}")
        _six(stills).save(folder / f"scene-{name}.jpg", quality=86)
        heard.resize((heard.width * 2 // 3, heard.height * 2 // 3), Image.Resampling.LANCZOS).save(folder / f"scene-{name}-heard.jpg", quality=80)
    with tempfile.TemporaryDirectory() as fresh:
        said = [word for sentence in ("a ship in the storm", "a house by the sea at sunset") for word in ("--say", sentence)]
        film = _rendered("sequel", Path(fresh), [*said, "--set", "rivals=2", "--set", "beside=1"], seconds=24)
        _six(_frames(film, BOUTS)).save(folder / "scene-sequel-rivals.jpg", quality=86)


def _six(stills: Sequence[Pixels]) -> Image.Image:
    return sheet([np.pad(still, ((2, 2), (2, 2), (0, 0))) for still in stills], 3)


def minute(name: str, folder: Path) -> Path:
    """A scene for a minute, with the same score and seed as every other; returns the film."""
    from engine.core.messages import Set
    from engine.doors.score import read
    from engine.show.scene import SCENES

    hand: list[Message] = [Set("/hm/apart", (apart,), at=at) for at, apart in FADER] if name == "copy" else []
    return _rendered(name, folder, (), [*read(SCENES / "ten-visitors.jsonl"), *hand], 60)


def _rendered(name: str, folder: Path, words: Sequence[str], score: Sequence[Message] = (), seconds: int = 60) -> Path:
    """A scene in a small film."""
    from engine.core.machine import Machine
    from engine.house.command import parser
    from engine.house.plan import plan
    from engine.house.render import play

    film = folder / f"{name}.mp4"
    small = ["--seconds", str(seconds), "--size", "320x180", "--fps", "10", "--seed", "7"]
    with tempfile.TemporaryDirectory() as fresh:
        options = parser().parse_args(["render", name, str(film), *small, *words, "--home", fresh])
        options.sound = "null"
        play(plan(options, Machine()), film, score=score)
    return film


def _frames(film: Path, seconds: Sequence[float]) -> list[Pixels]:
    """The frames of a film that are shown at these seconds, (h, w, 3) each."""
    import av

    with av.open(str(film)) as container:
        frames = [(float(frame.time or 0.0), frame) for frame in container.decode(video=0)]
    return [min(frames, key=lambda one: abs(one[0] - at))[1].to_ndarray(format="rgb24") for at in seconds]


def gap(folder: Path) -> None:
    """Words, hidden picture, whom it recalled, second picture, at beta 0, 0.5 and 1."""
    from engine.mind import sheet as mind

    mind.main([str(folder / "gap.png")])


def sources(folder: Path) -> None:
    """The dream alone (large forms only), composed memories alone, what the wall shows: the same noise, twelve sentences."""
    from engine.core.messages import Dream
    from engine.mind.mind import Mind
    from engine.mind.options import MindOptions
    from engine.mind.sheet import whole

    with tempfile.TemporaryDirectory() as fresh:
        mind = Mind(MindOptions(archive=Path(fresh), keyframe=1e9))
        dreamer, noise, tiles = mind.parts.dreamer, mind.stream.walk.fresh(1), []
        for sentence in PROGRAMME:
            thought = whole(mind, Dream(sentence), noise)
            dreamt = dreamer.imagine(mind.parts.condition(sentence), noise)
            shown = dreamer.imagine(thought.condition, noise, thought.start, thought.strength)
            three = [dreamer.decode(latent)[::2, ::2, :3] for latent in (dreamt, thought.again.latent, shown)]
            tiles.append(_named(np.concatenate(three, 1), sentence))
        mind.close()
    sheet(tiles, 3).save(folder / "sources.png", optimize=True)


def consecutive(count: int, rate: float = 8.0) -> list[Pixels]:
    """Pictures of a fresh mind, (h, w, 3) u8, one after the other as the wall gets them; new words every half of them."""
    from engine.core.messages import Dream
    from engine.mind.mind import Mind
    from engine.mind.options import MindOptions

    with tempfile.TemporaryDirectory() as fresh:
        mind = Mind(MindOptions(archive=Path(fresh)))
        made = [mind.picture(Dream(PROGRAMME[2 * k // count]), k / rate).rgba[..., :3] for k in range(count)]
        mind.close()
    return made


def tutorial(folder: Path) -> None:
    """Each Python block of docs/tutorial.md, played with the shader of its own: one still, or what was heard."""
    text = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
    wanted = re.findall(r"pictures/(tutorial-\d+\.jpg)", text)
    scenes = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    with tempfile.TemporaryDirectory() as fresh:
        place = Path(fresh)
        (place / "shaders").mkdir()
        (place / "shaders" / "rings.fs").write_text(re.findall(r"```glsl\n(.*?)```", text, re.DOTALL)[0])
        for name, scene in zip(wanted, scenes, strict=True):
            (place / "mine.py").write_text(scene)
            seen, heard = _played(place, place / name)
            (_listened(heard, place) if "Grain" in scene and "touch" not in scene else seen).save(folder / name, quality=88)


def _played(place: Path, home: Path) -> tuple[Image.Image, NDArray[np.float32]]:
    """Ten seconds of mine.py in a folder, with a fresh memory, touched after nine: the last frame, and the sound (n, 2) of it all."""
    import av

    from engine.core.machine import Machine
    from engine.core.messages import Touch
    from engine.house.command import parser
    from engine.house.plan import plan
    from engine.house.render import play

    film, say = place / "mine.mp4", ["--say", "a castle on a hill", "--say", "fire"]
    words = ["render", str(place / "mine.py"), str(film), *say, "--seconds", "10", "--size", "640x360", "--seed", "7"]
    options = parser().parse_args([*words, "--home", str(home)])
    options.sound = "null"
    play(plan(options, Machine()), film, score=[Touch(0.42, 0.55, at=9.0)])
    with av.open(str(film)) as container:
        for frame in container.decode(video=0):
            last = frame
    with av.open(str(film)) as container:
        pieces = [piece.to_ndarray() for piece in container.decode(audio=0)]
    return last.to_image(), np.concatenate(pieces, 1).T.astype(np.float32)


def _listened(heard: NDArray[np.float32], place: Path) -> Image.Image:
    from engine.sound.measure import picture

    picture(place / "heard.png", heard, title="ten seconds of mine; new words at 0 and at 5 s")
    return Image.open(place / "heard.png").convert("RGB")


def reference(folder: Path) -> None:
    """docs/reference.md, which is no picture, but made as they are."""
    from engine.bench import reference as page

    page.write(folder)


DOCS = {"tutorial": tutorial, "scenes": scenes, "reference": reference}
MAKERS = {"sources.png": sources, "shaders.png": shaders, "listening.png": listening, "show.gif": show, "gap.png": gap}


def sheet(tiles: Sequence[Pixels], columns: int) -> Image.Image:
    """Tiles of one size (h, w, 3) in rows."""
    tiles = list(tiles) + [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    rows = [np.concatenate(tiles[k : k + columns], 1) for k in range(0, len(tiles), columns)]
    return Image.fromarray(np.concatenate(rows, 0))


def _named(picture: Pixels, name: str) -> Pixels:
    """A picture with a line of text under it."""
    from engine.core.sheet import plain

    height, width = picture.shape[:2]
    canvas = Image.new("RGB", (width, height + 16))
    canvas.paste(Image.fromarray(np.ascontiguousarray(picture)), (0, 0))
    ImageDraw.Draw(canvas).text((5, height + 2), plain(name), fill=(190, 190, 190))
    return np.asarray(canvas)


def _rgba(picture: NDArray[np.float32]) -> Pixels:
    """(3, h, w) in 0..1 -> (h, w, 4) u8."""
    pixels = (picture.transpose(1, 2, 0) * 255).round().astype(np.uint8)
    return np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
