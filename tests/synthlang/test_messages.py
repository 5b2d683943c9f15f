"""A conversation comes back whole, and what a message becomes depends on nothing that comes after it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from synthlang_router.models import CompressionLevel
from synthlang_router.synthlang.messages import Compressed, compress_messages, decode_messages
from tests.synthlang.generated import case, mutated

FILE = "\n".join(f"    value_{n} = compute_something({n * 31}, depth={n})" for n in range(40))
LOG = "\n".join(f"2031-01-02 10:00:{n:02} INFO worker {n % 3} started job {n * 37}" for n in range(40))
TALK: list[dict[str, Any]] = [
    {"role": "system", "content": "You fix bugs."},
    {"role": "user", "content": "Why does it fail?"},
    {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "read", "arguments": "{\"path\": \"a.py\"}"}}]},
    {"role": "tool", "tool_call_id": "1", "content": f"[a.py]\n{FILE}"},
    {"role": "assistant", "content": "I see. Let me look at the log."},
    {"role": "tool", "tool_call_id": "2", "content": LOG},
    {"role": "user", "content": [{"type": "text", "text": "And now?"}, {"type": "text", "text": f"It reads:\n{FILE}"}]},
    {"role": "tool", "tool_call_id": "3", "content": f"[a.py, edited]\n{FILE.replace('value_7 ', 'value_seven ')}"},
]  # fmt: skip


def compressed(messages: list[dict[str, Any]], level: CompressionLevel) -> Compressed:
    raw = json.dumps(messages, ensure_ascii=False).encode()
    found = compress_messages(raw, level, "o200k_base", exact=True)
    assert found is not None
    assert decode_messages(found.stored) == raw
    return found


@pytest.mark.parametrize("level", ["readable", "session"])
def test_a_conversation_with_tools_comes_back(level: CompressionLevel) -> None:
    found = compressed(TALK, level)

    assert found.tokens_after < 0.75 * found.tokens_before


def test_a_file_shown_again_is_a_reference_to_the_message_that_showed_it() -> None:
    sent = json.loads(compressed(TALK, "session").sent)

    assert "【1r4:2-" in sent[7]["content"]
    assert "value_seven" in sent[7]["content"]
    assert "【1r4:2-" in sent[6]["content"][1]["text"]


def test_what_is_sent_of_a_message_does_not_depend_on_later_ones() -> None:
    """Else a provider's cache of the prefix would be lost with every turn."""
    whole = json.loads(compressed(TALK, "session").sent)

    for turns in range(6, len(TALK)):
        assert json.loads(compressed(TALK[:turns], "session").sent) == whole[:turns]


LEVELS: tuple[CompressionLevel, ...] = ("exact", "readable", "session", "lossy")


def conversation(seed: int) -> list[dict[str, Any]]:
    """Texts of all kinds, many of which come again with changes, from everyone who may speak."""
    rng = random.Random(seed)
    texts = [case(seed * 10 + number).text for number in range(4)]
    said = [mutated(rng, rng.choice(texts)) for _ in range(rng.randrange(2, 9))]
    roles = ("user", "tool", "assistant", "user")
    first = {"role": "system", "content": rng.choice(texts)}
    return [first, *({"role": rng.choice(roles), "content": text} for text in said)]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("block", range(5))
def test_every_turn_begins_with_the_bytes_of_the_turn_before(block: int, level: CompressionLevel) -> None:
    """Whatever was said: nothing before the first new message is ever written otherwise."""
    for seed in range(block * 8, block * 8 + 8):
        messages = conversation(seed)
        asked = next((n for n, each in enumerate(messages, 1) if each["role"] == "user"), len(messages))
        whole = sent(messages, level)

        for turns in range(asked, len(messages)):
            shorter = sent(messages[:turns], level)
            assert whole.startswith(shorter[:-1] + b","), (seed, turns)


def sent(messages: list[dict[str, Any]], level: CompressionLevel) -> bytes:
    raw = json.dumps(messages, ensure_ascii=False, separators=(",", ":")).encode()
    found = compress_messages(raw, level, "o200k_base", exact=True)
    return raw if found is None else found.sent


def test_the_models_own_words_instructions_and_calls_are_as_they_were() -> None:
    sent = json.loads(compressed(TALK, "session").sent)

    for number in (0, 1, 2, 4):
        assert sent[number] == TALK[number]
    assert [message.keys() for message in sent] == [message.keys() for message in TALK]


def test_only_texts_of_one_escape_habit_are_changed_together() -> None:
    one = json.dumps({"role": "tool", "content": LOG.replace("worker", "wörker")}, ensure_ascii=False)
    other = json.dumps({"role": "tool", "content": LOG.replace("worker", "wörker")}, ensure_ascii=True)
    raw = f"[{one}, {other}]".encode()

    found = compress_messages(raw, "readable", "o200k_base", exact=True)

    assert found is not None
    assert decode_messages(found.stored) == raw
    assert other.encode() in found.sent


def test_lossy_keeps_what_the_question_of_that_turn_asked_for() -> None:
    """A later question changes nothing in a message that has been sent."""
    passages = "\n\n".join(
        f"[{n}] " + f"All about {word}. " * 30 for n, word in enumerate(("tea", "ice", "iron", "rain"), 1)
    )
    first = [{"role": "user", "content": f"{passages}\n\nWhat is tea?"}]
    later = [*first, {"role": "assistant", "content": "A drink."}, {"role": "user", "content": "And iron?"}]

    (kept, *_), (alone,) = json.loads(sent(later, "lossy")), json.loads(sent(first, "lossy"))

    assert kept == alone
    assert "All about tea" in kept["content"] and "All about iron" not in kept["content"]


def test_lossy_leaves_out_passages_but_stores_everything() -> None:
    subjects = [
        "volcanoes of Iceland",
        "the history of tea",
        "steam engines",
        "the moons of Jupiter",
        "coral reefs",
        "paper making",
    ]
    passages = "\n\n".join(
        f"[{n}] " + " ".join(f"Fact {n * 100 + k} is about {subject} and {k * 77} more." for k in range(9))
        for n, subject in enumerate(subjects, 1)
    )
    messages = [
        {
            "role": "user",
            "content": f"Use the passages.\n\n{passages}\n\nQuestion: What are the moons of Jupiter?",
        }
    ]

    found = compressed(messages, "lossy")

    text = json.loads(found.sent)[0]["content"]
    assert (
        "moons of Jupiter" in text
        and "616 more." in text
        and "Fact 2" in text
        and text.endswith("Question: What are the moons of Jupiter?")
    )
    assert "(left out)" in text
    assert found.tokens_after < 0.6 * found.tokens_before
