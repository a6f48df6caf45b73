"""Every value that crosses between rooms: frozen, picklable, with shapes and units. Knows nobody. One list, so one page.

Times are float seconds of `time.monotonic()`, one clock for all processes of a machine, unless a field says
"scene seconds" (seconds since the show started, `Now.time`). Addresses are OSC addresses under `/hm/`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["founding", "visitor", "performer", "sensor", "machine"]
KINDS: tuple[Kind, ...] = ("founding", "visitor", "performer", "sensor", "machine")
Value = float | int | str | bool | bytes

# --- doors -> loop -> mind -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence that somebody gave: moderated, NFC, 1..280 characters."""

    words: str  # what was said
    kind: Kind = "visitor"  # who said it: visitor, performer, sensor, machine
    key: str = ""  # made by the client; the same key is stored once, however often it arrives
    visit: str = ""  # opaque, one for each visit: who is answered
    language: str = ""  # "en", "fr" or "" where nobody said
    at: float = 0.0  # when it arrived
    person: str = ""  # who wrote it, as far as the doors can tell people apart; the rule of three counts these. "" = `visit`
    lent: bool = True  # False: dreamt and given back, but nobody else gets words of it until an operator has read it


@dataclass(frozen=True, slots=True)
class Set:
    """A parameter to set, a panic key, a mapping command: an address and its arguments."""

    address: str  # "/hm/beta"
    args: tuple[Value, ...] = ()
    at: float = 0.0  # when to apply it (an OSC time tag); 0 = at once


@dataclass(frozen=True, slots=True)
class Keystroke:
    """One key at the kiosk before Enter: rhythm and surprise, never the letter."""

    bits: float  # surprisal class of the key in bits; 0 for a pause
    deleted: bool = False  # whether it took something back
    visit: str = ""  # whose typing it is
    at: float = 0.0  # when it was pressed


@dataclass(frozen=True, slots=True)
class Touch:
    """A finger on the wall, a pointer in a page, `/hm/touch x y`: whose is this place?"""

    x: float  # 0 left .. 1 right
    y: float  # 0 top .. 1 bottom
    visit: str = ""  # who asked, for an answer by text; "" for sound alone
    at: float = 0.0  # when it was touched


@dataclass(frozen=True, slots=True)
class Withdraw:
    """A visitor takes back what they gave."""

    code: str
    visit: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """An operator has read a text that nobody is lent words of."""

    key: str
    lent: bool  # True: others may have words of it from now on; False: it is erased
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Leave:
    """A person at the desk gives leave to change the structure as it is proposed (`State.proposal`), or refuses. No other door makes one."""

    given: bool
    at: float = 0.0


Message = Text | Set | Keystroke | Touch | Withdraw | Judged | Leave

# --- loop -> mind ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dream:
    """A picture to ask for. The newest request wins; nobody waits for it."""

    words: str  # of which the picture is dreamt
    beta: float = 0.25  # 0..1: how far the picture's own memory turns the words
    rho: float = 0.0  # 0..1: how far a performer stretches the picture from its words
    gamma: float = 0.5  # 0..: how fast famous memories tire, (1 + n) ** -gamma
    strength: float = 0.2  # 0..1: how much of the composed latent is dreamt anew
    feedback: float = 0.35  # 0..1: how much of the last picture the next one keeps
    temperature: float = 0.05  # tau of the recall
    counter: float = 0.75  # 0..1: how hard standardisation is countered once pictures have come to be alike
    prior: float = 1.0  # 0..1: how much of what the nights have learned the noise has; 0 = N(0, I)
    producers: float = 0.0  # 0..1: how far the producer at work leads the forces
    flow: float = 0.0  # bits a second that somebody types before Enter: how fast the walk through noise goes, and how fresh it is
    copies: int = 0  # n > 0: the picture is copied n times over and only the residue is shown, then the last copy is the original
    film: float = 0.0  # 0..1; > 0: the picture goes on as a film, and each chunk of it keeps so much of the last one's picture
    rivals: str = ""  # of RIVALS: which two make the film, the more often the longer people linger on theirs; "": nobody in particular
    beside: bool = False  # whether they make it side by side; else by turns
    degree: int = 2  # what the wall accepts; 1 shows the hidden picture (only for study)
    autonomy: float = 0.0  # 0 human .. 1 alone; at the top the mind addresses itself
    seed: int = 0  # where the walk through noise starts
    at: float = 0.0  # when it was asked
    key: str = ""  # of the Text that it answers: whose words these are; "" for words that nobody gave

    @property
    def sentence(self) -> tuple[str, str]:
        """Which sentence it answers. Two people may say the same words; their keys differ."""
        return self.key, self.words


