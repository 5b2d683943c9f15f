"""The verifier under measure: the one the gateway opens, the rules alone, or the layered one over recorded probabilities."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from synthlang_router.cache.verifier import Verdict, verify
from synthlang_router.cache.verifier_pair import THRESHOLD, PairJudge, PairVerifier

MODEL = Path(__file__).parents[1] / "packages/pairmodel/synthlang_router_pairmodel/model.onnx"
Verify = Callable[[str, str], Verdict]


def verifier(name: str, *, judge: PairJudge | None = None, threshold: float | None = None) -> Verify:
    """`judge` stands in for the shipped model."""
    if name == "surface":
        return verify
    if judge is None:
        from synthlang_router.cache.pair_model import PairModel

        judge = PairModel(MODEL)
    return PairVerifier(judge, threshold=THRESHOLD if threshold is None else threshold).verify
