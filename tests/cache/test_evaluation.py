"""The measurement of the semantic cache, run as an operator runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "eval_semantic_cache.py"


def measured(tmp_path: Path, what: str, rows: list[dict[str, Any]], *more: str) -> list[dict[str, Any]]:
    file = tmp_path / f"{what}.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    command = [sys.executable, str(SCRIPT), f"--{what}", str(file), "--verify", "surface", "--json", *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_pairs_are_told_by_group_category_and_language_with_their_intervals(tmp_path: Path) -> None:
    rows = [
        {"cat": "surface", "a": "Where is the lift?", "b": "where is the lift??", "same": 1},
        {"cat": "surface", "lang": "de", "a": "Wo ist der Lift?", "b": "wo liegt der lift", "same": 1},
        {"cat": "near:number", "a": "Is 3 odd?", "b": "Is 4 odd?", "same": 0},
    ]

    [result] = measured(tmp_path, "pairs", rows)

    surface, near = result["served"]["surface"], result["served"]["near-miss"]
    assert (surface["count"], surface["rows"], surface["share"]) == (1, 2, 0.5)
    assert near["count"] == 0
    assert near["low"] == 0.0 < near["high"] < 1.0
    assert result["by category"]["near:number"]["rows"] == 1
    assert result["by group and language"]["surface de"]["count"] == 0


def test_a_stream_is_told_by_right_and_wrong_hits_of_requests_and_of_hits(tmp_path: Path) -> None:
    rows = [
        {"q": "Where is the lift?", "cls": "lift"},
        {"q": "where is the lift", "cls": "lift"},
        {"q": "Where is the lift?", "cls": "another"},
        {"q": "How do I cook rice?", "cls": "rice"},
    ]

    [result] = measured(tmp_path, "stream", rows)

    assert result["correct hits of all requests"]["count"] == 1
    assert result["wrong hits of all requests"]["count"] == 1
    assert (result["wrong hits of hits"]["count"], result["wrong hits of hits"]["rows"]) == (1, 2)


def test_scopes_are_told_by_leaks_and_by_lost_shares(tmp_path: Path) -> None:
    def side(tenant: str, text: str) -> dict[str, Any]:
        return {
            "tenant": tenant,
            "request": {"model": "m", "messages": [{"role": "user", "content": text}]},
        }

    rows = [
        {"why": "same", "a": side("t", "A?"), "b": side("t", "B?"), "may_share": 1},
        {"why": "tenant", "a": side("t", "A?"), "b": side("u", "A?"), "may_share": 0},
        {"why": "a label that is wrong", "a": side("t", "A?"), "b": side("t", "A?"), "may_share": 0},
    ]

    [result] = measured(tmp_path, "scope", rows)

    assert (result["leaked"]["count"], result["leaked"]["rows"]) == (2, 4)
    assert result["shared that may share"]["share"] == 1.0
    assert "a label that is wrong" in result["wrong cases"]