# --- mind -> stage, sound, loop --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ancestor:
    """One memory that a picture carries, and how much of it."""

    id: int  # fragment id: > 0 in the archive, < 0 a recipe (see engine.mind.memory.founding)
    share: float  # 0..1, of the whole picture
    kind: Kind = "founding"  # who gave it: founding, visitor, performer, sensor, machine
    depth: int = 0  # generations behind it; 0 for a root
    age: float = 0.0  # days, whole: times are kept by the day
    voice: tuple[float, ...] = ()  # (16,) in -1..1: what its procedural voice is made from (words and latent)
    x: float = 0.5  # centre of its share in the picture, 0 left .. 1 right
    y: float = 0.5  # 0 top .. 1 bottom

    @property
    def unit(self) -> int:
        """The source that sounds like this memory, > 0, for `Grain.source`: negative sources are no memories."""
        return self.id if self.id > 0 else (1 << 41) - self.id


@dataclass(frozen=True, slots=True)
class Lineage:
    """The ancestors of a picture, largest share first; the rest of the mass lies in `rest`."""

    ancestors: tuple[Ancestor, ...] = ()  # the largest share first; `top(n)` are the first of them
    rest: float = 0.0  # share of all that are not named
    count: int = 0  # distinct ancestors, named or not
    depth: int = 0  # longest line of descent

    def top(self, n: int) -> tuple[Ancestor, ...]:
        return self.ancestors[:n]


RIVALS = ("", "producers", "corpora", "models")  # which two may make a film against each other
GENES = ("beta", "strength", "feedback", "temperature", "gamma", "taste", "warmth", "exposure", "pulse")


@dataclass(frozen=True, slots=True)
class Producer:
    """A small parametric dreamer: it is born of two others, works for a while, and lives as long as people linger."""

    id: int  # from 1, never given twice
    genome: tuple[float, ...] = ()  # (len(GENES),) each 0..1, in the order of GENES
    parents: tuple[int, int] = (0, 0)  # ids; 0 for the first ones
    generation: int = 0  # 0 for the first ones, else one more than the older parent's
    lingered: float = 0.0  # seconds that people have stayed with its pictures, fading with the days

    def gene(self, name: str) -> float:
        """One gene, 0..1; 0.5 where it has none. Raises ValueError for a name that is none of GENES."""
        place = GENES.index(name)
        return self.genome[place] if place < len(self.genome) else 0.5


