"""A picture as a few lines of arithmetic: what every scheduler of a few-step model comes down to.

All of them are linear in the noisy latent and in what the network says, so nothing of a scheduler is left in the
frame path but four numbers a step: `x <- keep * x + take * F(into * x, t) + fresh * noise`. The formulas are those
of diffusers' schedulers (Euler, Euler ancestral, DDIM, LCM, SCM, flow matching), written in one space: latents of
about unit variance, `x_t = a * x_0 + s * noise` with a^2 + s^2 = 1 (flow matching: a + s = 1).

Timesteps are spaced from the top ("trailing"), whatever the folder's scheduler says: few-step models were distilled
there, and "leading" with one step would ask for t = 1.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

_VARIANCE_PRESERVING = {
    "EulerDiscreteScheduler": "ode",
    "DDIMScheduler": "ode",
    "EulerAncestralDiscreteScheduler": "ancestral",
    "LCMScheduler": "consistency",
}
SCHEDULERS = (*_VARIANCE_PRESERVING, "SCMScheduler", "FlowMatchEulerDiscreteScheduler")


@dataclass(frozen=True, slots=True)
class Step:
    """One call of the network: `x <- keep * x + take * F(into * x, timestep) + fresh * noise`."""

    timestep: float  # as the network wants it
    into: float
    keep: float
    take: float
    fresh: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """`x` begins as `start * latent + noise * noise`; then come the steps, in order. The last leaves a clean latent."""

    start: float
    noise: float
    steps: tuple[Step, ...]

    @property
    def timesteps(self) -> tuple[float, ...]:
        return tuple(step.timestep for step in self.steps)

    def rows(self) -> list[list[float]]:
        """(1 + steps, 4) numbers for the device: (start, noise, 0, 0), then (into, keep, take, fresh) a step."""
        return [[self.start, self.noise, 0.0, 0.0], *([s.into, s.keep, s.take, s.fresh] for s in self.steps)]


def schedule(scheduler: Any, strength: float = 1.0, steps: int = 1, tokens: int = 0) -> Schedule:
    """The arithmetic of `steps` steps from `strength` (0..1) of noise, for a diffusers scheduler.

    `tokens` is the number of latent tokens, by which flow matching models shift their noise. Raises ValueError for a
    scheduler or a prediction that has no closed form here.
    """
    name = type(scheduler).__name__
    strength = min(max(strength, 1e-3), 1.0)
    if name == "SCMScheduler":
        return _trigflow(float(scheduler.config.sigma_data), strength, steps)
    if name == "FlowMatchEulerDiscreteScheduler":
        return _flow(scheduler, strength, steps, tokens)
    if name in _VARIANCE_PRESERVING:
        return _variance_preserving(scheduler, _VARIANCE_PRESERVING[name], strength, steps)
    raise ValueError(f"no closed form for the scheduler {name}; possible: {', '.join(SCHEDULERS)}")


def _variance_preserving(scheduler: Any, sampler: str, strength: float, steps: int) -> Schedule:
    config = scheduler.config
    if getattr(config, "clip_sample", False) or getattr(config, "thresholding", False):
        raise ValueError(f"{type(scheduler).__name__} clips its samples: that is no closed form; set clip_sample false")
    cumulative = scheduler.alphas_cumprod.double()
    count = int(config.num_train_timesteps)
    top = max(1, round(count * strength))
    times = [max(0, round(top * (1 - k / steps)) - 1) for k in range(steps)]
    if sampler == "consistency" and steps > 1:  # distilled at so many times and no others
        grid = count // int(config.original_inference_steps)
        times = [-(-(t + 1) // grid) * grid - 1 for t in times]
    alphas = [math.sqrt(float(cumulative[t])) for t in times] + [1.0]
    found = []
    for k, t in enumerate(times):
        a, s = alphas[k], math.sqrt(max(0.0, 1 - alphas[k] ** 2))
        keep, take = _clean(config.prediction_type, a, s)
        if sampler == "consistency":
            keep, take = _boundary(t, float(config.timestep_scaling), keep, take)
        after, spread = alphas[k + 1], math.sqrt(max(0.0, 1 - alphas[k + 1] ** 2))
        down, fresh = _descent(sampler, a, s, after, spread)
        ratio = down / max(s, 1e-12)  # x' = after * x0 + down * (x - a * x0) / s + fresh * noise
        share = after - ratio * a
        found.append(Step(float(t), 1.0, share * keep + ratio, share * take, fresh))
    if strength == 1.0 and scheduler.init_noise_sigma == 1.0:
        return Schedule(0.0, 1.0, tuple(found))  # such pipelines begin in pure noise, though their last alpha is not 0
    return Schedule(alphas[0], math.sqrt(max(0.0, 1 - alphas[0] ** 2)), tuple(found))


def _clean(prediction: str, a: float, s: float) -> tuple[float, float]:
    """(keep, take) such that x_0 = keep * x_t + take * F."""
    if prediction == "sample":
        return 0.0, 1.0
    if prediction == "v_prediction":
        return a, -s
    if prediction == "epsilon":
        if a < 1e-3:
            raise ValueError("a scheduler that ends in pure noise cannot predict epsilon: x_0 would be divided by 0")
        return 1 / a, -s / a
    raise ValueError(f"prediction_type {prediction!r} is unknown; possible: epsilon, v_prediction, sample")


def _boundary(t: int, scaling: float, keep: float, take: float, data: float = 0.5) -> tuple[float, float]:
    """A consistency model answers with a mixture of x_t and x_0 (Luo et al. 2023, eq. 9; sigma_data .5)."""
    skip = data**2 / ((t * scaling) ** 2 + data**2)
    out = t * scaling / math.sqrt((t * scaling) ** 2 + data**2)
    return skip + out * keep, out * take


def _descent(sampler: str, a: float, s: float, after: float, spread: float) -> tuple[float, float]:
    """(noise kept, noise added) on the way to the next step, in variance-preserving units."""
    if sampler == "ode" or spread == 0.0:
        return spread, 0.0
    if sampler == "consistency":
        return 0.0, spread
    high, low = s / a, spread / after  # Karras et al. 2022: ancestral, in variance-exploding units
    up = math.sqrt(low**2 * (high**2 - low**2) / high**2)
    return math.sqrt(low**2 - up**2) * after, up * after


def _trigflow(data: float, strength: float, steps: int) -> Schedule:
    """SANA-Sprint: angles instead of timesteps, a change of variables around the network (Chen et al. 2025, eq. 10).

    Latents here are the pipeline's divided by sigma_data, so that they have unit variance.
    """
    top = 1.57080 * strength
    angles = [top, min(1.3, 0.83 * top), 0.0] if steps == 2 else list(np.linspace(top, 0.0, steps + 1))
    found = []
    for now, after in itertools.pairwise(angles):
        t = math.sin(now) / (math.cos(now) + math.sin(now))
        norm = math.sqrt(t**2 + (1 - t) ** 2)
        into = norm
        of_x, of_f = (1 - 2 * t) * into / norm, (1 - 2 * t + 2 * t**2) / norm  # the pipeline's noise_pred / sigma_data
        keep, take = math.cos(now) - math.sin(now) * of_x, -math.sin(now) * of_f
        found.append(Step(t, into, math.cos(after) * keep, math.cos(after) * take, math.sin(after)))
    return Schedule(math.cos(top), math.sin(top), tuple(found))


def _flow(scheduler: Any, strength: float, steps: int, tokens: int) -> Schedule:
    """Flow matching: the network says noise - x_0, an Euler step follows it (diffusers' Flux2KleinPipeline)."""
    from diffusers.pipelines.flux2.pipeline_flux2_klein import compute_empirical_mu

    wanted = [strength * (1 - k / steps) for k in range(steps)]
    mu = compute_empirical_mu(image_seq_len=tokens, num_steps=steps) if scheduler.config.use_dynamic_shifting else None
    scheduler.set_timesteps(sigmas=wanted, mu=mu) if mu is not None else scheduler.set_timesteps(sigmas=wanted)
    sigmas = [float(s) for s in scheduler.sigmas]
    found = [Step(sigma, 1.0, 1.0, after - sigma, 0.0) for sigma, after in itertools.pairwise(sigmas)]
    return Schedule(1 - sigmas[0], sigmas[0], tuple(found))
