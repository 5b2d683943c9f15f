"""The pair model's training rows: labelled pairs, and pairs made from them by rule.

A made near-miss takes a pair that is the same and changes one thing in one of the two texts that no answer
survives: a number, a name, a direction, a polarity, an added condition. All choices come from the given seed.
"""

import json
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pair_noise import misread, roughened

AUTHORS = "bcdef"
OPPOSITES = (
    "with/without before/after more/less most/least best/worst increase/decrease add/remove enable/disable on/off open/close "
    "buy/sell import/export encode/decode lock/unlock start/stop hot/cold pros/cons advantages/disadvantages cause/effect "
    "causes/effects first/last above/below maximum/minimum highest/lowest largest/smallest longest/shortest fastest/slowest "
    "oldest/newest cheapest/costliest can/cannot should/shouldn't do/don't does/doesn't is/isn't are/aren't will/won't "
    "from/to to/from in/out into/from inside/outside over/under upload/download install/uninstall accept/decline send/receive "
    "good/bad safe/dangerous allowed/forbidden legal/illegal possible/impossible include/exclude always/never all/some any/no "
    "push/pull read/write client/server input/output left/right up/down early/late higher/lower faster/slower gain/lose "
    "win/lose borrow/lend teach/learn employer/employee landlord/tenant buyer/seller parent/child teacher/student husband/wife "
    "formal/informal short/long summarize/expand explain/list list/compare write/review daily/weekly monthly/yearly per/in "
    "my/your i/you he/she his/her north/south east/west morning/evening today/tomorrow yesterday/today past/future old/new"
).split()
ADDITIONS = (
    "in French", "in Spanish", "for beginners", "for children", "in Python", "in Java", "in one sentence", "in 50 words",
    "without using a library", "on Windows", "on a Mac", "in Germany", "in the UK", "as a table", "as a poem", "step by step",
    "for a vegetarian", "with an example", "in winter", "for free", "in a formal tone", "before 2010", "for a small business",
    "if it is raining", "except on Sundays", "by hand", "at night", "without a password", "as JSON", "for two people",
)  # fmt: skip
FRAMES = (
    (
        r"(?:how (?:do i|can i|to|do you|would i|should i)|what(?:'s| is) the (?:best |easiest )?way to|tell me how to|show me how to) (.+?)[?.!]*$",
        (
            "How do I {}?", "How can I {}?", "how to {}", "What's the way to {}?", "What is the best way to {}?", "I want to {}. How?",
            "I'd like to {}, how do I do that?", "I need to {}; what do I have to do?", "Explain how to {}.", "Is there a way to {}?",
            "What do I do to {}?", "Help me {}, please.", "Which steps does it take to {}?",
        ),
    ),
    (
        r"(?:what(?:'s| is)|tell me|define) ((?:the|a|an) .+?)[?.!]*$",
        (
            "What is {}?", "what's {}", "Tell me {}.", "Could you tell me {}?", "I'd like to know {}.", "Do you know {}?", "{}?",
            "Can you say what {} is?", "I need {}.", "Give me {}, please.",
        ),
    ),
    (
        r"(?:can i|may i|am i allowed to|is it possible to|is it ok to) (.+?)[?.!]*$",
        (
            "Can I {}?", "May I {}?", "Am I allowed to {}?", "Is it possible to {}?", "Is it okay to {}?", "Would it be fine to {}?",
            "I want to {}. Is that allowed?", "Is there anything against it if I {}?",
        ),
    ),
    (
        r"(?:write|draft|compose) ((?:a|an|me a) .+?)[?.!]*$",
        (
            "Write {}.", "Draft {}, please.", "I need {}.", "Could you write {}?", "Please compose {}.", "Help me write {}.", "Come up with {}.",
        ),
    ),
    (
        r"(?:what (?:does|do)) (.+?) (?:mean|stand for)[?.!]*$",
        ("What does {} mean?", "What is meant by {}?", "Explain {}.", "What's the meaning of {}?", "I don't know what {} means, tell me."),
    ),
    (
        r"why (?:do|does|is|are) (.+?)[?.!]*$",
        ("Why is it that {}?", "What is the reason that {}?", "Tell me why {}.", "How come {}?"),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    a: str
    b: str
    same: bool
    author: str
    kind: str
    weight: float = 1.0


def labelled(folder: Path) -> list[Row]:
    """The hand-written pairs of all authors, in all languages."""
    rows = []
    for author in AUTHORS:
        for line in (folder / f"pairs_{author}.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            rows.append(Row(row["a"], row["b"], bool(row["same"]), author, row["cat"].split(":")[0]))
    return rows


def templated(folder: Path, rng: random.Random, streams: int) -> list[Row]:
    """One author's templates, and pairs drawn from the stream with exact labels."""
    lines = (folder / "adv_pairs.jsonl").read_text("utf-8").splitlines()
    rows = [Row(row["a"], row["b"], bool(row["same"]), "t", "template") for row in map(json.loads, lines)]
    classes: dict[str, list[str]] = defaultdict(list)
    for line in (folder / "stream_synth.jsonl").read_text("utf-8").splitlines():
        item = json.loads(line)
        if item["q"] not in classes[item["cls"]]:
            classes[item["cls"]].append(item["q"])
    frames: dict[str, list[str]] = defaultdict(list)
    for name in classes:
        frames[name.rsplit(":", 2)[0] if name.startswith("w:") else name.rsplit(":", 1)[0]].append(name)
    for _ in range(streams):
        frame = rng.choice([names for names in frames.values() if len(names) > 1])
        one, other = rng.sample(frame, 2)
        rows.append(Row(rng.choice(classes[one]), rng.choice(classes[other]), False, "t", "stream"))
        name = rng.choice([name for name, texts in classes.items() if len(texts) > 1])
        first, second = rng.sample(classes[name], 2)
        rows.append(Row(first, second, True, "t", "stream"))
    return rows


def made(rows: Sequence[Row], rng: random.Random) -> Iterator[Row]:
    """For each given pair: near-misses and surface variants by rule; and look-alikes across rows."""
    names = _names(rows)
    for row in rows:
        if row.same:
            for other in _changed(row.b, names, rng):
                yield Row(
                    row.a,
                    roughened(other, rng) if rng.random() < _ROUGH else other,
                    False,
                    row.author,
                    "made",
                    0.7,
                )
        yield from _reframed(row, names, rng)
        text = rng.choice((row.a, row.b))
        yield Row(text, roughened(text, rng), True, row.author, "made", 0.5)
    yield from _look_alikes(rows, rng)


_ROUGH = 0.3
"""Share of made near-misses that are written carelessly as well."""


def reframed(text: str, rng: random.Random) -> str | None:
    """The same question in another frame; None where no frame fits."""
    for pattern, frames in FRAMES:
        match = re.match(pattern, text, re.IGNORECASE)
        if match is not None:
            return rng.choice(frames).format(match[1])
    return None


def _reframed(row: Row, names: Sequence[str], rng: random.Random) -> Iterator[Row]:
    """Another frame changes nothing; another frame around something changed does not help it."""
    for text, other in ((row.a, row.b), (row.b, row.a)):
        framed = reframed(text, rng)
        if framed is None or framed == text:
            continue
        yield Row(text, framed, True, row.author, "made", 0.7)
        yield Row(framed, other, row.same, row.author, "made", 0.7)
        for changed in _changed(framed, names, rng)[:1]:
            yield Row(text, changed, False, row.author, "made", 0.7)


def _names(rows: Iterable[Row]) -> list[str]:
    found = {name for row in rows for name in re.findall(r"(?<=[a-z,] )[A-Z][\w+#]+", row.a)}
    return sorted(found)


def _changed(text: str, names: Sequence[str], rng: random.Random) -> list[str]:
    """Up to two near-misses of a text, of different kinds."""
    ways = [_other_number, _other_name, _opposite, _swapped, _dropped, _added, _misread]
    rng.shuffle(ways)
    results = []
    for way in ways:
        changed = way(text, names, rng)
        if changed is not None and changed != text:
            results.append(changed)
        if len(results) == 2:
            break
    return results


def _replace(text: str, spans: Sequence[tuple[int, int]], rng: random.Random, value: str) -> str | None:
    if not spans:
        return None
    start, end = rng.choice(spans)
    return text[:start] + value + text[end:]


def _other_number(text: str, names: Sequence[str], rng: random.Random) -> str | None:
    spans = [match.span() for match in re.finditer(r"\d+", text)]
    if not spans:
        return None
    start, end = rng.choice(spans)
    old = int(text[start:end][:9])
    new = rng.choice([old + 1, old + 10, max(0, old - 1), old * 2 + 1, old * 10])
    return text[:start] + str(new) + text[end:]


def _other_name(text: str, names: Sequence[str], rng: random.Random) -> str | None:
    spans = [match.span() for match in re.finditer(r"(?<=[a-z,] )[A-Z][\w+#]+", text)]
    return _replace(text, spans, rng, rng.choice(names)) if names else None


def _opposite(text: str, names: Sequence[str], rng: random.Random) -> str | None:
    pairs = [pair.split("/") for pair in OPPOSITES]
    options = [(x, y) for one, other in pairs for x, y in ((one, other), (other, one))]
    options = [(x, y) for x, y in options if re.search(rf"\b{re.escape(x)}\b", text, re.IGNORECASE)]
    if not options:
        return None
    old, new = rng.choice(options)
    return re.sub(rf"\b{re.escape(old)}\b", new, text, count=1, flags=re.IGNORECASE)


_SMALL = frozenset(
    "a an the of in on at to for with and or is are do does did i my me you your it how what which who when".split()
)


def _content(text: str) -> list[tuple[int, int]]:
    return [m.span() for m in re.finditer(r"[^\W_][\w'-]*", text) if m[0].lower() not in _SMALL]


def _swapped(text: str, names: Sequence[str], rng: random.Random) -> str | None:
    """Two content words change places across a function word: X to Y, Y to X."""
    matches = list(
        re.finditer(
            r"\b(\w{2,}) (from|to|of|for|with|by|in|over|than|into|and then|before|after|versus|on) (\w{2,})\b",
            text,
        )
    )
    matches = [m for m in matches if m[1].lower() not in _SMALL and m[3].lower() not in _SMALL]
    if not matches:
        return None
    m = rng.choice(matches)
    return f"{text[: m.start()]}{m[3]} {m[2]} {m[1]}{text[m.end() :]}"


def _dropped(text: str, names: Sequence[str], rng: random.Random) -> str | None:
    """One content word or the last phrase is gone."""
    spans = _content(text)
    if len(spans) < 4:
        return None
    start, end = rng.choice(spans[1:])
    return " ".join((text[:start] + text[end:]).split())


def _misread(text: str, names: Sequence[str], rng: random.Random) -> str | None:
    return misread(text, rng)


def _added(text: str, names: Sequence[str], rng: random.Random) -> str | None:
    stripped = text.rstrip(" ?.!")
    return f"{stripped} {rng.choice(ADDITIONS)}{text[len(stripped) :]}"


def _look_alikes(rows: Sequence[Row], rng: random.Random) -> Iterator[Row]:
    """Each text with the one of another row that shares most of its rarer words."""
    index: dict[str, list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        for word in _rare_words(row.a):
            index[word].append(at)
    for at, row in enumerate(rows):
        score: dict[int, float] = defaultdict(float)
        words = _rare_words(row.b)
        for word in words:
            for other in index.get(word, ()):
                score[other] += 1 / (1 + len(index[word]))
        ranked = [other for other in sorted(score, key=lambda o: (-score[o], o)) if abs(other - at) > 2]
        for other in ranked[:3]:
            theirs = _rare_words(rows[other].a)
            if len(words & theirs) <= _ALIKE * min(len(words), len(theirs)):
                yield Row(rows[other].a, row.b, False, row.author, "look-alike", 0.5)
                break


_ALIKE = 0.6
"""Share of words in common beyond which two rows may ask the same."""


def _rare_words(text: str) -> set[str]:
    return {word.lower() for word in re.findall(r"\w+", text)} - _SMALL
