"""The archive keeps what it acknowledged, through kills and restarts, and erases what is taken back."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.messages import Text
from engine.mind.memory.archive import Archive, ArchiveError, Birth, Seen, pack, unpack
from engine.mind.memory.founding import FILE, load
from engine.mind.memory.lineage import Line, descend
from engine.mind.memory.withdrawal import Journal, withdraw
from engine.mind.model import embedded
from engine.mind.model.lapped import Lapped
from engine.mind.recipes import painter

CANARY = "the ocelot keeps seventeen umbrellas"
WRITER = """
import sys
from pathlib import Path
from engine.core.messages import Text
from engine.mind.memory.archive import Archive
archive = Archive(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    archive.hear(Text(f"sentence {number} of {sys.argv[2]}", key=f"{sys.argv[2]}-{number}"))
    print(number, flush=True)
"""


def birth(words: str = "a red moon", seed: int = 0, **more: object) -> Birth:
    rng = np.random.default_rng(seed)
    vector = rng.standard_normal(64).astype(np.float32)
    vector /= np.linalg.norm(vector)
    latent = rng.standard_normal((4, 8, 8)).astype(np.float16)
    return Birth("founding", words, vector, Seen(latent, vector[::-1].copy(), bytes(32)), **more)  # type: ignore[arg-type]


def test_what_was_remembered_is_there_after_a_restart(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    root = archive.remember(birth(), "space")
    line = descend([(1.0, Line.root(root))])
    child = archive.remember(birth("its child", 1, parents=[(root, 1.0)], line=line), "space")
    archive.close()
    again = Archive(tmp_path)
    fragments, t, v = again.recallable("space")
    assert [f.words for f in fragments] == ["a red moon", "its child"] and fragments[1].depth == 1
    assert np.allclose(t[0], birth().meaning, atol=1e-3) and np.allclose(v[1], birth(seed=1).seen.vector, atol=1e-3)
    assert np.array_equal(again.latents([child], "space")[child], birth(seed=1).seen.latent)
    assert again.parents(child) == [(root, 1.0)] and again.lines([child])[child].share(root) == 1.0
    assert again.recallable("another model's space")[0] == []


def test_latents_survive_packing_bit_for_bit() -> None:
    latent = np.random.default_rng(0).standard_normal((4, 32, 32)).astype(np.float16)
    packed = pack(latent)
    assert np.array_equal(unpack(packed, (4, 32, 32)), latent) and len(packed) < 0.96 * latent.nbytes


def test_a_picture_is_kept_in_steps_of_what_its_channels_carry_and_nobody_sees_a_difference() -> None:
    codec, table = Lapped.load(embedded.FOLDER / "codec"), load(embedded.FOLDER / FILE)
    carries, sizes = codec.carries.numpy(), []
    for row in range(0, len(table), len(table) // 12):
        rgb = torch.from_numpy(painter(table.recipes[row], (256, 256))).permute(2, 0, 1)[None] / 255
        with torch.inference_mode():
            latent = codec.encode(rgb)
            seen = Seen.of(latent[0].numpy(), np.zeros(4, np.float32), b"", carries)
            packed = pack(seen.latent, seen.steps)
            assert np.array_equal(unpack(packed, seen.latent.shape), seen.latent), "what is remembered is what was there"
            shown = codec.decode(latent).clamp(0, 1) - codec.decode(torch.from_numpy(seen.latent)[None].float()).clamp(0, 1)
        assert -10 * shown.square().mean().log10() >= 45
        sizes.append(len(packed))
    assert np.mean(sizes) < 8000 and max(sizes) < 14000


def test_models_whose_channels_are_all_alike_keep_every_bit() -> None:
    latent = np.random.default_rng(0).standard_normal((4, 8, 8)).astype(np.float32)
    seen = Seen.of(latent, np.zeros(4, np.float32), b"", None)
    assert np.array_equal(unpack(pack(seen.latent, seen.steps), (4, 8, 8)), latent.astype(np.float16))


def test_the_same_key_is_stored_once_and_gets_the_same_code(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    first, code, fresh = archive.hear(Text("hello", key="k"))
    second, again, stale = archive.hear(Text("hello", key="k"))
    assert (first, code) == (second, again) and fresh and not stale and archive.count() == 1
    other, _, _ = archive.hear(Text("hello"))
    assert other != first, "without a key every text is a text of its own"


def test_a_code_is_found_as_a_tired_hand_types_it_and_no_other_is(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    fragment, code, _ = archive.hear(Text("hello", key="k"))
    assert archive.find(f" {code[:5].upper()}-{code[5:]} ") == fragment
    assert archive.find("aaaaaaaaaa") == 0


def test_withdrawal_leaves_no_byte_of_the_words_on_the_disk(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    for number in range(50):
        archive.hear(Text(f"others write too, number {number}", key=str(number)))
    fragment, code, _ = archive.hear(Text(CANARY, key="canary-key"))
    archive.develop(fragment, birth(), "space")
    assert grep(tmp_path, CANARY), "before the withdrawal the words are there"
    mass = archive.mass
    withdraw(archive, Journal(tmp_path), archive.code(code))
    assert not grep(tmp_path, CANARY) and not grep(tmp_path, "ocelot") and not grep(tmp_path, "canary-key")
    found = archive.fragment(fragment)
    assert found and found.words == "" and found.state == 1 and archive.mass == mass
    assert archive.recallable("space")[0] == [] and archive.find(code) == fragment, "the code is known, nothing else"
    assert archive.count("words LIKE 'others%'") == 50


def test_a_broken_file_is_refused_with_the_next_move(tmp_path: Path) -> None:
    (tmp_path / "memory.sqlite").write_bytes(b"this is no database, " * 500)
    with pytest.raises(ArchiveError, match="archive restore"):
        Archive(tmp_path)


def grep(folder: Path, words: str) -> bool:
    """Whether the words stand in any file, in any usual encoding."""
    needles = [words.encode(), words.encode("utf-16-le"), words.casefold().encode()]
    return any(needle in file.read_bytes() for file in folder.rglob("*") if file.is_file() for needle in needles)


def killed_while_writing(folder: Path, run: int, seconds: float) -> int:
    """Start a writer, kill -9 it amid its writing; returns how many sentences it had acknowledged."""
    command = [sys.executable, "-c", WRITER, str(folder), str(run)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as writer:
        assert writer.stdout
        acknowledged = int(writer.stdout.readline())
        time.sleep(seconds)
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.stdout.read().split("\n")
        whole = [line for line in rest[:-1] if line]  # the last line may be cut
        return int(whole[-1]) if whole else acknowledged


def lost(folder: Path, acknowledged: dict[int, int]) -> int:
    """Acknowledged sentences that the archive does not hold."""
    archive = Archive(folder)
    held = {key for (key,) in archive._base.execute("SELECT key FROM fragment")}
    archive.close()
    return sum(f"{run}-{n}" not in held for run, last in acknowledged.items() for n in range(1, last + 1))


@pytest.mark.parametrize("kills", [5, pytest.param(100, marks=pytest.mark.long)])
def test_kills_while_writing_lose_nothing_that_was_acknowledged(tmp_path: Path, kills: int) -> None:
    rng = np.random.default_rng(kills)
    acknowledged: dict[int, int] = {}
    begun = time.monotonic()
    for run in range(kills):
        acknowledged[run] = killed_while_writing(tmp_path, run, float(rng.uniform(0.02, 0.25)))
        assert Archive(tmp_path).count() >= sum(acknowledged.values()), "the archive opens every time"
    total, seconds = sum(acknowledged.values()), time.monotonic() - begun
    print(f"{kills} kills, {total} acknowledged in {seconds:.0f} s, lost {lost(tmp_path, acknowledged)}")
    assert total >= kills and lost(tmp_path, acknowledged) == 0
