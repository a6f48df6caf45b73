"""What Inductor makes of a family's network and decoder, kept per machine, driver and model, and put in their place.

Weights are no part of it: a compiled function is given the module whose work it does, so an artefact (some MB) serves
every model of one construction, size and precision, and nothing lies twice in the GPU's memory. The key of an artefact
is everything that it depends on: processor or GPU and driver, torch and Triton, our own source, the modules' shapes and
layouts, and what they are called with. It is a pickle, and stands in the cache of the user who runs the engine.

`engine.mind.model.compiling` makes artefacts, in a process of its own.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import hashlib
import importlib.metadata
import inspect
import io
import os
import pickle
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from engine.core.machine import cache_folder, processor
from engine.mind.model import attention
from engine.mind.model import norm as our_norm
from engine.mind.model.families import Family

PARTS = ("network", "decoder")
KEPT = 8  # artefacts; the one used longest ago goes first
BRIEF = 1e-5  # seconds after which Python passes the interpreter on while something is loaded; its own are 5e-3
Function = Callable[..., Tensor]


class CannotCompile(Exception):
    """The message says why, and the next move where there is one."""


@dataclass(frozen=True)
class Job:
    """What is to be compiled: modules without weights and what each is called with, all on "meta"."""

    device: str  # "cpu", "cuda:0"
    mode: str  # of torch.compile
    parts: dict[str, tuple[nn.Module, tuple[Any, ...], dict[str, Any]]]  # name -> (module, arguments, named ones)
    attention: str = ""  # which one is asked first

    @property
    def key(self) -> str:
        """Hex: of all that an artefact depends on."""
        facts: list[Any] = [self.device, self.mode, self.attention, *_machine(self.device)]
        for name, (module, args, named) in sorted(self.parts.items()):
            facts += [name, *_construction(module), [_layout(one) for one in args], {key: _layout(one) for key, one in named.items()}]
        return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


def job(family: Family, device: torch.device, run: Callable[[], Any]) -> Job:
    """What `run`, which paints one picture with this family, asks of its network and its decoder."""
    parts: dict[str, tuple[nn.Module, tuple[Any, ...], dict[str, Any]]] = {}

    def see(name: str, module: nn.Module, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        parts[name] = Part(_shell(module)), tuple(_empty(one) for one in args), {key: _empty(one) for key, one in named.items()}

    hooks = [
        module.register_forward_pre_hook(lambda module, args, named, name=name: see(name, module, args, named), with_kwargs=True)  # type: ignore[misc]
        for name, module in _modules(family).items()
    ]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    return Job(str(device), "default" if device.type == "cpu" else "max-autotune-no-cudagraphs", parts, attention.preferred())


def _modules(family: Family) -> dict[str, nn.Module]:
    found = {"network": family.network, "decoder": getattr(family.codec, "decoder", None)}
    return {name: module for name, module in found.items() if isinstance(module, nn.Module)}


def _shell(module: nn.Module) -> nn.Module:
    """The same module with weights that have shape and layout and no numbers; nothing is copied."""
    weights = [*module.parameters(), *module.buffers()]
    memo: dict[int, Any] = {id(one): _empty(one) for one in weights}
    hooks, module._forward_pre_hooks = module._forward_pre_hooks, type(module._forward_pre_hooks)()
    try:
        return copy.deepcopy(module, memo)
    finally:
        module._forward_pre_hooks = hooks


def _empty(one: Any, device: str = "meta") -> Any:
    """A tensor of the same kind without numbers; anything else as it is."""
    if not isinstance(one, Tensor):
        return one
    made = torch.empty_strided(one.shape, one.stride(), dtype=one.dtype, device=device)
    return nn.Parameter(made, requires_grad=False) if isinstance(one, nn.Parameter) else made


def _layout(one: Any) -> tuple[Any, ...]:
    return (tuple(one.shape), one.stride(), str(one.dtype)) if isinstance(one, Tensor) else (repr(one),)


def _machine(device: str) -> list[str]:
    """The parts of a machine that code is made for."""
    found = [torch.__version__, platform.python_version()]
    for name in ("triton", "diffusers"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found.append(f"{name} {importlib.metadata.version(name)}")
    if not device.startswith("cuda"):
        return [*found, processor(), str(torch.backends.cpu.get_cpu_capability())]
    driver = Path("/proc/driver/nvidia/version")
    return [*found, str(torch.version.cuda), str(torch.cuda.get_device_properties(device)), driver.read_text() if driver.is_file() else ""]


def _construction(module: nn.Module) -> Iterator[Any]:
    """What a module's code depends on: classes, numbers that they hold, shapes and layouts of weights, and our own source."""
    plain = (bool, int, float, str, tuple, type(None))
    for name, part in module.named_modules():
        yield name, type(part).__qualname__, sorted((key, repr(value)) for key, value in vars(part).items() if isinstance(value, plain)), repr(getattr(part, "config", ""))
    weights = [*module.named_parameters(), *module.named_buffers()]
    yield [(name, *_layout(value)) for name, value in weights]
    files = {inspect.getsourcefile(type(part)) for part in module.modules() if type(part).__module__.startswith("engine.")}
    yield [hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in sorted({*filter(None, files), our_norm.__file__})]


