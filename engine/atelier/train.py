"""`hypermnesia train`: the embedded model from nothing, in one command.

    hypermnesia train --budget 10              # minutes; pictures already answer to words
    hypermnesia train --budget 600 --resume    # go on, from where any earlier run was stopped
    hypermnesia train --from engine/mind/model/embedded    # go on from the weights that are shipped, on other pictures
    hypermnesia train --renew engine/mind/model/embedded   # painters have changed: heads and founding table anew, in place

Everything lives in one folder: cache, checkpoints, logs, sheets, and `model/`, which `engine.mind.model.embedded.load` reads.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.atelier.settings import Settings

# Before torch starts its threads: threads that wait busily are ruinous beside any other process
# (5.2 s a step against 0.77 s, two cores, one of them taken).
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def parser() -> argparse.ArgumentParser:
    """The options of `hypermnesia train`."""
    made = argparse.ArgumentParser(prog="hypermnesia train", description="Train the embedded model: codec, heads, teacher, one-step student, reader.")
    made.add_argument("--budget", type=float, metavar="MINUTES", help="for everything together (default: train.toml, run.minutes)")
    made.add_argument("--out", type=Path, default=Path("var/training"), metavar="FOLDER", help="(default: %(default)s)")
    made.add_argument("--device", default="", help="cpu, cuda, cuda:1 … (default: cuda if there is one)")
    made.add_argument("--threads", type=int, default=0, help="of a CPU (default: torch's choice)")
    made.add_argument("--settings", type=Path, metavar="TOML", help="other hyperparameters (default: engine/atelier/train.toml)")
    made.add_argument("--from", type=Path, dest="start", metavar="WEIGHTS",
                      help="go on from exported weights, such as engine/mind/model/embedded; the codec stays as it is")
    made.add_argument("--body", type=Path, nargs="+", default=[], metavar="FILE",
                      help="safetensors of a UNet of other latents, of which a young one takes over what fits")
    made.add_argument("--renew", type=Path, metavar="WEIGHTS",
                      help="only what painters decide: learn the heads of these weights again and paint the founding memories that are new, in place")
    made.add_argument("--resume", action="store_true", help="go on with the run in --out")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Train; 0 when the weights are written, 2 when the arguments make no sense."""
    asked = parser().parse_args(argv)
    import torch

    from engine.atelier import export, settings
    from engine.atelier.card import write_card
    from engine.atelier.workshop import Workshop

    if asked.threads:
        torch.set_num_threads(asked.threads)
    if asked.renew:
        return _renew(asked.renew, settings.load(asked.settings))
    started = (asked.out / "spent.json").exists()
    if started and not asked.resume:
        print(f"{asked.out} holds a training; go on with --resume, or name another folder with --out", file=sys.stderr)
        return 2
    if asked.start:
        from engine.mind.model.embedded import check

        try:
            check(asked.start)
        except FileNotFoundError as missing:
            print(missing, file=sys.stderr)
            return 2
    chosen = settings.load(asked.settings)
    device = asked.device or ("cuda" if torch.cuda.is_available() else "cpu")
    workshop = Workshop(chosen, asked.out, asked.budget or chosen.run.minutes, device, out=_say, start=asked.start, body=tuple(asked.body))
    workshop.train()
    export.export(workshop, asked.out / "model")
    write_card(asked.out / "model")
    _say(f"weights in {asked.out / 'model'}; measure them with: hypermnesia evaluate --model {asked.out / 'model'}")
    return 0


def _renew(folder: Path, chosen: Settings) -> int:
    """Heads and founding table anew; 2 where there are no weights."""
    from engine.atelier import export
    from engine.atelier.card import write_card

    try:
        export.renew(folder, chosen, _say)
    except FileNotFoundError as missing:
        print(missing, file=sys.stderr)
        return 2
    write_card(folder)
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
