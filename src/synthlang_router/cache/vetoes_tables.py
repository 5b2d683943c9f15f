"""The closed word classes of the vetoes, from data/vetoes.json, as frozen look-ups."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from synthlang_router.cache.surface_tables import tables


@dataclass(frozen=True, slots=True)
class VetoTables:
    opposites: frozenset[tuple[str, str]]
    negations: frozenset[str]
    countries: Mapping[str, str]
    classes: Mapping[str, Mapping[str, str]]
    """Class name -> word -> the sense it stands for."""
    units: frozenset[str]
    directions: frozenset[str]
    """Words that give what follows them a part: the source, the goal, the measure."""
    small: frozenset[str]
    unnamed: frozenset[str]
    """Words that are no name, whatever their capital."""


@cache
def veto_tables() -> VetoTables:
    """Read once; the result is frozen."""
    raw = json.loads(files(__package__).joinpath("data/vetoes.json").read_text("utf-8"))
    spans = frozenset(raw["time spans"])
    units = frozenset(tables().units.values()) | frozenset(tables().units_after_number.values())
    return VetoTables(
        opposites=frozenset(_both(pair) for pair in raw["opposites"]),
        negations=frozenset(raw["negations"]),
        countries=_members(raw["countries"]),
        classes={name: _members(groups) for name, groups in raw["classes"].items()}
        | {"time spans": {s: s for s in spans}},
        units=units - spans,
        directions=frozenset(raw["directions"]),
        small=frozenset(raw["small"]),
        unnamed=frozenset(raw["unnamed"]),
    )


def _both(pair: str) -> tuple[str, str]:
    one, _, other = pair.partition("/")
    return one, other


def _members(groups: Mapping[str, str]) -> Mapping[str, str]:
    """Sense -> its words, turned round."""
    return {word: sense for sense, words in groups.items() for word in [sense, *words.split()]}
