"""Which requests are turns of one conversation."""

from __future__ import annotations

from typing import Any

from synthlang_router.llm_provider.conversation import conversation_key, has_begun, is_signed
from synthlang_router.models import Wishes
from tests.llm_provider.conftest import chat_request

SYSTEM = {"role": "system", "content": "You are terse."}
FIRST = {"role": "user", "content": "Hello"}
ANSWER = {"role": "assistant", "content": "Hi."}
SECOND = {"role": "user", "content": "And now?"}


def key(*messages: dict[str, Any], session: str | None = None, **fields: Any) -> int:
    return conversation_key(chat_request(messages=list(messages), **fields), Wishes(session=session))


def test_all_turns_have_one_key() -> None:
    assert key(SYSTEM, FIRST) == key(SYSTEM, FIRST, ANSWER, SECOND)


def test_another_beginning_is_another_conversation() -> None:
    keys = {
        key(SYSTEM, FIRST),
        key(FIRST),
        key(SYSTEM, SECOND),
        key(SYSTEM, FIRST, tools=[{"type": "function"}]),
        key(SYSTEM, {"role": "user", "content": [{"type": "text", "text": "Hello"}]}),
    }

    assert len(keys) == 5


def test_a_named_cache_key_or_session_decides_alone() -> None:
    assert key(FIRST, prompt_cache_key="k") == key(SECOND, prompt_cache_key="k", session="s")
    assert key(FIRST, session="s") == key(SECOND, session="s")
    assert key(FIRST, session="s") != key(FIRST, prompt_cache_key="s")


def test_texts_that_run_together_are_told_apart() -> None:
    assert key({"role": "system", "content": "ab"}, FIRST) != key(
        {"role": "system", "content": "a"}, {"role": "system", "content": "b"}, FIRST
    )


def test_a_conversation_has_begun_once_a_model_spoke() -> None:
    assert not has_begun(chat_request(messages=[SYSTEM, FIRST]))
    assert has_begun(chat_request(messages=[SYSTEM, FIRST, ANSWER, SECOND]))


def test_signed_thoughts_are_seen() -> None:
    thought = {"role": "assistant", "content": [{"type": "thinking", "thinking": "...", "signature": "abc"}]}

    assert is_signed(chat_request(messages=[FIRST, thought, SECOND]))
    assert not is_signed(chat_request(messages=[FIRST, {"role": "user", "content": 'a "signature" in text'}]))
