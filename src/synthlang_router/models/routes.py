"""Which target answers, and what became of each call."""

from __future__ import annotations

import msgspec

from synthlang_router.models.answers import Usage


class Target(msgspec.Struct, frozen=True, gc=False):
    """One way to be served: a configured provider and the name of the model there.

    What the operator said of it: `context` is the most tokens it takes, `lacks` what it cannot do (tools, images,
    json). What is known of the model: request fields that it `refuses`, and those (asked, taken) that it `renames`.
    """

    provider: str
    model: str
    weight: float = 1.0
    context: int | None = None
    lacks: tuple[str, ...] = ()
    refuses: tuple[str, ...] = ()
    renames: tuple[tuple[str, str], ...] = ()


class Patience(msgspec.Struct, frozen=True, gc=False):
    """Seconds that a public name allows for a call; None is as the provider has it. See `Timeouts`."""

    connect: float | None = None
    first_token: float | None = None
    idle: float | None = None
    total: float | None = None


class Route(msgspec.Struct, frozen=True, gc=False):
    """Which target answers, and why. `alternatives` in the order in which they would be tried.

    `policy` identifies the alias and the rules that led here (part of the cache scope); `dropped` names the
    parameters that the router's own change of model made impossible, `renamed` those (asked, taken) that the model
    takes under another name. The first `peers` alternatives share the load with the target itself, which has
    `weight` among them; the rest only stand in. `hedge` lets a second target start when the first is slow; `patience`
    holds for all of them.
    """

    provider: str
    model: str
    reason: str
    policy: str
    alternatives: tuple[Target, ...] = ()
    dropped: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    weight: float = 1.0
    peers: int = 0
    hedge: bool = False
    patience: Patience | None = None


class Attempt(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One call upstream. Times in seconds since the request's arrival.

    What the provider bills for it: `cost` in USD (None: nobody knows) of `usage`, and who says so.
    """

    provider: str
    model: str
    started: float
    ended: float
    status: int
    error: str | None = None
    usage: Usage | None = None
    cost: float | None = None
    source: str = ""
