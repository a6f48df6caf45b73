"""`hypermnesia evaluate`: what the embedded model can do, in figures that could have come out worse.

Every figure stands beside what it can be compared with: a ceiling that real paintings reach under the same judge, or
a floor. The judge learned from paintings of seeds that training never uses. The figures go into `figures.json` and into
the model card beside the weights, with a sheet of 48 sentences, two seeds each, unpicked.

    hypermnesia evaluate --judge var/judge            # the student alone
    hypermnesia evaluate --judge var/judge --wall     # what is presented
    hypermnesia evaluate --sheet var/sheet.png --blind
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.atelier.sizes import Sizes

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # see train.py


def parser() -> argparse.ArgumentParser:
    """The options of `hypermnesia evaluate`."""
    made = argparse.ArgumentParser(prog="hypermnesia evaluate", description="Measure the embedded model; write the table into its card.")
    made.add_argument("--model", type=Path, metavar="FOLDER", help="weights (default: the shipped ones)")
    made.add_argument("--quick", action="store_true", help="two minutes, rougher figures")
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--threads", type=int, default=0)
    made.add_argument("--precision", choices=("auto", "bf16", "fp32"), default="auto",
                      help="what the model runs in (default: bf16 where the processor computes it)")
    made.add_argument("--history", type=Path, metavar="TRAINING",
                      help="only the curve: retrieval by every student that a training left, beside the weights in --model")
    made.add_argument("--only-sheet", action="store_true", help="write sheet.jpg, of the student alone, and stop")
    made.add_argument("--wall", action="store_true", help="judge what is presented, of the whole mind on a real stage; an hour and more")
    made.add_argument("--judge-minutes", type=float, metavar="N", help="for the judge, half of them painting what it learns from (default: 40; quick: 2)")
    made.add_argument("--judge", type=Path, metavar="FOLDER", help="read the judge there, or leave it there for the next time")
    made.add_argument("--sheet", type=Path, metavar="FILE", help="only a sheet of frames as the wall presents them, three seconds after the words")
    made.add_argument("--sentences", choices=("visitors", "without", "card"), default="visitors", help="of that sheet: what visitors write, what no painter paints, the 48 of the card (default: %(default)s)")
    made.add_argument("--blind", action="store_true", help="of that sheet: shuffled, numbered, without words; the key in a file beside it")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write; 0, or 1 with one sentence if the weights are not there, 2 where the arguments make no sense."""
    asked = parser().parse_args(argv)
    import torch

    from engine.atelier.card import write_card
    from engine.atelier.figures import Studio
    from engine.mind.model import embedded
    from engine.mind.model.cpu import computes_bfloat16

    if asked.model and (asked.wall or asked.sheet):
        print("--wall and --sheet look at the show, which plays the weights that ship: put them into engine/mind/model/embedded", file=sys.stderr)
        return 2
    if asked.threads:
        torch.set_num_threads(asked.threads)
    folder = asked.model or embedded.FOLDER
    try:
        model = embedded.load(folder)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    if asked.sheet:
        return said_sheet(asked.sheet, asked.sentences, asked.blind, asked.seed)
    if asked.wall:
        _write(folder, "wall", asked, lambda tell, judged, sizes: _wall(model, judged, sizes, asked.seed, tell))
        return 0
    studio = Studio(model, bf16=asked.precision == "bf16" or (asked.precision == "auto" and computes_bfloat16()))
    if asked.history:
        return curve(studio, asked, folder)
    sheet48(studio, folder / "sheet.jpg")
    if asked.only_sheet:
        write_card(folder)
    else:
        from engine.atelier.figures import measure

        _write(folder, "student", asked, lambda tell, judged, sizes: measure(studio, judged, sizes, asked.seed, tell))
    return 0


Measured = list[dict[str, str]]


def _write(folder: Path, part: str, asked: argparse.Namespace, measure: Callable[[Callable[[str], None], Any, Any], Measured]) -> None:
    """Measure one part ("student" or "wall") and write it into `figures.json` and the card; the other stays as it was."""
    from engine.atelier.card import table, write_card
    from engine.atelier.judge import FILE as JUDGE

    began = time.monotonic()
    tell, sizes = _teller(began), _sizes(asked)
    read = bool(asked.judge and (asked.judge / JUDGE).is_file())  # made before: for how long is not known
    judged = _judge(asked, sizes, tell)
    rows = measure(tell, judged, sizes)
    found = {"date": datetime.date.today().isoformat(), "quick": asked.quick, "seed": asked.seed, "rows": rows,
             **({} if read else {"judge_minutes": sizes.judge_minutes}), "minutes": round((time.monotonic() - began) / 60, 1)}  # fmt: skip
    path = folder / "figures.json"
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    kept = {name: one for name, one in kept.items() if name in ("student", "wall")} | {part: found}
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(table(found, part))
    write_card(folder)