@dataclass(frozen=True, slots=True)
class State:
    """What was measured while a picture was made; every field is published as `/hm/state/<field>`."""

    picture: int = 0  # serial number since the mind started, from 1
    words: str = ""  # what was asked (moderated; never shown to strangers as it is)
    asked: float = 0.0  # when the words that it answers were given; 0 while it is still of older ones
    made: float = 0.0  # when the picture was made
    seed: int = 0  # of the walk through noise
    structure: str = ""  # hash of model, size, precision, code and options (`engine.mind.structure`)
    dream: Dream = Dream("")  # the request, its words left out: every force that acted
    time: float = 0.0  # seconds of the mind's own clock at which it was asked for
    degree: int = 0  # of memory: 2 for what the wall shows
    gap: float = 0.0  # J in 0..1: whom the picture remembers and the words did not
    beta: float = 0.0  # how far the gap turned the words
    neff: float = 0.0  # exp of the entropy of the shares
    largest: float = 0.0  # the largest share
    displacement: float = 0.0  # D in 0..1: angle between the words and what is read back, over pi
    light: float = 1.0  # rank of novelty in 0..1: a picture that adds nothing goes dark
    standard: float = 0.0  # S in 0..1: 1 - Vendi score of the last pictures / that of the archive's own
    aura: float = 1.0  # 0..1: least Hamming distance to a picture of the past, of 256 bits; 1 where there is no past
    withheld: int = 0  # pictures that had been before, and were dreamt anew instead of shown
    kept: int = 0  # pictures that were remembered since the words on the wall came: they are not its past
    prior: float = 0.0  # KL in nats of the noise's prior to N(0, I), of one number of the latent; <= kappa
    gini: float = 0.0  # 0..1: Gini coefficient of how often memories were recalled; 0 all alike, 1 one alone
    retro: float = 0.0  # days that the picture's ancestors grow older by a day: 1 the same ones, < 1 newer ones, > 1 nostalgia
    proposal: str = ""  # how the words' statistics ask to change the structure, a diff in words; a person decides at the desk
    corpus: str = ""  # the founding corpus: whose hand the archive was born with
    characteristics: float = 0.0  # -1..1: how much nearer the last pictures are to their own corpus than to the other
    producers: tuple[Producer, ...] = ()  # those alive, the one at work first
    ledger: tuple[tuple[str, float], ...] = ()  # of this month: keystrokes, sentences, pictures, fragments, watt_hours and the part of them that was measured
    autonomy: float = 0.0  # 0 somebody is there .. 1 alone
    flow: float = 0.0  # bits a second of typing, hesitations and deletions with it; 0 in silence
    spread: float = 0.0  # 0..1: least distance between two outputs; 0 all the same, and where there is one output alone
    shadow: float = 0.0  # rms of what copying has added, r_k - x_0, in deviations of the latent; 0 where nothing is copied
    copied: int = 0  # k: how many copies lie between the original and what is shown
    film: str = ""  # the source of film that may go on with pictures here; "" where none does, or has not been tried yet
    continuation: float = 0.0  # seconds for which the picture has gone on by itself from one first picture; 0 where pictures are single
    chunk: int = 0  # chunks of film since that first picture, this one with them
    turned: float = 0.0  # 0..1: how much of the chunk's last picture was not in its first
    fidelity: float = 0.0  # SSIM of the film's first picture with the one that it continues
    seam: float = 0.0  # motion where the newest chunk begins, over the 95th percentile of motion inside chunks
    rival: int = 0  # whose continuation is shown (by turns), or goes on (side by side), where two make the film; a producer's own number
    rivals: tuple[tuple[str, float], ...] = ()  # these two, the left one first: who, and seconds that people have lingered on theirs
    beside: float = 0.0  # 0..1: how far they stand apart on the wall; 0 one picture, 1 two whole ones side by side
    doubt: float = 0.0  # 0..1: how much several futures of the picture disagree; 0 where they are one
    motion: float = 0.0  # |dz| per second, rms of the latent's change
    mass: float = 0.0  # mass of the whole archive, in fragments
    fragments: int = 0  # how many can be recalled
    kinds: tuple[float, ...] = ()  # share per kind, in the order of KINDS
    authors: tuple[float, ...] = ()  # part of human, machine, others; sum 1
    lineage: Lineage = field(default_factory=Lineage)  # whom the picture descends from
    readback: tuple[str, ...] = ()  # words that the reader finds in the picture
    caption: str = ""  # words that may be shown: three people wrote each run of four, or nobody did
    timings: tuple[tuple[str, float], ...] = ()  # (step, milliseconds)
    step: str = "whole"  # of the latency contract: what is given up just now (engine.mind.model.contract.STEPS)
    why: str = ""  # the reason of the newest step
    contract: tuple[tuple[str, float], ...] = ()  # the contract's figures, live, renewed each second


