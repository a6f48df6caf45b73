"""The embedded network read without diffusers: the same arithmetic, bit for bit, and nothing of diffusers is imported."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from engine.core.machine import SHIPPED
from engine.mind.model import own
from engine.mind.model.fold import fold
from engine.mind.model.schedule import schedule


def test_network_and_timetable_are_those_that_diffusers_reads():
    from diffusers import LCMScheduler, UNet2DConditionModel

    plain = UNet2DConditionModel.from_pretrained(SHIPPED / "unet", torch_dtype=torch.float32, local_files_only=True, low_cpu_mem_usage=False)
    theirs, ours = fold(plain.eval().requires_grad_(False)), fold(own.unet(SHIPPED / "unet"))
    x, words = torch.randn(1, 5, 16, 16), torch.randn(12, 512)
    with torch.inference_mode():
        answers = []
        for network, constants in (theirs, ours):
            kv, mod = constants.words_to_kv(words), constants.time_to_mod(words, (999.0, 441.0), None)
            answers.append((kv, mod, network(x, kv, mod[0])))
        for mine, reference in zip(answers[1], answers[0], strict=True):
            assert torch.equal(mine, reference)
    for mine, reference in zip(ours, theirs, strict=True):  # the fingerprint of a model is made of these
        assert sorted(mine.state_dict()) == sorted(reference.state_dict())
    timetable = LCMScheduler.from_pretrained(SHIPPED / "scheduler", local_files_only=True)
    assert torch.equal(own.scheduler(SHIPPED / "scheduler").alphas_cumprod, timetable.alphas_cumprod)
    for steps, strength in ((1, 1.0), (1, 0.3), (3, 0.8)):
        assert schedule(own.scheduler(SHIPPED / "scheduler"), strength, steps) == schedule(timetable, strength, steps)


def test_the_embedded_model_is_opened_without_diffusers_and_transformers():
    ask = "import sys; from engine.mind.model.load import load; load(); print([m for m in ('diffusers', 'transformers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, timeout=200, cwd=Path(__file__).parents[3])
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_a_network_of_another_make_is_refused_by_name(tmp_path):
    shutil.copytree(SHIPPED / "unet", tmp_path / "unet")
    config = json.loads((tmp_path / "unet/config.json").read_text())
    (tmp_path / "unet/config.json").write_text(json.dumps(config | {"resnet_time_scale_shift": "default"}))
    with pytest.raises(ValueError, match="resnet_time_scale_shift = 'default'"):
        own.unet(tmp_path / "unet")
