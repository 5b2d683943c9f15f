"""Who of several equal targets answers: pure choices by load for new conversations, by rendezvous for running ones."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

MUCH_BETTER: Final = 1.25
"""How many times better a second candidate's score must be to be preferred to the one the weights drew."""

NOISE: Final = 0.05
"""Seconds added to every first-token time: milliseconds more or less are no reason to leave the weights."""

SPILL_FROM: Final = 16
SPILL_AT: Final = 2.0
"""A conversation leaves its target where that has this many times its share of the load."""

_MASK: Final = (1 << 64) - 1


def score(first_token: float, in_flight: int, share: float) -> float:
    """What another request would wait for; `share` is the weight relative to the mean weight. Less is better."""
    return (first_token + NOISE) * (1.0 + in_flight / share)


def better_of_two(scores: Sequence[float], weights: Sequence[float], first: int, at: float) -> int:
    """Power of two choices: `first` was drawn by weight, the second is drawn from the rest at `at` of [0, 1)."""
    left = sum(weights) - weights[first]
    point = at * left
    second = first
    for index, weight in enumerate(weights):
        if index == first:
            continue
        second = index
        point -= weight
        if point < 0:
            break
    return second if scores[second] * MUCH_BETTER < scores[first] else first


def by_rendezvous(key: int, ids: Sequence[int], weights: Sequence[float]) -> list[int]:
    """All indices, the best first; a target that comes or goes moves only its own conversations.

    Weighted as in draft-ietf-bess-weighted-hrw: -weight / ln(hash).
    """
    ranks = [-weight / math.log(_point(key, id_)) for id_, weight in zip(ids, weights, strict=True)]
    return sorted(range(len(ranks)), key=ranks.__getitem__, reverse=True)


def overloaded(in_flight: Sequence[int], weights: Sequence[float], index: int) -> bool:
    """Whether a target has so much more than its share that staying there costs more than a cold prompt cache."""
    mine = in_flight[index]
    if mine < SPILL_FROM:
        return False
    return mine > SPILL_AT * (sum(in_flight) + 1) * weights[index] / sum(weights)


def _point(key: int, id_: int) -> float:
    """A point of (0, 1), by splitmix64 (Steele, Lea, Flood 2014)."""
    z = (key + id_ * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return (((z ^ (z >> 31)) >> 11) + 0.5) / 2.0**53
