"""Level `lossy`: of retrieved passages, those that answer the question; opt-in, and labelled where something is left out.

Whole passages are kept or left out, never a part of a sentence, in the order of how well they match the question
(BM25). What the question itself names (numbers, addresses, quotations, names, placeholders) and its negations must be
found among what is kept where they were found at all, else nothing is left out.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from synthlang_router.synthlang.tokens import count_tokens

_KEEP: Final = 0.5  # of the passages' tokens
_LEAST_PASSAGES: Final = 3
_LEAST_PASSAGE: Final = 80  # characters of a passage, on average
_PASSAGE: Final = re.compile(
    r"^[ \t]*(?:#+ *)?(?:\[\d{1,4}\]|<(?:doc|document|passage|source|context|chunk|result|snippet)\b"
    r"|(?:Doc(?:ument)?|Passage|Source|Context|Chunk|Result|Snippet|Excerpt|Article) *#?\d{1,4}\b)",
    re.MULTILINE | re.IGNORECASE,
)
_WORD: Final = re.compile(r"\w+")
_UNSPACED: Final = "\u0e00"
_FACT: Final = re.compile(
    r"https?://\S+|\"[^\"\n]{2,80}\"|“[^”\n]{2,80}”|\$?\{[^{}\n]{1,64}\}|\d+(?:[.,]\d+)*"
    r"|(?<![.?!:] )(?<!^)\b[A-Z][\w-]+|\b(?:not|never|without|none|neither|nor|cannot|\w{2,8}n['’]t)\b",
    re.MULTILINE,
)
_K1: Final = 1.2  # BM25's usual constants (Robertson and Zaragoza 2009)
_B: Final = 0.75
LEFT_OUT: Final = "(left out)"
"""What stands in the place of a passage that was not kept, after its label."""


class _Passage(NamedTuple):
    label: str
    start: int
    end: int


def select(text: str, query: str) -> str | None:
    """The text with the passages that match the question least left out, None where that is not safe or no gain."""
    passages = _passages(text)
    if len(passages) < _LEAST_PASSAGES or passages[-1].end - passages[0].start < _LEAST_PASSAGE * len(
        passages
    ):
        return None
    around = (text[passages[-1].end :].strip(), text[: passages[0].start].strip())
    question = query if query != text else next(filter(None, around), "")
    bodies = [text[passage.start : passage.end] for passage in passages]
    scores = _scores(bodies, question)
    kept = _within(bodies, scores)
    if len(kept) == len(passages) or not _keeps_facts(
        "\n".join(bodies), question, [bodies[number] for number in kept]
    ):
        return None
    out: list[str] = []
    at = 0
    for number, passage in enumerate(passages):
        if number not in kept:
            tail = bodies[number][len(bodies[number].rstrip()) :]
            out += (text[at : passage.start], passage.label, " ", LEFT_OUT, tail)
            at = passage.end
    return "".join(out) + text[at:]


def _passages(text: str) -> list[_Passage]:
    """Each from its label to the next; the last one to the end of its paragraph, before what is asked."""
    labels = list(_PASSAGE.finditer(text))
    ends = [label.start() for label in labels[1:]]
    if labels:
        body = text.find("\n", labels[-1].end())
        stop = text.find("\n\n", max(body, labels[-1].end()))
        ends.append(len(text) if stop < 0 else stop)
    return [_Passage(label[0].strip(), label.start(), end) for label, end in zip(labels, ends, strict=True)]


def _words(text: str) -> list[str]:
    """Lower case, and without the commonest endings, so that `parks` finds `park`.

    Scripts from Thai upwards (Chinese, Japanese, Korean) do not put spaces where they would help: pairs of letters.
    """
    out: list[str] = []
    for word in _WORD.findall(text.lower()):
        if max(word) < _UNSPACED:
            out.append(_stem(word))
        else:
            out += map(str.__add__, word, word[1:])
    return out


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "ed", "es", "s"):
        if len(word) > len(ending) + 3 and word.endswith(ending):
            return word[: -len(ending)]
    return word


def _scores(bodies: Sequence[str], question: str) -> list[float]:
    counts = [Counter(_words(body)) for body in bodies]
    sizes = [count.total() for count in counts]
    mean = sum(sizes) / len(sizes)
    scores = [0.0] * len(bodies)
    for word in set(_words(question)):
        found = sum(word in count for count in counts)
        rarity = math.log(1 + (len(bodies) - found + 0.5) / (found + 0.5))
        for number, count in enumerate(counts):
            often = count[word]
            scores[number] += (
                rarity * often * (_K1 + 1) / (often + _K1 * (1 - _B + _B * sizes[number] / mean))
            )
    return scores


def _within(bodies: Sequence[str], scores: Sequence[float]) -> set[int]:
    """The best passages that fit, and always the best one."""
    sizes = [count_tokens(body, "o200k_base") for body in bodies]
    left = _KEEP * sum(sizes)
    kept: set[int] = set()
    for number in sorted(range(len(bodies)), key=lambda number: (-scores[number], number)):
        if kept and sizes[number] > left:
            continue
        kept.add(number)
        left -= sizes[number]
    return kept


def _keeps_facts(passages: str, question: str, kept: Sequence[str]) -> bool:
    facts = {match[0] for match in _FACT.finditer(question)}
    everything = "\n".join(kept)
    return all(_holds(everything, fact) for fact in facts if _holds(passages, fact))


def _holds(text: str, fact: str) -> bool:
    """Whole: `12` is not in `123`, nor `not` in `note`."""
    return re.search(rf"(?<!\w){re.escape(fact)}(?!\w)", text) is not None
