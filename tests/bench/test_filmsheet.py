"""A film on one page: its stills where they are in it, its sound under them, and a sentence for what is no film."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from engine.bench.filmsheet import LINE, RATE, WIDTH, look, main
from engine.stage.outputs.recording import Recorder

FPS, SIZE, SECONDS = 10.0, (64, 36), 6


def film(path: Path, sounds: bool = True) -> Path:
    """Six seconds that grow lighter second by second; a tone in the last three."""
    recorder = Recorder(path, SIZE, FPS, 48_000, patient=True)
    for n in range(round(SECONDS * FPS)):
        recorder.offer(np.full((SIZE[1], SIZE[0], 4), 40 * int(n / FPS), np.uint8), n / FPS)
        time = n / FPS + np.arange(4800) / 48_000
        tone = np.where(time >= 3.0, 0.4 * np.sin(2 * np.pi * 440.0 * time), 0.0) if sounds else 0.0 * time
        recorder.hear(np.stack([tone, tone], 1).astype(np.float32), n / FPS)
    recorder.close()
    return path


def test_stills_lie_where_they_are_in_the_film_and_so_does_its_sound(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4")
    found = look(path, 6)
    assert [round(still.mean() / 40) for _, still in found.stills] == [0, 1, 2, 3, 4, 5], "a still of another second"
    level = np.abs(found.sound[:, 0])
    assert level[: round(2.9 * RATE)].max() < 0.01 < 0.3 < level[round(3.2 * RATE) : round(5.8 * RATE)].max()
    part = look(path, 2, since=4.0)
    assert [round(still.mean() / 40) for _, still in part.stills] == [4, 5] and part.seconds == pytest.approx(2.0, abs=0.15)
    assert main(["sheet", str(path), "--rows", "1", "--columns", "2"]) == 0
    page = np.asarray(Image.open(tmp_path / "a.sheet.png"))
    tall = (len(page) - 734) - LINE
    assert page.shape[1] == WIDTH and [round(page[tall // 2, WIDTH // 4 + k * WIDTH // 2].mean() / 40) for k in range(2)] == [1, 4]
    assert page[tall + LINE + 60 : tall + LINE + 500, WIDTH // 4].max() < 60 < page[tall + LINE + 60 : tall + LINE + 500, 3 * WIDTH // 4].max(), "the tone is not seen"


def test_what_is_no_film_is_said_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.mp4").write_text("no film")
    path = film(tmp_path / "a.mp4")
    for words, said in (
        (["shet", str(path)], "did you mean sheet?"),
        (["sheet", str(tmp_path / "none.mp4")], "none.mp4"),
        (["sheet", str(tmp_path / "text.mp4")], "text.mp4"),
        (["sheet", str(path), "--from", "60"], "nothing from 60 s on"),
        (["sheet", str(path), "--out", str(tmp_path / "a.txt")], ".png or .jpg"),
    ):  # fmt: skip
        assert main(words) == 2
        assert said in capsys.readouterr().err
    with av.open(str(path)) as container:
        assert container.streams.audio
