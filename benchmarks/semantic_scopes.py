"""Pairs of whole requests: may the one's answer be served to the other?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from semantic_requests import key_of
from semantic_share import Share

from synthlang_router.models import Wishes

WISHES = {"as asked": Wishes(), "sampling ignored": Wishes(reuse="any")}
"""A request that asks for sampling is not cached unless the operator reuses any: then only the scope decides."""


def measure_scopes(path: Path) -> dict[str, Any]:
    leaks, shares, wrong = Share(), Share(), []
    for line in path.read_text("utf-8").splitlines():
        case = json.loads(line)
        for name, wishes in WISHES.items():
            one, other = (key_of(side["request"], side["tenant"], wishes) for side in (case["a"], case["b"]))
            bypassed = bool(one.bypass or other.bypass)
            shared = not bypassed and one.scope == other.scope
            if case["may_share"] and not bypassed:
                shares = shares.plus(shared)
            elif not case["may_share"]:
                leaks = leaks.plus(shared)
            if not bypassed and shared != bool(case["may_share"]):
                wrong.append(f"{case['why']} ({name})")
    return {
        "file": path.name,
        "leaked": leaks.told(),
        "shared that may share": shares.told(),
        "wrong cases": "; ".join(wrong) or "none",
    }
