"""What leaves this house: the recording of a show, who signs it, and the marks by which its pictures are found again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.core.errors import CannotPlay, Plain
from engine.core.machine import Machine
from engine.core.messages import State
from engine.origin.account import Account
from engine.origin.marks import Marks
from engine.origin.notary import Notary
from engine.origin.unsigned import Unsigned
from engine.origin.witness import Witness
from engine.stage.outputs.recording import Recording
from engine.stage.outputs.tap import Tap


class Leaving:
    """Made before the stage, closed after it. `folder` is the installation's `origin`; `record` the file that recordings
    are called after, None for none. What fails here is told by `notes` and never stops the show."""

    def __init__(self, folder: Path, machine: Machine, model: str, record: Path | None = None):
        facts = machine.record
        self.recording = Recording(record, facts.hours, int(facts.budget * 1e9)) if record else None
        self.notary = Notary(folder, machine.origin, named(model)) if machine.origin.sign else None
        self.marks = Marks(folder) if machine.origin.marks else None
        self._every = machine.origin.marks
        if self.recording and self.notary:
            self.recording.opened, self.recording.closed = self.notary.begun, self.notary.finished

    def tap(self, state: Callable[[], State]) -> Tap:
        """What looks at the wall beside those who watch; `state` is of the picture that it shows."""
        see = self.notary.see if self.notary else lambda state: None
        return Witness(state, see, self.marks, self._every)

    def notes(self) -> list[str]:
        """What is wrong, a sentence each."""
        found = (self.recording and self.recording.trouble, self.notary and self.notary.trouble, self.marks and self.marks.trouble)
        return [said for said in found if said]

    def close(self) -> None:
        """Sign what is finished, as far as there is time."""
        if self.notary:
            self.notary.close()


class Rendered:
    """The same for files that are rendered. `passing`: the memory that they are made from is not kept."""

    def __init__(self, folder: Path, machine: Machine, model: str, passing: bool = False):
        self.folder, self.facts = folder, machine.origin
        self.account = Account(named(model))
        self.marks = Marks(folder, passing) if self.facts.marks else None

    def tap(self, state: Callable[[], State]) -> Tap:
        return Witness(state, self.account.see, self.marks, self.facts.marks)

    def sign(self, *files: Path) -> None:
        """Sign what was rendered. Raises CannotPlay: the file is whole, and what is said of it is kept for `hypermnesia sign`."""
        from engine.origin.sign import signed  # 24 MB of library, which a live show leaves to another process

        for file in files if self.facts.sign else ():
            try:
                Unsigned(self.folder).keep(file, self.account.making())
                signed(file, self.folder, self.facts)
            except (Plain, OSError) as wrong:
                raise CannotPlay(f"{file} is whole, and not signed: {wrong}; hypermnesia sign {file} tries again") from wrong


def named(model: str) -> str:
    """A model by its name, never by where it lies."""
    return Path(model).name if Path(model).exists() else model
