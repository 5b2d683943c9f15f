"""The pipeline's step holds up nobody, notes its figure, and keeps the holdout apart."""

from __future__ import annotations

import json

import msgspec

from synthlang_router.models import ChatRequest, Facts, Route, Wishes
from synthlang_router.synthlang import SynthLang, compress_prompt, measure, needs_thread

TABLE = json.dumps([{"id": n, "name": f"user {n}", "active": n % 2 == 0} for n in range(20)], indent=2)


def chat(text: str) -> ChatRequest:
    raw = json.dumps([{"role": "user", "content": text}]).encode()
    return ChatRequest({"messages": msgspec.Raw(raw)}, model="gpt-4o", stream=False)


def facts() -> Facts:
    return Facts(request_id="r", row_id="i", arrived=0.0, started=0.0)


def test_the_figure_is_noted_by_mode() -> None:
    native, transparent, off = facts(), facts(), facts()

    SynthLang().compress_prompt(chat(TABLE), Wishes(compression="native"), native)
    SynthLang().compress_prompt(chat(TABLE), Wishes(), transparent)
    SynthLang().compress_prompt(chat(TABLE), Wishes(compression="off"), off)

    assert native.tokens_saved == transparent.tokens_would_save
    assert native.tokens_saved and native.tokens_would_save is None and transparent.tokens_saved is None
    assert off.tokens_saved is None and off.tokens_would_save is None


def test_a_large_prompt_is_measured_later_and_to_the_same_figure() -> None:
    request, notes = chat(TABLE * 10), facts()

    prompt = SynthLang().compress_prompt(request, Wishes(), notes)

    assert prompt.sent is request and prompt.tokens_less is None and notes.tokens_would_save is None
    done = measure(prompt)
    assert done.tokens_less == compress_prompt(request, mode="native", level="exact").tokens_less
    assert done.sent is request
    assert measure(done) is done


def test_counting_is_for_the_model_that_was_chosen() -> None:
    notes = facts()
    notes.route = Route("p", "claude-sonnet-4-5", "rule", "default")

    prompt = SynthLang().compress_prompt(chat(TABLE), Wishes(), notes)

    assert prompt.model == "claude-sonnet-4-5" and not prompt.exact


def test_a_conversation_held_out_is_sent_as_it_is_and_counted_as_what_would_be_saved() -> None:
    request, notes = chat(TABLE), facts()

    prompt = SynthLang(holdout=1.0).compress_prompt(request, Wishes(compression="native"), notes)

    assert prompt.held_out and prompt.sent is request
    assert notes.tokens_would_save and notes.tokens_saved is None


def test_a_conversation_stays_in_its_arm_in_every_turn() -> None:
    step, first = SynthLang(holdout=0.5), {"role": "user", "content": TABLE}
    for seed in range(20):
        opening = {"role": "system", "content": f"Conversation {seed}: " + "be brief. " * 60}
        turns = [[opening, first], [opening, first, {"role": "assistant", "content": "ok"}, first]]
        arms = set()
        for messages in turns:
            request = ChatRequest(
                {"messages": msgspec.Raw(json.dumps(messages).encode())}, model="gpt-4o", stream=False
            )
            arms.add(step.compress_prompt(request, Wishes(compression="native"), facts()).held_out)
        assert len(arms) == 1


def test_only_large_native_prompts_need_a_thread() -> None:
    assert needs_thread(chat("x" * 70_000), Wishes(compression="native"))
    assert not needs_thread(chat("x" * 70_000), Wishes())
    assert not needs_thread(chat("x" * 60_000), Wishes(compression="native"))
    assert not needs_thread(ChatRequest({}, model="m", stream=False), Wishes(compression="native"))
