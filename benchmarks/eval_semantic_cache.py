"""Measures the semantic cache with its live decision code: labelled pairs, streams of questions, scopes.

    python benchmarks/eval_semantic_cache.py --pairs FILE [FILE ...]
    python benchmarks/eval_semantic_cache.py --stream FILE [FILE ...] [--seed N ...] [--limit N]
        [--max-error D] [--labels oracle|none] [--answers equal|distinct]
    python benchmarks/eval_semantic_cache.py --scope FILE [FILE ...]

Rows of pairs are {"cat", "a", "b", "same"} (a's answer is stored, b is asked), of streams {"q", "cls"}, of scopes
{"a", "b", "may_share"}. `--verify pair` asks the pair model too; `--json` prints one object a file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from semantic_pairs import PairsResult, measure_pairs
from semantic_scopes import measure_scopes
from semantic_share import Share
from semantic_streams import Labels, measure_stream
from semantic_verifier import Verify, verifier

GROUPS = ("near-miss", "surface", "paraphrase")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--pairs", type=Path, nargs="+")
    what.add_argument("--stream", type=Path, nargs="+")
    what.add_argument("--scope", type=Path, nargs="+")
    parser.add_argument("--verify", choices=("surface", "pair"), default="surface")
    parser.add_argument("--threshold", type=float, help="instead of the shipped one")
    parser.add_argument("--seed", type=int, nargs="+", help="orders of the stream; without, as it is")
    parser.add_argument("--limit", type=int, help="only so many rows of a stream")
    parser.add_argument(
        "--max-error", type=float, default=0.01, help="the share of wrong answers that is borne"
    )
    parser.add_argument(
        "--labels",
        choices=("oracle", "none"),
        default="oracle",
        help="what audits hear: at most 10 %% of requests",
    )
    parser.add_argument(
        "--answers",
        choices=("equal", "distinct"),
        default="equal",
        help="how answers of one class are worded",
    )
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def main() -> None:
    options = parsed()
    for result in results(options):
        print(json.dumps(result) if options.json else as_text(result))


def results(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    if options.scope:
        yield from map(measure_scopes, options.scope)
    elif options.pairs:
        yield from pair_results(options.pairs, deciding(options))
    else:
        for path in options.stream:
            for seed in options.seed or (None,):
                yield measure_stream(
                    path, deciding(options), seed=seed, limit=options.limit, labels=labels_of(options)
                )


def labels_of(options: argparse.Namespace) -> Labels:
    return Labels(options.max_error, options.labels == "oracle", options.answers == "distinct")


def deciding(options: argparse.Namespace) -> Verify:
    return verifier(options.verify, threshold=options.threshold)


def pair_results(paths: list[Path], verify: Verify) -> Iterator[dict[str, Any]]:
    """Each file, and all of them together."""
    measured = [measure_pairs(path, verify) for path in paths]
    yield from (result.told(path.name) for path, result in zip(paths, measured, strict=True))
    if len(measured) > 1:
        yield PairsResult.together(measured).told("all files")


def as_text(result: dict[str, Any]) -> str:
    lines = [str(result.pop("file"))]
    for name, value in result.items():
        if not isinstance(value, dict):
            lines.append(f"  {name}: {value}")
        elif "share" in value:
            lines.append(f"  {Share.line(name, value)}")
        else:
            lines += [f"  {name}:", *(f"    {Share.line(key, one)}" for key, one in value.items())]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
