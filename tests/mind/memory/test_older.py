"""An archive of 0.2 is opened: its words are read again, its pictures come over, nothing is lost, and a kill goes on."""

from __future__ import annotations

import functools
import itertools
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.messages import KINDS, Text
from engine.mind.keeper import Keeper
from engine.mind.memory.archive import Archive, Birth, Seen
from engine.mind.memory.lineage import Line, descend
from engine.mind.memory.older import pictures_of_before
from engine.mind.memory.recall import Memory
from engine.mind.memory.records import f16, pack, pack_line
from engine.mind.model import embedded
from engine.mind.model.before import Before
from engine.mind.model.encoder import Encoder
from engine.mind.options import MindOptions
from engine.mind.parts import Parts
from engine.mind.recipes import painter
from engine.painter.attributes import OFFERS
from engine.painter.recipe import crowd
from tests.mind.memory.lens import Lens

OLD, NEW = "embedded of before", "embedded of today"
PLACES = 16  # of an old latent's side: pictures of 128 x 128
WHO = ("my grandmother", "a child", "the old sailor", "nobody", "my brother", "the neighbour", "a stranger")
WHERE = ("by the sea", "in the kitchen", "under the stairs", "on the moon", "at the station", "in a red room", "on the island")
WHAT = ("was waiting", "sang", "lost a key", "burned the letters", "planted a tree", "counted birds", "fell asleep")
SENTENCES = [f"{who} {what} {where}" for who, what, where in itertools.product(WHO, WHAT, WHERE)]


