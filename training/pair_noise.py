"""Careless and polite writing of the same text, and the misreadings that careless writing invites.

A slip of the keyboard leaves a string that is no word; another word, however near, is another question.
"""

import random
import re

from synthlang_router.cache.surface_lexicon import english

OPENINGS = (
    "Hi, ", "Hello! ", "Please ", "Could you tell me: ", "Quick question: ", "hey ", "Sorry, ", "Good morning. ", "ok so ",
    "I was wondering, ", "Just curious: ", "Can you help? ", "Hey there! ", "um, ", "so ", "Question: ", "Help! ",
)  # fmt: skip
CLOSINGS = (
    " Thanks!", " please", " thank you", " thx", " Thanks in advance.", "??", " pls", "!", " :)", " ...", " Thank you so much!",
    " asap please", " Any help is appreciated.", " ty", " Cheers!", " I have no idea.", " Just wondering.",
)  # fmt: skip
SHORTER = {
    "what is": "what's", "do not": "don't", "does not": "doesn't", "is not": "isn't", "cannot": "can't", "i am": "i'm",
    "you": "u", "and": "&", "without": "w/o", "with": "w/", "for": "4", "please": "pls", "difference": "diff",
    "what's": "whats", "don't": "dont", "can't": "cant", "people": "ppl", "because": "bc", "information": "info",
    "application": "app", "documents": "docs", "maximum": "max", "minimum": "min", "approximately": "approx.",
    "because of": "due to", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "ten": "10", "percent": "%",
    "versus": "vs", "for example": "e.g.", "through": "thru", "number": "no.", "favorite": "favourite", "color": "colour",
}  # fmt: skip
_NEAR = dict(
    zip(
        "qwertyuiopasdfghjklzxcvbnm",
        "wa qse wrd etf ryg tuh yij uok ipl ol qsz awdx sefc drgv fthb gyjn hukm jil ko asx zsdc xdfv cfgb vghn bhjm njk".split(),
        strict=True,
    )
)


def roughened(text: str, rng: random.Random) -> str:
    """The same text, written carelessly or politely."""
    rough = text.lower() if rng.random() < 0.5 else text
    if rng.random() < 0.5:
        rough = rng.choice(OPENINGS) + rough
    if rng.random() < 0.5:
        rough = rough.rstrip("?.!") + rng.choice(CLOSINGS)
    for long, short in SHORTER.items():
        if rng.random() < 0.3:
            rough = re.sub(rf"\b{long}\b", short, rough)
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        rough = mistyped(rough, rng)
    return rough


def mistyped(text: str, rng: random.Random) -> str:
    """One letter of a word dropped, doubled, hit beside its key or exchanged with its neighbour: no word any more."""
    spans = [m.span() for m in re.finditer(r"[a-z]{4,}", text)]
    if not spans:
        return text
    start, end = rng.choice(spans)
    word = _slipped(text[start:end], rng)
    return text if english().flag(word) else text[:start] + word + text[end:]


def _slipped(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word))
    way = rng.randrange(4)
    if way == 0:
        return word[:at] + word[at + 1 :]
    if way == 1:
        return word[:at] + word[at] + word[at:]
    if way == 2:
        return word[: at - 1] + word[at] + word[at - 1] + word[at + 1 :]
    return word[:at] + rng.choice(_NEAR[word[at]]) + word[at + 1 :]


def misread(text: str, rng: random.Random) -> str | None:
    """One word replaced by another one that is a letter away: form and from, sale and sole."""
    spans = [m.span() for m in re.finditer(r"\b[a-z]{4,}\b", text)]
    rng.shuffle(spans)
    for start, end in spans[:4]:
        word = text[start:end]
        near = [other for other in _one_away(word) if other != word and english().flag(other) == "c"]
        near = [other for other in near if other.rstrip("s") != word.rstrip("s")]
        if near:
            return text[:start] + rng.choice(near) + text[end:]
    return None


def _one_away(word: str) -> list[str]:
    letters = "abcdefghijklmnopqrstuvwxyz"
    changed = [word[:at] + x + word[at + 1 :] for at in range(len(word)) for x in letters]
    turned = [word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)]
    return sorted(set(changed + turned + [word[:at] + word[at + 1 :] for at in range(len(word))]))