def _sizes(asked: argparse.Namespace) -> Sizes:
    sizes = Sizes.quick() if asked.quick else Sizes()
    return replace(sizes, judge_minutes=asked.judge_minutes) if asked.judge_minutes else sizes


def _judge(asked: argparse.Namespace, sizes: Sizes, tell: Callable[[str], None]) -> Any:
    """The judge, with what it can do said first: a figure under a judge that cannot judge means nothing."""
    from engine.atelier import judge
    from engine.atelier.presented import ceiling

    judged = judge.learned(sizes.judge_minutes, asked.seed, tell, asked.judge)
    tell(f"real paintings reach {ceiling(judged, judge.unseen(min(142, sizes.captions), 128, asked.seed + 5))}")
    return judged


def _wall(model: Any, judged: Any, sizes: Sizes, seed: int, tell: Callable[[str], None]) -> Measured:
    from engine.atelier import presented, wall

    return presented.measure(wall.opened(), model, judged, sizes, seed, tell)


def curve(studio: Any, asked: argparse.Namespace, folder: Path) -> int:
    """Write `curve.json`: what every student of a training could do, under one judge; 2 where there is none."""
    from engine.atelier import judge
    from engine.atelier.card import curve_table, write_card
    from engine.atelier.figures import history

    snapshots = sorted((asked.history / "history").glob("student-*.pt"))
    if not snapshots:
        print(f"{asked.history / 'history'} holds no student; hypermnesia train leaves one with every sheet", file=sys.stderr)
        return 2
    tell, sizes = _teller(time.monotonic()), _sizes(asked)
    judged, chosen = _judge(asked, sizes, tell), judge.unseen(sizes.captions, 128, asked.seed)
    told = history(studio, snapshots, judged, chosen, tell)
    found = {"date": datetime.date.today().isoformat(), "seed": asked.seed, **told}
    (folder / "curve.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(curve_table(found))
    write_card(folder)
    return 0


def said_sheet(path: Path, which: str, blind: bool, seed: int) -> int:
    """Frames as presented 3 s after each sentence, unpicked, on one sheet.

    `blind`: shuffled and numbered, without words; what was said stands in `<sheet>.key.txt` beside it.
    """
    import torch
    import torch.nn.functional as F

    from engine.atelier import sentences, wall
    from engine.core.sheet import sheet

    said = list({"visitors": sentences.VISITORS, "without": sentences.WITHOUT, "card": sentences.ALL}[which])
    if blind:
        random.Random(f"blind {seed}").shuffle(said)
    hung, tell = wall.opened(), _teller(time.monotonic())
    frames = []
    for number, words in enumerate(said):
        frames.append(hung.say(words, seed * 1000 + number).frame)
        if number % 8 == 7:
            tell(f"{number + 1} of {len(said)} sentences said")
    small = F.interpolate(torch.stack(frames), size=(180, 320), mode="area")
    sheet(small, [str(number) for number in range(1, len(said) + 1)] if blind else said, 5, path)
    if blind:
        key = path.with_suffix(".key.txt")
        key.write_text("".join(f"{number}\t{words}\n" for number, words in enumerate(said, 1)), encoding="utf-8")
        print(f"{path}, and what was said in {key}")
    return 0


def sheet48(studio: Any, path: Path, side_px: int = 256, shown_px: int = 160) -> None:
    """The 48 sentences of the card, two seeds each (0 and 1), unpicked, one step, as one picture."""
    import torch
    import torch.nn.functional as F

    from engine.atelier.sentences import ALL
    from engine.core.sheet import sheet

    texts = [text for text in ALL for _ in range(2)]
    pictures = studio.pictures(texts, [0, 1] * len(ALL), side_px)
    with torch.inference_mode():
        small = F.interpolate(pictures, size=(shown_px, shown_px), mode="area")
    sheet(small, ALL, 12, path, per_label=2)


def _teller(began: float) -> Callable[[str], None]:
    def tell(line: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {line}", flush=True)

    return tell


if __name__ == "__main__":
    sys.exit(main())
