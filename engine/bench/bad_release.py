"""A release that never shows light, taken in by a gallery's machine: what befalls it in `hypermnesia bench month`."""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from engine.core.machine import DoorsFacts, Machine, OriginFacts
from engine.gallery import release, update
from engine.gallery.release import ReleaseError
from engine.origin.keys import ROOT, keys


def bad_update(folder: Path, home: Path) -> str:
    """A good release, then one that never shows light; what `update` says of it. Real files, signatures and links."""
    signing = keys(folder / "studio", OriginFacts())
    place_light = folder / "opt" / "current" / "engine" / "light"

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"facts": {"hours": "always open"}, "figures": {"frames": 1.0, "light": float(place_light.read_text())}}).encode())

        def log_message(self, *_: object) -> None:
            """A month's log is not for this."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = update.Place(folder / "opt", home, Machine(doors=DoorsFacts(web=server.server_port)), [sys.executable, "-c", ""], say=lambda said: None, patience=1.0)
    (folder / "opt" / "releases").mkdir(parents=True)
    said = ""
    try:
        for version, light in (("1.0", 40.0), ("1.1", 0.0)):
            top = folder / version
            files = {"pyproject.toml": f'version = "{version}"\n', "engine/light": str(light), "install/release":
                     '#!/bin/sh\nd=$(dirname "$0")/..; mkdir -p $d/.venv/bin; printf "#!/bin/sh\\n" > $d/.venv/bin/hypermnesia; chmod +x $d/.venv/bin/hypermnesia\n'}  # fmt: skip
            for name, text in files.items():
                (top / name).parent.mkdir(parents=True, exist_ok=True)
                (top / name).write_text(text)
            (top / "install/release").chmod(0o755)
            release.pack(top, folder / f"{version}.release", signing)
            update.update(place, folder / f"{version}.release", (folder / "studio" / ROOT).read_bytes())
    except ReleaseError as wrong:
        said = str(wrong)
    finally:
        server.shutdown()
        server.server_close()
    return said
