"""The verifier under measure, as the gateway opens it: the rules alone, or with the pair model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from synthlang_router.cache.verifier import Verdict, verify
from synthlang_router.cache.verifier_pair import THRESHOLD, PairVerifier

MODEL = Path(__file__).parents[1] / "packages/pairmodel/synthlang_router_pairmodel/model.onnx"
Verify = Callable[[str, str], Verdict]


def verifier(name: str, *, threshold: float | None = None) -> Verify:
    if name == "surface":
        return verify
    from synthlang_router.cache.pair_model import PairModel

    return PairVerifier(PairModel(MODEL), threshold=THRESHOLD if threshold is None else threshold).verify
