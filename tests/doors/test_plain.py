"""The live view as JPEGs and samples, out of the stage's own fragments."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator

import numpy as np
from PIL import Image

from engine.doors.plain import RATE, pieces
from engine.stage.outputs.encoder import Encoder


def fragments() -> list[bytes]:
    """Three seconds of a moving bar and a tone, as `Live` hands them on."""
    import socket
    import struct
    import tempfile
    import threading
    from pathlib import Path

    from engine.stage.outputs.live import Live

    with tempfile.TemporaryDirectory() as folder:
        live = Live(str(Path(folder) / "live"))
        encoder = Encoder([live], (160, 90), 10.0, rate=48_000)
        got: list[bytes] = []

        def read() -> None:
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(str(live.address))
                file = sock.makefile("rb")
                while len(got) < 4 and (head := file.read(4)):
                    got.append(file.read(struct.unpack(">I", head)[0]))

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        tone = (0.2 * np.sin(2 * np.pi * 440 * np.arange(48_000 * 60) / 48_000)).astype(np.float32)[:, None].repeat(2, 1)
        for number in range(600):
            frame = np.zeros((90, 160, 3), np.uint8)
            frame[:, number * 4 % 140 : number * 4 % 140 + 20] = 230
            encoder.offer(frame, number / 10)
            encoder.hear(tone[number * 4800 : (number + 1) * 4800], number / 10)
            reader.join(0.02)
            if not reader.is_alive():
                break
        encoder.close()
        live.close()
        return got


def test_pictures_and_samples_come_out_of_the_stream() -> None:
    made = fragments()
    assert len(made) >= 3

    async def watch() -> list[bytes]:
        async def source() -> AsyncIterator[bytes]:
            for fragment in made:
                yield fragment
                await asyncio.sleep(0.05)
            await asyncio.sleep(1.0)

        return [piece async for piece in pieces(source())]

    shown = asyncio.run(asyncio.wait_for(watch(), 60))
    pictures = [Image.open(io.BytesIO(piece[1:])) for piece in shown if piece[:1] == b"J"]
    samples = np.concatenate([np.frombuffer(piece[1:], np.int16) for piece in shown if piece[:1] == b"A"])
    assert pictures and all(picture.size == (160, 90) for picture in pictures)
    assert len(samples) > RATE // 10 and np.abs(samples).max() > 1000