# --- where artefacts are kept ---


def folder() -> Path:
    """Where compiled artefacts lie, for every show of this machine."""
    return cache_folder() / "compiled"


def own_cache() -> None:
    """Inductor's own cache lies beside the artefacts, not in /tmp: kernels that were tuned once are not tuned again."""
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder() / "inductor"))


def keep(path: Path, made: dict[str, bytes]) -> None:
    """Write an artefact, whole or not at all, and let go of those that nobody used for longest. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}")
    try:
        fresh.write_bytes(pickle.dumps(made))
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    for old in sorted(path.parent.glob("*.compiled"), key=lambda one: one.stat().st_mtime)[:-KEPT]:
        old.unlink(missing_ok=True)


def read(path: Path) -> dict[str, Function]:
    """The compiled functions of an artefact, by part; the first argument of each is the `Part` that has the weights.

    Raises CannotCompile for one that is spoilt. Some seconds the first time, in which other threads go on.
    """
    own_cache()
    try:
        with brief():
            made = pickle.loads(path.read_bytes())
            found: dict[str, Function] = {}
            for name, data in made.items():
                function: Any = torch.compiler.load_compiled_function(io.BytesIO(data))
                function.disable_guard_check()  # its key has said that all is as it was
                found[name] = function
        os.utime(path)
        return found
    except Exception as wrong:  # pickle, Inductor, the driver: each raises what it likes
        raise CannotCompile(f"what was compiled before cannot be read ({type(wrong).__name__}: {_line(wrong)})") from wrong


@contextlib.contextmanager
def brief() -> Iterator[None]:
    """One that paints is not held up by one that loads: threads pass the interpreter on more often (it is 5 ms an
    operation), and nobody collects garbage meanwhile, which stops them all for as long as a whole heap takes."""
    before, collects = sys.getswitchinterval(), gc.isenabled()
    sys.setswitchinterval(BRIEF)
    gc.disable()
    try:
        yield
    finally:
        sys.setswitchinterval(before)
        if collects:
            gc.enable()


def _line(wrong: BaseException) -> str:
    return str(wrong).strip().split("\n")[0][:200]


# --- in the place of the plain ones ---


class Part(nn.Module):
    """A module, called by lines of ours: those are what is compiled, and torch's own containers cannot be."""

    def __init__(self, inner: nn.Module):
        super().__init__()
        self.inner = inner

    def forward(self, *args: Any, **named: Any) -> Tensor:
        answer: Tensor = self.inner(*args, **named)
        return answer


class Compiled(nn.Module):
    """A module whose work a compiled function does."""

    def __init__(self, plain: nn.Module, function: Function):
        super().__init__()
        self.part, self.function = Part(plain), function

    def forward(self, *args: Any, **named: Any) -> Tensor:
        return self.function(self.part, *args, **named)


def quick(family: Family, functions: dict[str, Function]) -> Family:
    """The same family, with compiled functions in the place of its network's and its decoder's; it stays as it is itself."""
    found: Family = _twin(family)
    if "network" in functions:
        found.network = Compiled(family.network, functions["network"])
    if "decoder" in functions:
        codec: Any = _twin(family.codec)
        codec.decoder = Compiled(codec.decoder, functions["decoder"])
        found.codec = codec
    return found


def _twin(module: Any) -> Any:
    """Another module with the same parts."""
    found = copy.copy(module)
    found._modules = dict(module._modules)
    return found
