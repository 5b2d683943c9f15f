"""Measures the verifier on labelled pairs of questions: the live code, a share served for each kind of pair.

    python benchmarks/eval_pairs.py --pairs FILE [--pairs FILE ...] [--model] [--threshold P] [--json]

A row is {"cat", "a", "b", "same"}; a's answer is stored and b is asked.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from synthlang_router.cache.verifier import Verdict, verify

Verify = Callable[[str, str], Verdict]


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


def measure(path: Path, decide: Verify) -> dict[str, object]:
    served: Counter[str] = Counter()
    rows: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    started = time.process_time()
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        group = group_of(row)
        rows[group] += 1
        if decide(row["a"], row["b"]).serve:
            served[group] += 1
            wrong[str(row["cat"])] += group == "near-miss"
    spent = time.process_time() - started
    shares = {
        name: asdict(Share(served[name], rows[name], served[name] / rows[name])) for name in sorted(rows)
    }
    microseconds = round(1e6 * spent / max(1, sum(rows.values())))
    return {"file": path.name, **shares, "wrong": dict(+wrong), "cpu_us_per_decision": microseconds}


def layered(threshold: float | None) -> Verify:
    """Loads the model, which the rules alone do not need."""
    from synthlang_router.cache.pair_model import PairModel
    from synthlang_router.cache.verifier_pair import THRESHOLD, PairVerifier

    return PairVerifier(PairModel(), threshold=THRESHOLD if threshold is None else threshold).verify


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pairs", type=Path, action="append", required=True)
    parser.add_argument("--model", action="store_true", help="the layered verifier with the pair model")
    parser.add_argument("--threshold", type=float, help="probability from which on the model's pairs are served")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    decide = layered(options.threshold) if options.model else verify
    for path in options.pairs:
        result = measure(path, decide)
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
