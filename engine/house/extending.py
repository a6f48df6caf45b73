"""Going on with a film that this engine has made: its last picture, if its credential says that it was made and signed here."""

from __future__ import annotations

import io
from collections import deque
from pathlib import Path

from engine.core.errors import CannotPlay
from engine.core.machine import OriginFacts
from engine.origin import credential
from engine.origin.keys import ROOT, OriginError

LAST = 2.0  # seconds before a film's end from which its last picture is looked for


def last_of(film: Path, origin: Path, facts: OriginFacts) -> bytes:
    """The last picture of a film, as PNG. `origin` is the installation's folder of keys.

    Raises CannotPlay for a file that is none, that says nothing of where it comes from, or that comes from elsewhere:
    nothing that was filmed or given by others is shown, and what is shown of this one is dreamt anew (`Mind`).
    """
    anchors = Path(facts.certificate).expanduser() if facts.certificate else origin / ROOT
    try:
        verdict = credential.read(film, anchors.read_bytes() if anchors.exists() else b"")
    except (OriginError, OSError) as wrong:
        raise CannotPlay(f"--extends {film}: {wrong}") from None
    if verdict.state != "Trusted" or verdict.making is None:
        found = {"": "it says nothing of where it comes from", "Valid": f"it was signed by {verdict.signer or 'somebody else'}, not here"}
        why = found.get(verdict.state, "it is not what was signed")
        raise CannotPlay(f"--extends {film}: {why}; a film that was recorded here goes on (hypermnesia sign FILE says what one carries)")
    return _last(film)


def _last(film: Path) -> bytes:
    import av

    try:
        with av.open(str(film)) as container:
            if container.duration:
                container.seek(max(0, container.duration - round(LAST * av.time_base)))
            frames = deque(container.decode(video=0), maxlen=1)
    except (av.FFmpegError, IndexError) as wrong:
        raise CannotPlay(f"--extends {film}: there is no picture in it ({wrong})") from None
    if not frames:
        raise CannotPlay(f"--extends {film}: there is no picture in it")
    out = io.BytesIO()
    frames[0].to_image().save(out, "PNG")
    return out.getvalue()
