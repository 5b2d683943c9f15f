"""Measures the verifier on labelled pairs of questions: the live code, a share served for each kind of pair.

    python benchmarks/eval_pairs.py --pairs FILE [--pairs FILE ...] [--model] [--threshold P] [--json]

A row is {"cat", "a", "b", "same"}; a's answer is stored and b is asked.
"""

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from synthlang_router.cache.verifier import verify


@dataclass(frozen=True, slots=True)
class Share:
    served: int
    rows: int
    share: float


def group_of(row: dict[str, object]) -> str:
    """Near-misses are the rows that must not be served; surface rows say so in their category."""
    if not row["same"]:
        return "near-miss"
    category = str(row["cat"])
    return "surface" if "surface" in category or "numword" in category else "paraphrase"


def measure(path: Path) -> dict[str, object]:
    served: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    started = time.process_time()
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        group = group_of(row)
        rows[group] += 1
        if verify(row["a"], row["b"]).serve:
            served[group] += 1
            wrong[str(row["cat"])] += group == "near-miss"
    spent = time.process_time() - started
    shares = {
        name: asdict(Share(served[name], rows[name], served[name] / rows[name])) for name in sorted(rows)
    }
    microseconds = round(1e6 * spent / max(1, sum(rows.values())))
    return {"file": path.name, **shares, "wrong": dict(+wrong), "cpu_us_per_decision": microseconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pairs", type=Path, action="append", required=True)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for path in options.pairs:
        result = measure(path)
        if options.json:
            json.dump(result, sys.stdout)
            sys.stdout.write("\n")
            continue
        print(result["file"], f"{result['cpu_us_per_decision']} us a decision")
        for name in ("near-miss", "surface", "paraphrase"):
            share = result.get(name)
            if isinstance(share, dict):
                print(f"  {name:10} {share['served']:4} of {share['rows']:4}  {share['share']:7.2%}")


if __name__ == "__main__":
    main()
