"""One class of rows after the other, as the evaluation reads them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from lookalikes import data, logs, talk

TEXTS: dict[str, Callable[[random.Random], str]] = {
    "json_table": data.json_of(data.users, data.metrics, data.orders),
    "json_nested": data.json_of(data.pods),
    "json_object": data.json_of(data.webhook),
    "json_search": data.json_of(data.found),
    "json_lines": data.json_lines,
    "fields": data.fields,
    "log": lambda rng: rng.choice(logs.ALL)(rng),
    "agent_obs": talk.observations,
    "fewshot": talk.fewshot,
    "meeting": talk.meeting,
    "system_prompt": talk.system,
    "instruction": talk.instruction,
    "chat": talk.chat,
    "code": talk.program,
}


def rows(count: int, seed: int = 5) -> Iterator[dict[str, Any]]:
    """`count` rows of every class."""
    for name, make in TEXTS.items():
        rng = random.Random(f"{seed} {name}")
        yield from ({"class": name, "text": make(rng)} for _ in range(count))
    rng = random.Random(f"{seed} talk")
    yield from ({"class": "session", "messages": talk.session(rng)} for _ in range(count))
    for overlap in (False, True):
        yield from ({"class": "rag", **talk.rag(rng, overlap=overlap)} for _ in range(count))