@functools.cache
def old_latents() -> list[np.ndarray]:
    """(4, PLACES, PLACES) f16 of eight paintings, as the autoencoder of before encodes them."""
    from diffusers import AutoencoderTiny

    from engine.mind.model.codec import Tiny

    codec = Tiny(AutoencoderTiny.from_pretrained(embedded.FOLDER / "before" / "vae", local_files_only=True).eval())
    kinds = sorted(OFFERS)[:: max(1, len(OFFERS) // 8)][:8]
    pictures = [painter(crowd({}, (kind,), 1, 1)[0], (8 * PLACES, 8 * PLACES)) for kind in kinds]
    with torch.inference_mode():
        return [codec.encode(torch.from_numpy(p).permute(2, 0, 1)[None].float() / 255)[0].numpy().astype(np.float16) for p in pictures]


def archive_of_before(folder: Path, visitors: int, machine: int, founders: int = 8) -> None:
    """Rows as 0.2 wrote them: meanings of 384 numbers, latents of 4 channels as deflated f16, founders with ids of their own."""
    archive, chance = Archive(folder), np.random.default_rng(0)
    with archive.transaction() as base:
        for number in range(founders + visitors + machine):
            kind = "founding" if number < founders else "visitor" if number < founders + visitors else "machine"
            words = "" if kind == "machine" and number % 2 else SENTENCES[number % len(SENTENCES)]
            made = base.execute(
                "INSERT INTO fragment (kind, day, words, key, visit, code) VALUES (?, 20000, ?, ?, ?, ?)",
                (KINDS.index(kind), words, f"{kind} {number}", *((bytes([number % 251]), str(number).encode()) if kind == "visitor" else (None, None))),
            )
            fragment, latent = int(made.lastrowid or 0), old_latents()[number % 8]
            base.execute("INSERT INTO meaning VALUES (?, ?)", (fragment, f16(chance.standard_normal(384).astype(np.float32))))
            base.execute("INSERT INTO picture VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                         (fragment, OLD, *latent.shape, pack(latent), f16(chance.standard_normal(512).astype(np.float32)), bytes(32)))  # fmt: skip
            line = Line.root(fragment)
            if kind == "machine":
                parent = 1 + number % (founders + visitors)
                base.execute("INSERT INTO edge VALUES (?, ?, 1.0)", (fragment, parent))
                line = descend([(1.0, Line.root(parent))])
            base.execute("INSERT INTO line VALUES (?, ?, ?, ?, ?)", (fragment, *pack_line(line)))
    archive.close()


@functools.cache
def parts() -> Parts:
    return Parts(Lens(PLACES), embedded.reader(), NEW, before=Before())


def opened(folder: Path) -> Keeper:
    return Keeper(MindOptions(archive=folder, size=parts().dreamer.size), parts())


def standing(archive: Archive) -> tuple[object, ...]:
    """What must stay: everybody's words, mass, edges and lines."""
    fragments = [(f.id, f.kind, f.words, f.mass, f.visit) for f in archive.select()]
    lines = archive.lines([f[0] for f in fragments])
    return fragments, sorted(archive.edges()), [(one, line.ids.tolist(), line.shares.tolist()) for one, line in sorted(lines.items())]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.square((a.astype(np.float32) - b) / 255).mean()))


def converted(folder: Path) -> None:
    """Open, convert, and hold everything against what it was."""
    with_old = Archive(folder)
    before = standing(with_old)
    people = list(with_old.select("kind = 1"))
    old = {f.id: parts().before.picture(old_latents()[(f.id - 1) % 8].astype(np.float32)) for f in people[:8]}  # type: ignore[union-attr]
    with_old.close()
    keeper = opened(folder)
    try:
        assert keeper.convert() and keeper.kind(next(iter(keeper.memory.row))) == "visitor", "people come first"
        while keeper.convert():
            pass
        assert not pictures_of_before(keeper.archive, NEW) and keeper.archive.spaces() == [NEW]
        assert standing(keeper.archive) == before, "nothing is lost"
        assert set(keeper.memory.row) == {f.id for f in keeper.archive.select()}, "all are recalled, also before a restart"
        for f in people[:8]:
            latent = torch.from_numpy(keeper.memory.latents([keeper.memory.row[f.id]]))
            shown = parts().dreamer.decode(latent[0])[..., :3]
            assert psnr(shown, old[f.id]) >= 28
        vectors = Encoder().sentence([f.words for f in people])
        for row in range(0, len(people), max(1, len(people) // 16)):
            want = {people[k].id for k in np.argsort(-(vectors @ vectors[row]), kind="stable")[:64]}
            own = np.array([keeper.memory.row[f.id] for f in people])
            likeness = keeper.memory.words.raw(own) @ vectors[row]
            found = {people[k].id for k in np.argsort(-likeness, kind="stable")[:64]}
            assert len(want & found) >= 0.9 * len(want)
        fragment, *_ = keeper.archive.hear(Text("and it goes on", key="new"))
        assert fragment > before[0][-1][0]  # type: ignore[index]
    finally:
        keeper.close()
    again = Archive(folder)
    memory = Memory(again, NEW, parts().dreamer.latent)
    assert len(memory) == len(before[0]) and memory.words.raw(np.arange(len(memory))).shape[1] == 512  # type: ignore[arg-type]
    again.close()


def test_an_archive_of_before_is_opened_converted_and_nothing_is_lost(tmp_path: Path) -> None:
    archive_of_before(tmp_path, visitors=72, machine=20)
    converted(tmp_path)


def test_a_picture_of_the_same_codec_stays_what_it_is_and_is_read_again(tmp_path: Path) -> None:
    """An archive of a release whose reader was another: until now its pictures were in no recall, without a word."""
    keeper, kept = opened(tmp_path), []
    for number in range(3):
        latent = torch.randn(parts().dreamer.latent, generator=torch.Generator().manual_seed(number))
        rgb = parts().dreamer.decode(latent)[..., :3]
        birth = Birth("machine", f"picture {number}", parts().means(f"picture {number}"), parts().seen(latent, rgb))
        kept.append((keeper.archive.remember(birth, "embedded by another reader"), latent))
    keeper.close()
    keeper = opened(tmp_path)
    assert not set(keeper.memory.row) & {fragment for fragment, _ in kept}
    while keeper.convert():
        pass
    for fragment, latent in kept:
        found = torch.from_numpy(keeper.memory.latents([keeper.memory.row[fragment]])[0])
        assert psnr(parts().dreamer.decode(found)[..., :3], parts().dreamer.decode(latent)[..., :3]) > 35 and keeper.archive.spaces() == [NEW]
    keeper.close()


@pytest.mark.long
def test_five_thousand_fragments_of_before_come_over(tmp_path: Path) -> None:
    archive_of_before(tmp_path, visitors=2000, machine=2760, founders=240)
    converted(tmp_path)


def test_a_kill_in_the_middle_loses_nothing_and_the_next_start_goes_on(tmp_path: Path) -> None:
    archive_of_before(tmp_path, visitors=16, machine=4, founders=4)
    archive = Archive(tmp_path)
    before = standing(archive)
    archive.close()
    ear, mouth = os.pipe()
    if not (child := os.fork()):
        keeper = opened(tmp_path)
        while keeper.convert():
            os.write(mouth, b".")
        os._exit(0)
    os.close(mouth)
    for _ in range(7):
        assert os.read(ear, 1)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(ear)
    keeper = opened(tmp_path)
    try:
        assert 0 < len(keeper.older) <= 24 - 7 and len(keeper.memory.row) == 24 - len(keeper.older)
        assert standing(keeper.archive) == before
        while keeper.convert():
            pass
        assert standing(keeper.archive) == before and set(keeper.memory.row) == {f.id for f in keeper.archive.select()}
    finally:
        keeper.close()


def test_founders_of_before_and_recipes_that_were_kept_weigh_no_more_than_founders_do(tmp_path: Path) -> None:
    archive, chance = Archive(tmp_path, passing=True), np.random.default_rng(0)
    for number in range(496):
        vector = chance.standard_normal(16).astype(np.float32)
        kind = "visitor" if number < 96 else "founding"
        archive.remember(Birth(kind, "", vector, Seen(np.zeros((1, 2, 2), np.float16), vector)), NEW, number=-number if number > 300 else None)  # type: ignore[arg-type]
    memory = Memory(archive, NEW, (1, 2, 2))
    weights = memory._weighted(np.arange(496), np.zeros(496, np.float32), 1.0).weights
    founding = np.array([f.kind == "founding" for f in memory.fragments])
    assert founding.sum() == 400 and weights[founding].sum() / weights[~founding].sum() == pytest.approx(240 / 96)


def test_a_sentence_that_is_taken_back_while_it_waits_never_comes_over(tmp_path: Path) -> None:
    archive_of_before(tmp_path, visitors=3, machine=0, founders=0)
    keeper = opened(tmp_path)
    try:
        gone = keeper.older[1]
        with keeper.archive.transaction() as base:
            base.execute("UPDATE fragment SET state = 1, words = NULL WHERE id = ?", (gone,))
            base.execute("DELETE FROM picture WHERE fragment = ?", (gone,))
        while keeper.convert():
            pass
        assert len(keeper.memory.row) == 2 and gone not in keeper.memory.row
    finally:
        keeper.close()
