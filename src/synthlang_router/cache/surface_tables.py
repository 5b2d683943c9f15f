"""The closed word classes of the surface reading, from data/surface.json, as frozen look-ups."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    contractions: Mapping[str, Phrase]
    spellings: Mapping[str, Phrase]
    units: Mapping[str, str]
    units_after_number: Mapping[str, str]
    currency_signs: Mapping[str, str]
    phrases: Mapping[str, tuple[Phrase, ...]]
    alternatives: frozenset[frozenset[str]]
    numbers: Mapping[str, int]
    foreign_numbers: Mapping[str, int]
    scales: Mapping[str, int]
    ordinals: Mapping[str, int]
    months: Mapping[str, int]
    greetings: frozenset[Phrase]
    openers: frozenset[Phrase]
    closers: frozenset[Phrase]
    requests: frozenset[Phrase]
    """Closers that ask to be told: what remains is asked for."""
    signoffs: frozenset[Phrase]
    first_words: frozenset[str]
    """Of all phrases that may open a text."""
    last_words: frozenset[str]
    """Of all phrases that may close one."""
    signing_words: frozenset[str]
    askers: frozenset[Phrase]
    verbs: frozenset[str]
    tellers: frozenset[Phrase]
    wh: frozenset[str]
    auxiliaries: frozenset[str]
    interrogatives: frozenset[str]
    declaratives: frozenset[str]
    language_words: frozenset[str]
    language_phrases: frozenset[Phrase]
    ambiguous_capitals: frozenset[str]


LONGEST_PHRASE: Final = 24


@cache
def tables() -> Tables:
    """Read once; the result is frozen."""
    raw = json.loads(files(__package__).joinpath("data/surface.json").read_text("utf-8"))
    edges = ("greetings", "openers", "closers", "requests", "signoffs")
    phrases = {key: frozenset(map(_phrase, raw[key])) for key in edges}
    asks = {key: frozenset(map(_phrase, raw["asks"][key])) for key in ("askers", "tellers")}
    opening = phrases["greetings"] | phrases["openers"] | asks["askers"] | asks["tellers"] | {("please",)}
    return Tables(
        contractions={key: tuple(text.split()) for key, text in raw["contractions"].items()},
        spellings={key: tuple(text.split()) for key, text in raw["spellings"].items()},
        units=_inverted(raw["units"]),
        units_after_number=_inverted(raw["units_after_number"]),
        currency_signs=raw["currency_signs"],
        phrases={key: tuple(map(_phrase, spelled)) for key, spelled in raw["phrases"].items()},
        alternatives=frozenset(frozenset(pair) for pair in raw["alternatives"]),
        numbers=raw["numbers"],
        foreign_numbers=raw["foreign_numbers"],
        scales=raw["scales"],
        ordinals=raw["ordinals"],
        months=raw["months"],
        first_words=frozenset(phrase[0] for phrase in opening),
        last_words=frozenset(phrase[-1] for phrase in phrases["closers"] | phrases["requests"]),
        signing_words=frozenset(phrase[-1] for phrase in phrases["signoffs"]),
        verbs=frozenset(raw["asks"]["verbs"]),
        **asks,
        wh=frozenset(raw["wh"]),
        auxiliaries=frozenset(raw["auxiliaries"]),
        interrogatives=frozenset(raw["interrogatives"]) | frozenset(raw["wh"]),
        declaratives=frozenset(raw["declaratives"]),
        language_words=frozenset(raw["language_words"]),
        language_phrases=frozenset(map(_phrase, raw["language_phrases"])),
        ambiguous_capitals=frozenset(raw["ambiguous_capitals"]),
        **phrases,
    )


def _phrase(text: str) -> Phrase:
    """A phrase as the reading would cut it: scripts without spaces go by the character."""
    cut: list[str] = []
    for word in text.split():
        head, tick, tail = word.partition("'") if word.endswith(("'s", "'d")) else (word, "", "")
        cut += list(head) if is_unspaced(head[:1]) else [head] if head else []
        cut += ["'" + tail] if tick else []
    return tuple(cut)


def is_unspaced(character: str) -> bool:
    """Han, kana and Hangul: the white space between words carries no meaning there."""
    return (
        "\u3040" <= character <= "\u30ff"
        or "\u3400" <= character <= "\u9fff"
        or "\uac00" <= character <= "\ud7af"
    )


def _inverted(groups: Mapping[str, Iterable[str]]) -> Mapping[str, str]:
    return {spelling: name for name, spellings in groups.items() for spelling in spellings}
