"""What comes again in a text of letters: the inner nodes of its suffix tree, without the tree.

Hot: the suffixes that begin with a seed seen more often than what stands before it are sorted (cut at a reach, and
only promising ones extended), and neighbours compared: about 1 ms per 1,000 letters, where a suffix automaton in
Python took six. Linear, but for the sort.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

Repeat = tuple[int, int, int]  # where it stands first, of how many letters it is, how often it comes


class Look(NamedTuple):
    """`seed`: letters that must come again for a place to be looked at; `short`: sizes of shorter repeats counted."""

    seed: int
    short: tuple[int, ...]


_REACH: Final = 48  # letters by which suffixes are told apart
_SOON: Final = 12  # letters before a new one at which a second look begins


def repeats_from(
    text: str, places: Sequence[int], costs: Sequence[float], least: float, look: Look
) -> list[Repeat]:
    """The repeats from these places on that cannot be made longer without becoming fewer, and may pay.

    `costs` are the sums before each letter; what saves no more than `least` is left out.
    """
    seed = look.seed
    cut = [text[at : at + _REACH] for at in places]
    order = sorted(range(len(cut)), key=cut.__getitem__)
    starts = [places[number] for number in order]
    found: list[Repeat] = []
    stack: list[tuple[int, int]] = []
    top = 0
    above, one = "", -1
    for index, number in enumerate([*order, -1]):  # the last one ends what is still open
        below, other = (cut[number], places[number]) if number >= 0 else ("", -1)
        same = above[:seed] == below[:seed] != ""
        common = _common(text, one, other, above, below, seed) if same else 0
        first = index - 1
        while top > common:
            first, size = stack.pop()
            start, count = starts[first], index - first
            if (count - 1) * (costs[start + size] - costs[start] - 1) > least:
                found.append((start, size, count))
            top = stack[-1][1] if stack else 0
        if top < common:
            stack.append((first, common))
            top = common
        above, one = below, other
    return found


def first_look(text: str, often_enough: int, look: Look) -> tuple[list[int], list[Repeat]]:
    """The places where a longer repeat may begin, and the short repeats that come often: start, length and number.

    A repeat that always follows the same letter is part of a longer one, which is found at that letter.
    """
    seeds = _parts(text, look.seed)
    often = Counter(seeds)
    again = [at for at, seed in enumerate(seeds) if often[seed] > 1]
    before = [text[at - 1 : at + look.seed] for at in again]  # of the first place of all: nothing
    same = Counter(before)
    places = [at for at, seed in zip(again, before, strict=True) if often[seeds[at]] > same[seed]]
    short = [
        (text.index(part), size, count)
        for size in look.short
        for part, count in Counter(_parts(text, size)).items()
        if count >= often_enough
    ]
    return places, short


def _parts(text: str, size: int) -> Sequence[str]:
    return text if size == 1 else [text[at : at + size] for at in range(len(text) - size + 1)]


def before_letters(text: str, first: str) -> list[int]:
    """The places from which one soon comes upon a letter that is not older than `first`."""
    near: list[int] = []
    for at in [at for at, letter in enumerate(text) if letter >= first]:
        near.extend(range(max(near[-1] + 1 if near else 0, at - _SOON), at + 1))
    return near


def _common(text: str, one: int, other: int, above: str, below: str, size: int) -> int:
    """How many letters two suffixes share (`size` at least), beyond the reach only where they do not follow the same one."""
    if above == below:
        if one and other and text[one - 1] == text[other - 1]:
            return len(above)
        return _extended(text, one, other, len(above))
    while above[size : size + 8] == below[size : size + 8]:
        size += 8
    while above[size : size + 1] == below[size : size + 1]:
        size += 1
    return size


def _extended(text: str, one: int, other: int, size: int) -> int:
    limit = len(text) - max(one, other)
    step = size
    while step:
        if size + step <= limit and text.startswith(text[one + size : one + size + step], other + size):
            size += step
            step *= 2
        else:
            step //= 2
    return size
