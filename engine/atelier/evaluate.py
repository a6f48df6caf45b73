"""`hypermnesia evaluate`: what the embedded model can do, in figures that could have come out worse.

Every figure stands beside what it can be compared with: a ceiling that real paintings reach under the same judge, or
a floor. The judge learned from paintings of seeds that training never uses. The figures go into `figures.json` and into
the model card beside the weights, with a sheet of 48 sentences, two seeds each, unpicked.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.atelier.sizes import Sizes

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # see train.py


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="hypermnesia evaluate", description="Measure the embedded model; write the table into its card.")
    made.add_argument("--model", type=Path, metavar="FOLDER", help="weights (default: the shipped ones)")
    made.add_argument("--quick", action="store_true", help="two minutes, rougher figures")
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--threads", type=int, default=0)
    made.add_argument("--precision", choices=("auto", "bf16", "fp32"), default="auto",
                      help="what the model runs in (default: bf16 where the processor computes it)")
    made.add_argument("--history", type=Path, metavar="TRAINING",
                      help="only the curve: retrieval by every student that a training left, beside the weights in --model")
    made.add_argument("--only-sheet", action="store_true", help="write sheet.jpg and stop")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write; 0, or 1 with one sentence if the weights are not there."""
    asked = parser().parse_args(argv)
    import torch

    from engine.atelier.card import table, write_card
    from engine.atelier.figures import Studio, measure
    from engine.mind.model import embedded
    from engine.mind.model.cpu import computes_bfloat16

    if asked.threads:
        torch.set_num_threads(asked.threads)
    folder = asked.model or embedded.FOLDER
    try:
        studio = Studio(embedded.load(folder), bf16=asked.precision == "bf16" or (asked.precision == "auto" and computes_bfloat16()))
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    if asked.history:
        return curve(studio, asked.history, folder, asked.seed, Sizes.quick() if asked.quick else Sizes())
    sheet48(studio, folder / "sheet.jpg")
    if not asked.only_sheet:
        began = time.monotonic()
        sizes = Sizes.quick() if asked.quick else Sizes()
        rows = measure(studio, sizes, asked.seed, _teller(began))
        figures: dict[str, Any] = {"date": datetime.date.today().isoformat(), "quick": asked.quick, "seed": asked.seed,
                                   "minutes": round((time.monotonic() - began) / 60, 1), "rows": rows}
        (folder / "figures.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(table(figures))
    write_card(folder)
    return 0


def curve(studio: Any, training: Path, folder: Path, seed: int, sizes: Sizes) -> int:
    """Write `curve.json`: what every student of a training could do, under one judge; 2 where there is none."""
    from engine.atelier import judge
    from engine.atelier.card import curve_table, write_card
    from engine.atelier.figures import history, some
    from engine.painter import paint

    snapshots = sorted((training / "history").glob("student-*.pt"))
    if not snapshots:
        print(f"{training / 'history'} holds no student; hypermnesia train leaves one with every sheet", file=sys.stderr)
        return 2
    judged = judge.train_judge(judge.paintings(sizes.train_each, judge.SIDE_PX, seed), sizes.judge_steps, seed)
    chosen = some(judge.paintings(-(-sizes.captions // len(paint.KINDS)), 128, seed + 1000), sizes.captions)
    told = history(studio, snapshots, judged, chosen, _teller(time.monotonic()))
    found = {"date": datetime.date.today().isoformat(), "seed": seed, **told}
    (folder / "curve.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(curve_table(found))
    write_card(folder)
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
