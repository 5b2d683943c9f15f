"""What in a text is data, and what is somebody's words: only data is ever written otherwise.

The rule is to leave alone whatever is not surely data. JSON is taken where `json_spans` finds it, lines where most
say when they were written, and other text only where its shape shows that it was put together by a program or taken
down from speech: tool output, retrieved passages, worked examples, transcripts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from synthlang_router.synthlang.delimited import find_fields
from synthlang_router.synthlang.json_spans import find_fences, find_json
from synthlang_router.synthlang.listings import find_listings

Kind = Literal["json", "jsonl", "log", "fields", "text"]


class Segment(NamedTuple):
    """A range of a text that is data of one kind."""

    kind: Kind
    start: int
    end: int


_LEAST_IN_SYSTEM: Final = (
    1000  # characters; shorter JSON in a system message is an example of the form wanted
)
_SMALL_JSON: Final = 1000  # characters; within other tool output it is left to that
_LEAST_TEXT: Final = 400  # characters; less holds no repeats worth a frame

_MOMENT: Final = re.compile(  # every way begins with a digit: the search skips all else
    r"[0-9][0-9]?:[0-9][0-9]?:[0-9][0-9]|[0-9]{4}[-/][0-9][0-9]?[-/][0-9][0-9]|1[0-9]{9}(?:[0-9]{3})?\b"
    r"|[0-9]{6} [0-9]{6} [0-9]"
)
_SEVERITIES: Final = ("INFO", "WARN", "ERROR", "DEBUG", "TRACE", "FATAL", "NOTICE", "CRITICAL")
_TIMED: Final = re.compile(rf"{_MOMENT.pattern}|(?:{'|'.join(_SEVERITIES)})(?:ING)?\b")
_TIMED_WITHIN: Final = 96  # characters from the beginning of a line
_LEAST_LINES: Final = 5
_MOST_BETWEEN: Final = 12  # lines of a stack trace between two lines that say when

_LABEL: Final = re.compile(
    r"^[ \t]*(?:[#>*-]+ *)?(?:\[(\d{1,4})\]|<(\w+)[ >]|([A-Z][\w.'-]*(?: [\w.'#-]+){0,3}) *[:：](?!//))",
    re.MULTILINE,
)
_DIGITS: Final = re.compile(r"[\d#]+")
_SPEAKERS: Final = frozenset(("user", "assistant", "human", "ai", "system", "bot", "chatbot", "model"))
_SOURCE: Final = re.compile(
    r"<?(?:doc(?:ument)?|passage|source|context|chunk|result|snippet|article|excerpt|evidence|observation)"
    r"|(?:doc(?:ument)?|passage|source|context|chunk|result|search result|snippet|article|excerpt|evidence"
    r"|observation|tool output|tool result) ?#",
    re.IGNORECASE,
)
_LINE_FENCES: Final = frozenset(
    ("csv", "tsv", "", "log", "logs", "text", "txt", "console", "output", "syslog")
)
_LEAST_TURNS: Final = 12  # lines of a transcript; fewer are a conversation somebody wrote down
_LEAST_EXAMPLES: Final = 3


def find_data(text: str, role: str, *, listings: bool = False) -> list[Segment]:
    """The data of a message's text, in order, without overlap; with `listings`, those in a person's message too."""
    instructs = role in ("system", "developer")
    text_data = None if instructs else _text_data(text, role)
    least = _LEAST_IN_SYSTEM if instructs else _SMALL_JSON if text_data is not None else 0
    found = [Segment("json", *span) for span in find_json(text) if span.end - span.start >= least]
    found = _as_lines(text, found)
    lines = list(_in_lines(text, found))
    found += [segment for segment in lines if not (instructs and segment.kind == "fields")]
    if not found and text_data is not None:
        return [text_data]
    if listings and not instructs and text_data is None:
        found += list(_listings(text, found))
    return sorted(found, key=lambda segment: segment.start)


def _listings(text: str, found: list[Segment]) -> Iterator[Segment]:
    """Those outside of what was found, and of fences."""
    taken = [(segment.start, segment.end) for segment in found]
    taken = sorted([*taken, *((fence.start, fence.end) for fence in find_fences(text))])
    at = 0
    for listing in find_listings(text):
        while at < len(taken) and taken[at][1] <= listing.start:
            at += 1
        if at == len(taken) or taken[at][0] >= listing.end:
            yield Segment("text", *listing)


def _as_lines(text: str, found: list[Segment]) -> list[Segment]:
    """Values on lines of their own, one after the other, taken together."""
    out: list[Segment] = []
    for segment in found:
        last = out[-1] if out else None
        if (
            last is not None
            and text[last.end : segment.start] == "\n"
            and "\n" not in text[segment.start : segment.end]
        ):
            if last.kind == "jsonl" or "\n" not in text[last.start : last.end]:
                out[-1] = Segment("jsonl", last.start, segment.end)
                continue
        out.append(segment)
    return out


def _in_lines(text: str, found: list[Segment]) -> Iterator[Segment]:
    """Logs, and lines of fields, outside JSON and fences that hold something else."""
    taken = [(segment.start, segment.end) for segment in found]
    for fence in find_fences(text):
        inside = fence.language in _LINE_FENCES
        taken += (
            [(fence.start, fence.start), (fence.end, fence.end)] if inside else [(fence.start, fence.end)]
        )
    at = 0
    for start, end in [*sorted(taken), (len(text), len(text))]:
        yield from _logs_and_fields(text, at, start)
        at = max(at, end)


def _logs_and_fields(text: str, start: int, end: int) -> Iterator[Segment]:
    at = start
    for fields in find_fields(text, start, end):
        yield from _timed_runs(text, at, fields.start)
        yield Segment("fields", *fields)
        at = fields.end
    yield from _timed_runs(text, at, end)


def _timed_runs(text: str, start: int, end: int) -> Iterator[Segment]:
    """Runs of lines of which most say when; looked at are only those that do."""
    first = last = -1
    timed = 0
    at = start
    timed_line = _TIMED if any(text.find(word, start, end) >= 0 for word in _SEVERITIES) else _MOMENT
    while (found := timed_line.search(text, at, end)) is not None:
        begin = max(start, text.rfind("\n", 0, found.start()) + 1)
        stop = text.find("\n", found.end(), end)
        stop = end if stop < 0 else stop
        at = stop
        if found.end() - begin > _TIMED_WITHIN:
            continue
        if first >= 0 and text.count("\n", last + 1, begin) > _MOST_BETWEEN:
            yield from _run(first, last, timed)
            first, timed = -1, 0
        first = begin if first < 0 else first
        last = stop
        timed += 1
    yield from _run(first, last, timed)


def _run(first: int, last: int, timed: int) -> Iterator[Segment]:
    if first >= 0 and timed >= _LEAST_LINES:
        yield Segment("log", first, last)


def _text_data(text: str, role: str) -> Segment | None:
    """Text that is no one's words to us: tool output, passages, examples, a transcript."""
    if len(text) < _LEAST_TEXT:
        return None
    if role in ("tool", "function"):
        return Segment("text", 0, len(text))
    labels = list(_LABEL.finditer(text))
    if len(labels) < _LEAST_EXAMPLES:
        return None
    counts = Counter(map(_label, labels))
    if not (_is_passages(counts) or _is_transcript(text, labels, counts) or _is_examples(counts)):
        return None
    return Segment("text", labels[0].start(), len(text))


def _label(found: re.Match[str]) -> str:
    """What a line begins with, numbers apart."""
    number, tag, words = found.groups()
    return "[#]" if number else f"<{tag}" if tag else _DIGITS.sub("#", words)


def _is_passages(counts: Counter[str]) -> bool:
    return any(
        count >= 2 and (label == "[#]" or _SOURCE.fullmatch(label) is not None)
        for label, count in counts.items()
    )


def _is_transcript(text: str, labels: list[re.Match[str]], counts: Counter[str]) -> bool:
    turns = sum(count for label, count in counts.items() if count > 1)
    lines = text.count("\n") - text.count("\n\n") + 1
    return len(labels) >= _LEAST_TURNS and turns * 2 >= lines and len(counts) * 2 <= len(labels)


def _is_examples(counts: Counter[str]) -> bool:
    often = [label for label, count in counts.items() if count >= _LEAST_EXAMPLES and label[0] not in "<["]
    return len([label for label in often if label.lower() not in _SPEAKERS]) >= 2
