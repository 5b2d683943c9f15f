"""What compression saves, per class of text, and what it must not do: `eval_compression.py [FILE.jsonl] --level L [--json]`.

Without a file the rows are look-alikes (`lookalikes/`), so that a clean clone measures itself. Rows are
`{class, text | messages, answers?}`. A text stands in a message of a user, a system prompt's in a system
message, an agent's observation in a tool message. Tokens are those of all texts of the conversation, in every
shipped encoding; CPU time is this thread's, best of three, per 1,000 tokens before.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, get_args

import msgspec
from lookalikes import rows as lookalikes

from synthlang_router.models import ChatRequest, CompressionLevel
from synthlang_router.synthlang import ENCODINGS, compress_prompt, count_tokens, decompress_prompt
from synthlang_router.synthlang.segments import find_data
from synthlang_router.synthlang.tokens import Encoding

ROLES = {"system_prompt": "system", "agent_obs": "tool"}
PROTECTED = re.compile(
    r"(?ms)^```.*?^```|^diff --git.*?(?=^diff --git|\Z)|(?m:`[^`\n]+`|https?://[^\s<>\"')\]]+|[\w.+-]+@[\w-]+\.\w+|\{\{[^{}\n]+\}\})"
)
FACTS = {
    "numbers": re.compile(r"\d+(?:[.,:]\d+)*"),
    "urls": re.compile(r"https?://[^\s<>\"')\]]+"),
    "quotes": re.compile(r"\"[^\"\n]{2,200}\"|“[^”\n]{2,200}”"),
    "code": re.compile(r"`[^`\n]+`"),
    "fences": re.compile(r"(?ms)^```.*?^```"),
    "negations": re.compile(r"\b(?:not|no|never|none|cannot|without|\w+n't)\b[^.\n]{0,40}", re.IGNORECASE),
    "names": re.compile(r"\b[A-Z][a-z]+(?: [A-Z][a-z]+)+\b"),
    "placeholders": re.compile(r"\$?\{[^{}\n]{1,64}\}"),
}


@dataclass
class Row:
    """One conversation measured."""

    cls: str
    before: dict[Encoding, int]
    after: dict[Encoding, int]
    exact: bool
    protected: int
    protected_changed: int
    facts: Counter[str]
    facts_kept: Counter[str]
    milliseconds: float


@dataclass
class Class:
    """The rows of a class together."""

    rows: int = 0
    changed: int = 0
    tokens_before: int = 0
    tokens_after: int = 0
    saved: dict[str, float] = field(default_factory=dict)
    saved_mean_of_rows: float = 0.0
    made_longer: int = 0
    round_trip: float = 0.0
    protected: int = 0
    protected_changed: int = 0
    facts_kept: dict[str, float] = field(default_factory=dict)
    cpu_ms_per_1k_median: float = 0.0
    cpu_ms_per_1k_p95: float = 0.0


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="?", help="Rows; look-alikes where it is left out.")
    parser.add_argument("--rows", type=int, default=12, help="Look-alikes of each class.")
    parser.add_argument("--level", choices=get_args(CompressionLevel), default="readable")
    parser.add_argument("--model", default="gpt-4o")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    given = lookalikes(options.rows) if options.file is None else read(options.file)
    classes = summarise([measure(row, options.level, options.model) for row in given])
    if options.json:
        print(json.dumps({name: asdict(each) for name, each in classes.items()}, indent=1))
    else:
        print(table(classes, options.level))
    good = all(
        not each.made_longer and each.round_trip == 1 and not each.protected_changed
        for each in classes.values()
    )
    return 0 if good else 1


def read(file: Path) -> Iterable[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines if not line.isspace())


def request_of(row: dict[str, Any], model: str) -> ChatRequest:
    messages = row.get("messages")
    if messages is None:
        messages = [{"role": ROLES.get(row["class"], "user"), "content": row["text"]}]
    raw = json.dumps(messages, ensure_ascii=False).encode()
    return ChatRequest({"messages": msgspec.Raw(raw)}, model=model, stream=False)


def measure(row: dict[str, Any], level: CompressionLevel, model: str) -> Row:
    request = request_of(row, model)
    texts = list(texts_of(request))
    before = {name: sum(count_tokens(text, name) for _, text in texts) for name in ENCODINGS}
    spent = []
    for _ in range(3):
        start = time.thread_time()
        prompt = compress_prompt(request, mode="native", level=level)
        spent.append(time.thread_time() - start)
    sent = [text for _, text in texts_of(prompt.sent)]
    after = {name: sum(count_tokens(text, name) for text in sent) for name in ENCODINGS}
    restored = decompress_prompt(prompt)
    exact = bytes(restored.fields["messages"]) == bytes(request.fields["messages"])
    readable = "\n".join(sent if level == "lossy" else [text for _, text in texts_of(restored)])
    spans = [span for role, text in texts for span in protected(text, role)]
    facts = facts_of("\n".join(text for _, text in texts), row.get("answers", ()))
    return Row(
        cls=row["class"] + ("+overlap" if row.get("overlapping_chunks") else ""),
        before=before,
        after=after,
        exact=exact,
        protected=len(spans),
        protected_changed=sum(span not in "\n".join(sent) for span in spans),
        facts=Counter(kind for kind, _ in facts),
        facts_kept=Counter(kind for kind, fact in facts if fact in readable),
        milliseconds=min(spent) * 1e6 / max(1, before["o200k_base"]),
    )


def texts_of(request: ChatRequest) -> Iterable[tuple[str, str]]:
    for message in request.messages:
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"text": content}]
        for part in parts:
            text = part.get("text")
            if isinstance(text, str):
                yield str(message["role"]), text


def protected(text: str, role: str) -> list[str]:
    """Code, diffs, addresses and placeholders that stand outside JSON and logs."""
    spans: list[str] = []
    at = 0
    data = [segment for segment in find_data(text, role) if segment.kind != "text"]
    for start, end in [*((segment.start, segment.end) for segment in data), (len(text), len(text))]:
        spans += [match[0] for match in PROTECTED.finditer(text[at:start])]
        at = end
    return spans


def facts_of(text: str, answers: Iterable[str]) -> list[tuple[str, str]]:
    found = {(kind, match[0]) for kind, pattern in FACTS.items() for match in pattern.finditer(text)}
    return sorted(found) + [("answers", answer) for answer in answers if answer in text]


def summarise(rows: Iterable[Row]) -> dict[str, Class]:
    by_class: dict[str, list[Row]] = {}
    for row in rows:
        by_class.setdefault(row.cls, []).append(row)
    classes = {name: _together(members) for name, members in sorted(by_class.items())}
    return {**classes, "all": _together([row for members in by_class.values() for row in members])}


def _together(rows: list[Row]) -> Class:
    facts, kept = (
        sum((row.facts for row in rows), Counter()),
        sum((row.facts_kept for row in rows), Counter()),
    )
    cpu = sorted(row.milliseconds for row in rows)
    before = {name: sum(row.before[name] for row in rows) for name in ENCODINGS}
    after = {name: sum(row.after[name] for row in rows) for name in ENCODINGS}
    return Class(
        rows=len(rows),
        changed=sum(row.after != row.before for row in rows),
        tokens_before=before["o200k_base"],
        tokens_after=after["o200k_base"],
        saved={name: _saved(before[name], after[name]) for name in ENCODINGS},
        saved_mean_of_rows=statistics.mean(
            _saved(row.before["o200k_base"], row.after["o200k_base"]) for row in rows
        ),
        made_longer=sum(any(row.after[name] > row.before[name] for name in ENCODINGS) for row in rows),
        round_trip=sum(row.exact for row in rows) / len(rows),
        protected=sum(row.protected for row in rows),
        protected_changed=sum(row.protected_changed for row in rows),
        facts_kept={kind: kept[kind] / count for kind, count in sorted(facts.items())},
        cpu_ms_per_1k_median=statistics.median(cpu),
        cpu_ms_per_1k_p95=cpu[min(len(cpu) - 1, int(0.95 * len(cpu)))],
    )


def _saved(before: int, after: int) -> float:
    return 100 * (1 - after / before) if before else 0.0


def table(classes: dict[str, Class], level: str) -> str:
    short = {
        "o200k_base": "o200k",
        "cl100k_base": "cl100k",
        "deepseek_v3": "deepseek",
        "mistral_v3": "mistral",
    }
    heads = [
        "class",
        "rows",
        "changed",
        "tokens",
        *(short.get(name, name) for name in ENCODINGS),
        "mean",
        "longer",
    ]
    heads += ["exact", "protected", "facts", "answers", "ms/1k", "p95"]
    lines = [f"level {level}: % of tokens saved", "  ".join(f"{head:>9}" for head in heads)]
    for name, each in classes.items():
        kept = dict(each.facts_kept)
        answers = kept.pop("answers", 1.0)
        facts = min(kept.values(), default=1.0)
        cells = [name[:9], str(each.rows), str(each.changed), str(each.tokens_before)]
        cells += [f"{each.saved[encoding]:.1f}" for encoding in ENCODINGS] + [
            f"{each.saved_mean_of_rows:.1f}"
        ]
        cells += [
            str(each.made_longer),
            f"{each.round_trip:.0%}",
            f"{each.protected_changed}/{each.protected}",
        ]
        cells += [
            f"{facts:.1%}",
            f"{answers:.1%}",
            f"{each.cpu_ms_per_1k_median:.2f}",
            f"{each.cpu_ms_per_1k_p95:.2f}",
        ]
        lines.append("  ".join(f"{cell:>9}" for cell in cells))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
