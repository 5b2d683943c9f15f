"""Chooses from which probability on a pair is served: for each author from the other four alone, then from all five.

    python training/choose_thresholds.py --data DIR --probabilities FOLDER [--near-misses 0.007]

FOLDER holds `b.json` to `f.json`, written by train_pair_model.py --leave-out. A near-miss served costs as much as
so many right answers as keep the share of near-misses served under the given one.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pair_reading import decided, doubt_of, pair_of, pieces_of

AUTHORS = "bcdef"
Thresholds = Mapping[str, float]
NEVER = 2.0
PLAIN = ""


@dataclass(frozen=True, slots=True)
class Case:
    author: str
    group: str
    language: str
    decided: bool | None
    """What the rules and vetoes say; None where the model decides."""
    doubt: str = PLAIN
    probability: float = 0.0

    def served(self, thresholds: Thresholds) -> bool:
        return self.decided is True or (
            self.decided is None and self.probability >= thresholds.get(self.doubt, NEVER)
        )


def cases_of(author: str, data: Path, probabilities: Path) -> Iterable[Case]:
    known = {
        (left, right): p
        for left, right, p in json.loads((probabilities / f"{author}.json").read_text("utf-8"))
    }
    for line in (data / f"pairs_{author}.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        group = "near-miss" if not row["same"] else str(row["cat"])
        yield _case(Case(author, group, row.get("lang", "en"), False), row["a"], row["b"], known.get)


def _case(case: Case, a: str, b: str, known: Callable[[tuple[str, str]], float | None]) -> Case:
    pair = pair_of(a, b)
    told = decided(a, b, pair)
    if told is not None:
        return Case(case.author, case.group, case.language, told)
    pieces = pieces_of(pair)
    found = [p for piece in pieces or () if (p := known((piece.left, piece.right))) is not None]
    if not pieces or len(found) < len(pieces):
        return case
    return Case(case.author, case.group, case.language, None, doubt_of(pair) or PLAIN, min(found))


def chosen(cases: Sequence[Case], most: float) -> dict[str, float]:
    """The lowest price of a near-miss at which the thresholds keep to `most`."""
    price = 1.0
    while True:
        thresholds = _at(cases, price)
        near = [case for case in cases if case.group == "near-miss"]
        if sum(case.served(thresholds) for case in near) <= most * len(near):
            return thresholds
        price *= 1.15


def _at(cases: Sequence[Case], price: float) -> dict[str, float]:
    by_doubt: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        if case.decided is None:
            by_doubt[case.doubt].append(case)
    return {doubt: _best(group, price) for doubt, group in by_doubt.items()}


def _best(cases: Sequence[Case], price: float) -> float:
    best, gain, threshold = 0.0, 0.0, NEVER
    for case in sorted(cases, key=lambda c: -c.probability):
        gain += -price if case.group == "near-miss" else 1.0
        if gain > best:
            best, threshold = gain, case.probability
    return threshold


def told(cases: Sequence[Case], thresholds: Thresholds) -> str:
    parts = []
    for group in ("near-miss", "surface", "paraphrase"):
        mine = [case for case in cases if case.group == group]
        served = sum(case.served(thresholds) for case in mine)
        parts.append(f"{group} {served}/{len(mine)} {served / len(mine):.2%}")
    return "  ".join(parts)


def main() -> None:
    parser = argparse.ArgumentParser(description="Choose the thresholds of the pair model.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--probabilities", type=Path, required=True)
    parser.add_argument("--near-misses", type=float, default=0.007)
    parser.add_argument("--authors", default=AUTHORS)
    options = parser.parse_args()
    cases = [
        case for author in options.authors for case in cases_of(author, options.data, options.probabilities)
    ]
    whole: list[tuple[Case, Thresholds]] = []
    for author in options.authors:
        thresholds = chosen([case for case in cases if case.author != author], options.near_misses)
        mine = [case for case in cases if case.author == author]
        whole += [(case, thresholds) for case in mine]
        print_line(f"{author}: {told(mine, thresholds)}   {_rounded(thresholds)}")
    for group in ("near-miss", "surface", "paraphrase"):
        mine_too = [(case, thresholds) for case, thresholds in whole if case.group == group]
        served = sum(case.served(thresholds) for case, thresholds in mine_too)
        print_line(f"left out, {group}: {served} of {len(mine_too)}, {served / len(mine_too):.2%}")
    final = chosen(cases, options.near_misses)
    print_line(f"all five: {told(cases, final)}   {_rounded(final)}")


def _rounded(thresholds: Thresholds) -> dict[str, float]:
    return {doubt or "none": round(value, 4) for doubt, value in sorted(thresholds.items())}


def print_line(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
