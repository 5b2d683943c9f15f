"""Data is what surely is data: words of people, code and instructions are found by no rule."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from synthlang_router.synthlang.segments import find_data

LOG = "\n".join(f"2031-01-02 10:00:{n:02} INFO worker started job {n}" for n in range(8))
TABLE = json.dumps([{"id": n, "name": f"user {n}"} for n in range(60)])
CSV = "id,name,state\n" + "\n".join(f"{n},user {n},open" for n in range(9))
PASSAGES = "\n\n".join(f"[{n}] " + "Some retrieved words about a subject. " * 6 for n in range(1, 5))
EXAMPLES = "\n\n".join(
    f"Q: What is {n} and {n}?\nA: Let us think about it step by step, it is {2 * n}." for n in range(9)
)
TRANSCRIPT = "\n".join(
    f"{'Ann' if n % 2 else 'Bob'}: well , I think so , yes , {n} . And what do you think ?" for n in range(16)
)
PROSE = (
    "Please write a short story about a lighthouse keeper. It should have three parts, and a surprising end. "
    * 6
)
CHAT = "User: How are you today?\nAssistant: I am well, thank you for asking.\nUser: And tomorrow?\n" * 3


def kinds(text: str, role: str = "user") -> list[str]:
    return [segment.kind for segment in find_data(text, role)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (LOG, ["log"]),
        (f"What went wrong here?\n\n{LOG}\n\nAnswer briefly.", ["log"]),
        (f"```\n{LOG}\n```", ["log"]),
        (f"```log\n{LOG}\n```", ["log"]),
        (TABLE, ["json"]),
        ("\n".join(json.dumps({"n": n, "text": "some words here"}) for n in range(4)), ["jsonl"]),
        (f"{TABLE}\n\n{LOG}", ["json", "log"]),
        (CSV, ["fields"]),
        (f"```csv\n{CSV}\n```\n\n{LOG}", ["fields", "log"]),
        (PASSAGES, ["text"]),
        (
            f"Use the context.\n\n{PASSAGES.replace('[', 'Document ').replace(']', ':')}\n\nQuestion: why?",
            ["text"],
        ),
        (EXAMPLES, ["text"]),
        (TRANSCRIPT, ["text"]),
    ],
)
def test_data_is_found_by_its_shape(text: str, found: list[str]) -> None:
    assert kinds(text) == found


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        CHAT,
        "\n".join(f"- do this thing number {n} with care and attention to detail" for n in range(20)),
        "\n".join(
            f"# Heading {n}\n\nSome text about the heading that goes on for a while.\n" for n in range(8)
        ),
        "\n".join(f"def function_{n}(argument):\n    return argument * {n}\n" for n in range(20)),
        f"```python\n{LOG}\n```",
        "The meeting is at 10:00:00 on 2031-01-02.",
    ],
)
def test_words_and_code_are_no_data(text: str) -> None:
    assert kinds(text) == []


def test_in_instructions_only_large_json_and_logs_are_data() -> None:
    small = json.dumps({"answer": "a short text", "confidence": 0.5})

    assert kinds(f"Answer like this:\n{small}", "system") == []
    assert kinds(f"You know these users:\n{TABLE}", "system") == ["json"]
    assert kinds(LOG, "developer") == ["log"]
    assert kinds(CSV, "system") == kinds(PASSAGES, "system") == kinds(TRANSCRIPT, "developer") == []


def test_what_a_tool_answers_is_data_unless_it_is_short() -> None:
    output = "total 48\n" + "\n".join(f"-rw-r--r-- 1 root root {n * 37} file{n}.txt" for n in range(30))

    assert kinds(output, "tool") == ["text"]
    assert kinds("done", "tool") == []


def test_segments_are_in_order_and_apart() -> None:
    text = f"{LOG}\n\n{TABLE}\n\n{LOG}\n{TABLE}\n{LOG}"

    segments = find_data(text, "user")

    assert [segment.kind for segment in segments] == ["log", "json", "log", "json", "log"]
    assert all(one.end <= other.start for one, other in pairwise(segments))
    assert (
        "".join(text[segment.start : segment.end] for segment in segments) == LOG + TABLE + LOG + TABLE + LOG
    )
