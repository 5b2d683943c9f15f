"""`Lanes`: the standing of every target and key, and the order in which those of a route are tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Final

from synthlang_router.llm_provider.balance import better_of_two, by_rendezvous, overloaded, score
from synthlang_router.llm_provider.conversation import conversation_key, has_begun
from synthlang_router.llm_provider.lane import STATES, Lane, State, TargetHealth
from synthlang_router.llm_provider.standing import GOOD, KeyStanding
from synthlang_router.models import ChatRequest, Route, Wishes
from synthlang_router.telemetry import count

MOST_LANES: Final = 2_000
"""A client may name any model of a sole provider; lanes nobody uses make room."""
MOST_PINS: Final = 16_384
"""Conversations whose target is remembered; rendezvous stands in for a forgotten one."""


class Lanes:
    """One per process."""

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._keys: dict[str, KeyStanding] = {}
        self._pins: dict[int, Lane] = {}

    def of(self, provider: str, model: str) -> Lane:
        lane = self._lanes.get((provider, model))
        if lane is None:
            if len(self._lanes) >= MOST_LANES:
                self._make_room()
            digest = blake2b(f"{provider}\0{model}".encode(), digest_size=8).digest()
            lane = self._lanes[provider, model] = Lane(provider, model, int.from_bytes(digest, "big"))
        return lane

    def key_of(self, provider: str) -> KeyStanding:
        return self._keys.get(provider, GOOD)

    def set_key(self, provider: str, standing: KeyStanding) -> None:
        if standing is not GOOD:
            self._keys[provider] = standing
        elif provider in self._keys:
            del self._keys[provider]

    def health(self, now: float) -> list[TargetHealth]:
        """Every lane that is or was in use."""
        return [
            lane.health(now, key_refused=self.key_of(lane.provider).refused(now))
            for lane in self._lanes.values()
        ]

    def state(self, lane: Lane, now: float) -> State:
        """How a lane is now."""
        return STATES[self._rank(lane, now)]

    @property
    def pinned(self) -> int:
        """Conversations whose target is remembered."""
        return len(self._pins)

    def order(
        self, route: Route, request: ChatRequest, wishes: Wishes, now: float
    ) -> tuple[list[Lane], int | None]:
        """Whom to ask, the best first, and the key under which to `pin` the one that answers.

        Lanes in trouble come last in any case: they are asked where nobody else is left.
        """
        first = self.of(route.provider, route.model)
        if not route.alternatives:
            return [first], None
        others = [self.of(target.provider, target.model) for target in route.alternatives]
        key = None
        if route.peers:
            key = conversation_key(request, wishes)
            weights = [route.weight, *(target.weight for target in route.alternatives[: route.peers])]
            peers = [first, *others[: route.peers]]
            chosen = self._choose(key, peers, weights, has_begun(request), now)
            others = [*peers[:chosen], *peers[chosen + 1 :], *others[route.peers :]]
            first = peers[chosen]
        ordered = [first, *others]
        ordered.sort(key=lambda lane: self._rank(lane, now))
        return ordered, key

    def home(self, route: Route, request: ChatRequest, wishes: Wishes) -> Lane:
        """Who answered this conversation before, as far as that is known; how it is now does not matter."""
        first = self.of(route.provider, route.model)
        key = conversation_key(request, wishes)
        pinned = self._pins.get(key)
        if pinned is not None:
            return pinned
        targets = route.alternatives[: route.peers]
        peers = [first, *(self.of(target.provider, target.model) for target in targets)]
        weights = [route.weight, *(target.weight for target in targets)]
        return peers[by_rendezvous(key, [lane.id for lane in peers], weights)[0]]

    def pin(self, key: int, lane: Lane) -> None:
        """From now on the conversation stays there."""
        pins = self._pins
        pins.pop(key, None)
        if len(pins) >= MOST_PINS:
            del pins[next(iter(pins))]
        pins[key] = lane

    def _rank(self, lane: Lane, now: float) -> int:
        return lane.rank(now, key_refused=self.key_of(lane.provider).refused(now))

    def _choose(
        self, key: int, peers: Sequence[Lane], weights: Sequence[float], begun: bool, now: float
    ) -> int:
        """The index of the peer that gets the request, if it is well."""
        in_flight = [lane.in_flight for lane in peers]
        well = [self._rank(lane, now) == 0 for lane in peers]
        pinned = self._pins.get(key)
        if pinned is not None and pinned in peers:
            index = peers.index(pinned)
            if well[index] and not overloaded(in_flight, weights, index):
                return index
        if begun or pinned is not None:
            order = by_rendezvous(key, [lane.id for lane in peers], weights)
            return next((i for i in order if well[i] and not overloaded(in_flight, weights, i)), order[0])
        known = [lane.first_token(now) for lane in peers]
        measured = [seconds for seconds in known if seconds is not None]
        usual = sum(measured) / len(measured) if measured else 1.0
        mean = sum(weights) / len(weights)
        scores = [
            score(usual if seconds is None else seconds, load, weight / mean) if good else float("inf")
            for seconds, load, weight, good in zip(known, in_flight, weights, well, strict=True)
        ]
        return better_of_two(scores, weights, 0, self._random())

    def _make_room(self) -> None:
        for name, lane in list(self._lanes.items()):
            if lane.in_flight == 0:
                del self._lanes[name]
                if len(self._lanes) < MOST_LANES // 2:
                    break
        count("lanes_dropped")