LARGE = 5  # channels of a latent, the first, that carry what is seen from afar; models of fewer have only such


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture of the mind and everything that was measured while it was made."""

    rgba: NDArray[np.uint8]  # (h, w, 4), top row first, alpha 255
    latent: NDArray[np.float16]  # (c, h/8, w/8)
    shares: NDArray[np.float16]  # (n, rows, cols): share per place of the first n ancestors; n may be 0
    state: State
    serial: int = 0  # in the ring that it was read from
    shared: bool = False  # whether its pixels lie in GPU memory that the ring's writer has offered, too


# --- mind -> loop -> doors -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stored:
    """A text is on the disk. Only now is it acknowledged."""

    key: str
    fragment: int
    code: str  # takes it back
    visit: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a sentence that comes back; borrowed ones name whom they came from."""

    text: str
    ancestor: int = 0  # fragment id; 0 = the visitor's own word
    kind: Kind = "visitor"
    age: float = 0.0  # days


@dataclass(frozen=True, slots=True)
class Returned:
    """The visitor's sentence with other people's words grown into it."""

    key: str
    visit: str
    tokens: tuple[Token, ...]
    displacement: float = 0.0
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The answer to a withdrawal; `found` is False for a code that nobody was given."""

    code: str
    found: bool
    visit: str = ""
    key: str = ""  # of what was taken back


@dataclass(frozen=True, slots=True)
class Told:
    """The answer to a touch: whose the place is."""

    visit: str  # who asked
    ancestors: tuple[Ancestor, ...]  # of that place, the largest share first
    words: tuple[str, ...] = ()  # a few of their words, of those that may be shown


@dataclass(frozen=True, slots=True)
class Unkept:
    """A text could not be stored: its page keeps it and says so."""

    key: str
    visit: str = ""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something went wrong in a room and the show goes on: said once, with what to do."""

    room: str
    what: str


@dataclass(frozen=True, slots=True)
class Remembering:
    """How the mind's memory was found, at each start of it: "" while all is well, else what a technician must know."""

    how: str = ""


@dataclass(frozen=True, slots=True)
class Datagram:
    """What came to the OSC port while the doors did not look: they work it off when they are back."""

    data: bytes
    address: tuple[str | int, ...]  # whose it is, as the socket says it


@dataclass(frozen=True, slots=True)
class Rest:
    """The house is closed, or open again: whether the mind makes pictures. It hears, stores and does its night's work all the same."""

    on: bool


@dataclass(frozen=True, slots=True)
class Resume:
    """Where another mind was: this one goes on from there, so that the wall sees no cut. Between machines alone."""

    seed: int  # of its walk through noise
    time: float  # seconds of its own clock
    shape: tuple[int, int, int]  # of its last latent (c, h, w)
    latent: bytes  # f16


@dataclass(frozen=True, slots=True)
class Started:
    """A room on another machine has started, or met this house anew: it knows nothing of this show yet. Between machines, and to the loop."""

    room: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Whom a mind's picture remembered and the words did not, by names that every memory of a house knows. Between its minds alone."""

    key: str  # of the sentence that was thought about
    words: str
    gap: float  # J in 0..1
    sentences: tuple[tuple[str, float], ...] = ()  # (key, share of the surplus), the largest first
    founding: tuple[tuple[int, float], ...] = ()  # (number < 0, share)


@dataclass(frozen=True, slots=True)
class Loading:
    """What a room is busy with before it can play: a line of progress."""

    what: str  # "painting founding memories"
    done: float = 0.0  # 0..1; 1 = ready


