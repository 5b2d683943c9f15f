"""The layered verifier: surface variants are served, vetoed pairs refused, and a model judges what is left.

Synchronous, for a worker thread: the model takes milliseconds. Where it has no say, only surface variants are served.
"""

from typing import Final, Protocol

from synthlang_router.cache.alignment_pair import Pair
from synthlang_router.cache.surface import normal_form, tokenise, without_smileys
from synthlang_router.cache.surface_lexicon import english
from synthlang_router.cache.surface_reading import Reading, read
from synthlang_router.cache.verifier import Verdict, verify
from synthlang_router.cache.vetoes import ORDER, veto

THRESHOLD: Final = 0.92
"""Where the shipped model serves some 1 % of the near-misses of an author it has not learned from."""
SURE: Final = 0.95
"""The same for pairs of mostly the same words in another order, whose parts may have changed places."""
LONGEST_JUDGED: Final = 600
"""Characters of both texts together; in longer ones a model of this size overlooks the word that counts."""


class PairJudge(Protocol):
    def probability(self, stored: str, asked: str) -> float | None:
        """How likely the answer to the one serves the other; None where the texts cannot be read whole."""


class PairVerifier:
    """`threshold` is the probability from which on a pair is served."""

    def __init__(self, judge: PairJudge, *, threshold: float = THRESHOLD) -> None:
        self._judge = judge
        self._threshold = threshold

    def verify(self, stored: str, asked: str) -> Verdict:
        """A refusal's reason is the veto, or `model`; with `model` comes the probability."""
        verdict = verify(stored, asked)
        if verdict.serve or len(stored) + len(asked) > LONGEST_JUDGED:
            return verdict
        one, other = normal_form(stored), normal_form(asked)
        if not one or not other:
            return verdict
        reason = veto(Pair(_reading(one), _reading(other), english(), literal=False, technical=False))
        if reason is not None and reason != ORDER:
            return Verdict(False, f"veto: {reason}", verdict.features)
        probability = self._judge.probability(one, other)
        if probability is None:
            return verdict
        threshold = self._threshold if reason is None else max(SURE, self._threshold)
        return Verdict(probability >= threshold, "model", verdict.features, probability)


def _reading(text: str) -> Reading:
    return read(tokenise(without_smileys(text) or text), literal=False)
