"""Labelled pairs of questions: how often is the stored answer served, by kind of pair and by language?"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from semantic_share import Share
from semantic_verifier import Verify


@dataclass
class PairsResult:
    groups: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Group, category, language: rows."""
    served: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    seconds: float = 0.0

    @classmethod
    def together(cls, results: Sequence[PairsResult]) -> PairsResult:
        whole = cls()
        for result in results:
            whole.groups += result.groups
            whole.served += result.served
            whole.seconds += result.seconds
        return whole

    def told(self, name: str) -> dict[str, Any]:
        by_language = {lang for _, _, lang in self.groups}
        return {
            "file": name,
            "served": self._shares(self.served, 0),
            "by category": self._shares(self.served, 1),
            **({"by group and language": self._shares(self.served, 0, 2)} if by_language != {"en"} else {}),
            "cpu_us_per_decision": round(1e6 * self.seconds / max(1, self.groups.total())),
        }

    def _shares(self, counted: Counter[tuple[str, str, str]], *parts: int) -> dict[str, Any]:
        shares: dict[str, Share] = {}
        for key, rows in sorted(self.groups.items()):
            name = " ".join(key[part] for part in parts)
            shares[name] = shares.get(name, Share()) + Share(counted[key], rows)
        return {name: share.told() for name, share in shares.items()}


def group_of(row: dict[str, Any]) -> str:
    """Near-misses are the rows that must not be served; surface rows say so in their category."""
    if not row["same"]:
        return "near-miss"
    category = str(row["cat"])
    return "surface" if "surface" in category or "numword" in category else "paraphrase"


def measure_pairs(path: Path, verify: Verify) -> PairsResult:
    result = PairsResult()
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        key = group_of(row), str(row["cat"]), str(row.get("lang", "en"))
        started = time.process_time()
        serve = verify(row["a"], row["b"]).serve
        result.seconds += time.process_time() - started
        result.groups[key] += 1
        result.served[key] += serve
    return result
