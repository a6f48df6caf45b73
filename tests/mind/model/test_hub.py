"""Fetching over a real wire from a small hub on this machine: broken off, gone on, compared, in the variant that is there."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants
from safetensors.numpy import save_file

from engine.mind.model import variants
from engine.mind.model.fetch import HuggingFace, chosen, fetch
from engine.mind.model.folder import Folder, ModelMissing

NAME, COMMIT = "somebody/thin", "1" * 40


class Hub(ThreadingHTTPServer):
    """Speaks as the public hub does, as far as a fetch asks, of repositories that are folders here. `cut`: file -> bytes
    after which it hangs up, once."""

    def __init__(self, repositories: dict[str, Path]):
        super().__init__(("127.0.0.1", 0), Answer)
        self.repositories, self.cut, self.spoilt, self.down = repositories, dict[str, int](), set[str](), False
        self.asked: list[tuple[str, str]] = []  # file, range
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def folder(self) -> Path:
        return self.repositories[NAME]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *args: object) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self.do_GET(body=False)

    def do_GET(self, body: bool = True) -> None:
        path = self.path.split("?")[0]
        repository = "/".join(path.removeprefix("/api/models").split("/")[1:3])
        folder = self.server.repositories[repository]
        if path.startswith("/api/models/"):
            files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
            siblings = [{"rfilename": str(file.relative_to(folder)), "size": file.stat().st_size} for file in files]
            said = {"id": repository, "sha": COMMIT, "siblings": siblings}
            return self._say(200, json.dumps(said).encode(), {"Content-Type": "application/json"}, body)
        name = path.removeprefix(f"/{repository}/resolve/main/")
        data = (folder / name).read_bytes()
        begin = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        if body:
            self.server.asked.append((name, self.headers.get("Range") or ""))
        if body and self.server.down:
            return self._say(503, b"", {}, body)
        sent = data[begin:]
        if name in self.server.spoilt:
            sent = bytes(len(sent))
        head = {"ETag": f'"{hashlib.sha256(data).hexdigest()}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if begin:
            head["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        limit = self.server.cut.pop(name, None) if body else None
        self.server.down = self.server.down or limit is not None
        self._say(206 if begin else 200, sent, head, body, limit)

    def _say(self, status: int, data: bytes, head: dict[str, str], body: bool, limit: int | None = None) -> None:
        self.send_response(status)
        for key, value in {**head, "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.wfile.write(data[:limit])
            self.close_connection = True


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 40_000)  # what a broken wire costs at most; 10 MB elsewhere
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "hub"
    for part in ("scheduler", "unet"):
        (folder / part).mkdir(parents=True)
    (folder / "model_index.json").write_text('{"_class_name": "SanaSprintPipeline", "scheduler": ["diffusers", "S"], "unet": ["diffusers", "U"]}')
    (folder / "scheduler" / "scheduler_config.json").write_text("{}")
    (folder / "unet" / "config.json").write_text("{}")
    save_file({"weight": np.arange(50_000, dtype=np.float32)}, folder / "unet" / "diffusion_pytorch_model.fp16.safetensors")
    with Hub({NAME: folder}) as server:
        yield server
        server.shutdown()


def of(hub: Hub, tmp_path: Path) -> HuggingFace:
    return HuggingFace(hub.address, tmp_path / "kept")


WEIGHTS = "unet/diffusion_pytorch_model.fp16.safetensors"


def test_the_variant_that_is_there_is_brought_and_said(hub: Hub, tmp_path: Path) -> None:
    said: list[str] = []
    paths = fetch(NAME, of(hub, tmp_path), said.append)
    assert "4 files" in said[0] and "in the variant fp16" in said[0]
    folder = next(path.parent for path in paths if path.name == "model_index.json")
    assert (folder / WEIGHTS).read_bytes() == (hub.folder / WEIGHTS).read_bytes()
    Folder(folder, NAME).check()
    before = len(hub.asked)
    fetch(NAME, of(hub, tmp_path), said.append)
    assert len(hub.asked) == before, "what is whole is not brought twice"


def test_a_fetch_that_is_broken_off_goes_on_where_it_was(hub: Hub, tmp_path: Path) -> None:
    hub.cut[WEIGHTS] = 120_000
    with pytest.raises(OSError, match="goes on where it was"):
        fetch(NAME, of(hub, tmp_path), lambda line: None)
    (part,) = (tmp_path / "kept").rglob("*.part")
    assert part.stat().st_size == 120_000
    hub.down = False
    fetch(NAME, of(hub, tmp_path), lambda line: None)
    assert hub.asked[-1] == (WEIGHTS, "bytes=120000-")
    assert not list((tmp_path / "kept").rglob("*.part"))


def test_a_hub_that_is_not_there_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(ConnectionError, match=f"the hub could not be reached for {NAME}: "):
        fetch(NAME, HuggingFace("http://127.0.0.1:9", tmp_path), lambda line: None)


def test_what_comes_spoilt_is_thrown_away(hub: Hub, tmp_path: Path) -> None:
    hub.spoilt.add(WEIGHTS)
    with pytest.raises(OSError, match="came spoilt"):
        fetch(NAME, of(hub, tmp_path), lambda line: None)
    assert not [path for path in (tmp_path / "kept").rglob("*") if "fp16" in path.name or path.suffix == ".part"]
    hub.spoilt.clear()
    assert fetch(NAME, of(hub, tmp_path), lambda line: None)


def test_of_many_variants_one_is_brought() -> None:
    files = dict.fromkeys(
        ("model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.bin", "unet/diffusion_pytorch_model.fp16-00001-of-00002.safetensors",
         "unet/diffusion_pytorch_model.fp16-00002-of-00002.safetensors", "unet/diffusion_pytorch_model.safetensors.index.fp16.json",
         "unet/diffusion_pytorch_model.non_ema.safetensors", "vae/config.json", "vae/diffusion_pytorch_model.safetensors", "../x/config.json",
         "vae/diffusion_pytorch_model.fp16.safetensors", "safety_checker/model.safetensors", "feature_extractor/preprocessor_config.json"), 1)  # fmt: skip
    brought = chosen(files)
    assert sorted(brought) == [
        "model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.fp16-00001-of-00002.safetensors",
        "unet/diffusion_pytorch_model.fp16-00002-of-00002.safetensors", "unet/diffusion_pytorch_model.safetensors.index.fp16.json", "vae/config.json",
        "vae/diffusion_pytorch_model.safetensors"]  # fmt: skip
    del files["unet/diffusion_pytorch_model.fp16-00002-of-00002.safetensors"]
    del files["unet/diffusion_pytorch_model.non_ema.safetensors"]
    with pytest.raises(ModelMissing, match=r"the hub's own unet is not whole: diffusion_pytorch_model\.fp16-00002-of-00002\.safetensors is missing"):
        chosen(files)
    with pytest.raises(ModelMissing, match=r"text_encoder has only pytorch_model\.bin, a pickle.*opens no pickles"):
        chosen(dict.fromkeys(("model_index.json", "text_encoder/config.json", "text_encoder/pytorch_model.bin"), 1))


def test_names_of_weights_say_their_variant() -> None:
    found = {one.files[0]: (one.variant, one.count) for one in variants.variants(
        ["model.safetensors", "model.fp16.safetensors", "model-00001-of-00002.safetensors", "model.bf16-00002-of-00003.safetensors", "model.non_ema.safetensors",
         "model-00001-of-00002.fp8.safetensors", "pytorch_lora_weights.safetensors", "openvino_model.bin"])}  # fmt: skip
    assert found == {"model.safetensors": ("", 1), "model.fp16.safetensors": ("fp16", 1), "model-00001-of-00002.safetensors": ("", 2),
                     "model.bf16-00002-of-00003.safetensors": ("bf16", 3), "model.non_ema.safetensors": ("non_ema", 1),
                     "model-00001-of-00002.fp8.safetensors": ("fp8", 2)}  # fmt: skip