News = Stored | Returned | Withdrawn | Told | Unkept | Trouble

# --- loop -> sound ---------------------------------------------------------------------------------------------------

ENVELOPES = ("hann", "gauss", "perc", "swell", "flat")


@dataclass(frozen=True, slots=True)
class Grain:
    """A grain of sound, stamped a little ahead."""

    time: float  # scene seconds; the sound room starts it on the exact sample
    source: int = 0  # 0 = the picture on the wall, sonified; n > 0 = fragment n's own voice; < 0 = other tables
    position: float = 0.5  # 0..1 of the source
    duration: float = 0.08  # seconds
    rate: float = 1.0  # playing speed; negative plays backwards
    detune: float = 0.0  # semitones on top of the rate
    gain: float = 0.3  # 0..1
    pan: float = 0.0  # azimuth: -1 left .. 1 right (in a ring: turns from the front, -1 and 1 meet behind)
    envelope: str = "hann"  # hann, gauss, perc, swell or flat
    cutoff: float = 0.0  # low-pass in Hz; 0 = open
    prompt: bool = False  # answers somebody: if its time has passed it sounds as soon as it can, and was not late


# --- anyone -> doors: what can be turned -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Node:
    """One address of the instrument: OSC, OSCQuery, a slider and a line of documentation."""

    address: str  # "/hm/beta"
    types: str  # OSC type tags of its arguments: "f", "s", "T", "ff", "" for a command
    description: str
    value: tuple[Value, ...] = ()
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    writable: bool = True
    readable: bool = True
    unit: str = ""  # "dB", "s"; "" = a number without one
    command: bool = False  # has a value, but does something: two of them are two, and never one

    @property
    def is_value(self) -> bool:
        """Whether only the newest of several counts: a fader, a switch. Commands and events all count."""
        return self.readable and self.writable and not self.command


@dataclass(frozen=True, slots=True)
class Directory:
    """All nodes, sent to the doors when a scene starts or a parameter's range changes."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Values:
    """Current values by address, sent to the doors at a steady rate; the latest wins."""

    values: tuple[tuple[str, tuple[Value, ...]], ...]


# --- doors <-> loop: how the house fares ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Health:
    """How the show fares, sent to the doors about once a second; `/health`, `/metrics` and `/desk` show it."""

    ok: bool = True
    rooms: tuple[tuple[str, str], ...] = ()  # ("mind", "running"), ("sound", "restarting"), ("mind", "loading 0.40")
    figures: tuple[tuple[str, float], ...] = ()  # ("frame_p95_ms", 17.1): numbers, for /metrics too
    facts: tuple[tuple[str, str], ...] = ()  # ("scene", "gap"), ("model", "embedded")
    notes: tuple[str, ...] = ()  # what is wrong and what to do, a sentence each


@dataclass(frozen=True, slots=True)
class Place:
    """Another machine of the house, as the one that leads sees it."""

    name: str
    rooms: tuple[str, ...]  # "mind", "wall", "show", "sound", "doors"
    state: str  # in a few words: "dreams", "lost for 3 s", "runs 0.2.0/1 ..."
    well: bool = True
    figures: tuple[tuple[str, float], ...] = ()  # way_ms, skew_p99_ms, kbit_s, dropped …


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """All of them, and what crosses; from the room that reaches them, once a second."""

    places: tuple[Place, ...] = ()
    figures: tuple[tuple[str, float], ...] = ()  # of this machine's own end
    notes: tuple[str, ...] = ()  # what is wrong and what to do


@dataclass(frozen=True, slots=True)
class Opened:
    """The doors are open, here. Sent after every start of that room: answer it with the Directory."""

    osc: int = 0  # UDP port, 0 = closed
    osc_tcp: int = 0
    query: int = 0  # OSCQuery, TCP
    web: int = 0
    pages: tuple[str, ...] = ()  # addresses to print for people: writing page, wall, desk
