"""The sentences that sheets show: nothing here is picked by its picture."""

from __future__ import annotations

PROOF = (
    "a vast sea at sunset",
    "a red flower",
    "mountains in the snow",
    "a blue room with a window",
    "a forest in the fog",
    "a city at night in the rain",
    "fire",
    "a green field under a stormy sky",
    "une mer violette la nuit",
    "un visage dans la lumière dorée",
    "love",
    "hyperproduction",
)
"""Shown every few minutes while training."""
