"""Measures the verifier on labelled pairs of questions: the live code, a share served for each kind of pair.

    python benchmarks/eval_pairs.py --pairs FILE [--pairs FILE ...] [--model | --probabilities FILE] [--threshold P] [--json]

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

from synthlang_router.cache.surface import normal_form
from synthlang_router.cache.verifier import Verdict, verify
from synthlang_router.cache.verifier_pair import THRESHOLD, PairVerifier

MODEL = Path(__file__).parents[1] / "packages/pairmodel/synthlang_router_pairmodel/model.onnx"
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


class Recorded:
    """Probabilities that training/train_pair_model.py --leave-out wrote for an author it had not learned from."""

    def __init__(self, path: Path) -> None:
        rows: list[tuple[str, str, float | None]] = json.loads(path.read_text("utf-8"))
        self._known = {(normal_form(a), normal_form(b)): probability for a, b, probability in rows}

    def probability(self, stored: str, asked: str) -> float | None:
        return self._known.get((stored, asked))


def decision(options: argparse.Namespace) -> Verify:
    """The rules alone, or with a model on top; only that loads one."""
    if options.probabilities is not None:
        return PairVerifier(Recorded(options.probabilities), threshold=options.threshold).verify
    if options.model:
        from synthlang_router.cache.pair_model import PairModel

        return PairVerifier(PairModel(MODEL), threshold=options.threshold).verify
    return verify


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--pairs", type=Path, action="append", required=True)
    parser.add_argument(
        "--model", action="store_true", help="the layered verifier with the shipped pair model"
    )
    parser.add_argument(
        "--probabilities", type=Path, help="the layered verifier with these instead of the model"
    )
    parser.add_argument(
        "--threshold", type=float, default=THRESHOLD, help="probability from which on a pair is served"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    decide = decision(options)
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
