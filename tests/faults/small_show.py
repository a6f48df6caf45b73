"""A show of twenty frames a second and nothing to see, that does what files in its folder ask for."""

import argparse
import faulthandler
import os
import signal
import sys
import time
from pathlib import Path

from engine.core.errors import Plain
from engine.house.lasting import Lasting


class Flags:
    """`folder/hang` makes the loop hang inside of a scene, `folder/wait` outside; each start writes a line to `starts`."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __getattr__(self, name: str) -> bool:
        return (self.folder / name).exists()


def show(options: argparse.Namespace, machine: object, names: object, fallen: object) -> None:
    faulthandler.register(signal.SIGUSR1)
    flags, pulses = Flags(options.folder), Lasting(names=names).pulses  # type: ignore[arg-type]
    with (options.folder / "starts").open("a") as starts:
        print(f"{time.monotonic()}|{fallen}|{os.getpid()}", file=starts)
    if flags.refuse:
        print("hypermnesia: no such thing", file=sys.stderr)
        sys.exit(2)
    if flags.crash:
        os.kill(os.getpid(), signal.SIGKILL)
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(1))
    while not ended:
        time.sleep(0.05)
        pulses.beat("loop")
        pulses.put("frames", pulses.get("frames") + 1.0)
        pulses.put("inside", 1.0)
        while flags.hang and not fallen:
            pass
        pulses.put("inside", 0.0)
        while flags.wait and not fallen:
            time.sleep(0.05)
    sys.exit(0)


if __name__ == "__main__":
    from engine.house.watchdog import Watchdog

    lasting = Lasting()
    Path(sys.argv[1], "names").write_text(lasting.names.pulses)
    try:
        sys.exit(Watchdog(argparse.Namespace(folder=Path(sys.argv[1])), None, lasting, show).run())  # type: ignore[arg-type]
    except Plain as wrong:
        sys.exit(str(wrong))
    finally:
        lasting.close()
