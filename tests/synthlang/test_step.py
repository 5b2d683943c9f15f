"""The pipeline's step holds up nobody, notes its figure, and keeps the holdout apart."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import msgspec

from synthlang_router.models import ChatRequest, Facts, Route, Wishes
from synthlang_router.synthlang import SynthLang, compress_prompt, measure
from synthlang_router.synthlang.step import MOST_BYTES
from synthlang_router.telemetry import counters

ROOT = Path(__file__).parents[2]
TABLE = json.dumps([{"id": n, "name": f"user {n}", "active": n % 2 == 0} for n in range(20)], indent=2)


def chat(text: str) -> ChatRequest:
    raw = json.dumps([{"role": "user", "content": text}]).encode()
    return ChatRequest({"messages": msgspec.Raw(raw)}, model="gpt-4o", stream=False)


def facts() -> Facts:
    return Facts(request_id="r", row_id="i", arrived=0.0, started=0.0)


async def test_no_tokenizer_is_loaded_on_the_loop_nor_for_a_prompt_without_data() -> None:
    """In a process of its own: the tables of this one are loaded."""
    script = (
        "import asyncio, sys, threading\n"
        "from synthlang_router.models import Wishes\n"
        "from synthlang_router.synthlang import tokens, SynthLang\n"
        "from tests.synthlang.test_step import TABLE, chat, facts\n"
        "loaded_in = []\n"
        "load = tokens.Tokenizer.from_pretrained\n"
        "class Noted:\n"
        "    @staticmethod\n"
        "    def from_pretrained(name):\n"
        "        loaded_in.append(threading.current_thread().name)\n"
        "        return load(name)\n"
        "tokens.Tokenizer = Noted\n"
        "async def main():\n"
        "    step, notes = SynthLang(), facts()\n"
        "    await step.compress_prompt(chat('Hello, how are you?'), Wishes(), facts())\n"
        "    assert loaded_in == []\n"
        "    await step.compress_prompt(chat(TABLE), Wishes(), notes)\n"
        "    assert notes.tokens_would_save > 0\n"
        "asyncio.run(main())\n"
        "assert loaded_in and 'MainThread' not in loaded_in, loaded_in\n"
    )

    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


async def test_the_figure_is_noted_by_mode() -> None:
    native, transparent, off = facts(), facts(), facts()

    await SynthLang().compress_prompt(chat(TABLE), Wishes(compression="native"), native)
    await SynthLang().compress_prompt(chat(TABLE), Wishes(), transparent)
    await SynthLang().compress_prompt(chat(TABLE), Wishes(compression="off"), off)

    assert native.tokens_saved == transparent.tokens_would_save
    assert native.tokens_saved and native.tokens_would_save is None and transparent.tokens_saved is None
    assert off.tokens_saved is None and off.tokens_would_save is None


async def test_a_large_prompt_is_measured_later_and_to_the_same_figure() -> None:
    request, notes = chat(TABLE * 10), facts()

    prompt = await SynthLang().compress_prompt(request, Wishes(), notes)

    assert prompt.sent is request and prompt.tokens_less is None and notes.tokens_would_save is None
    done = measure(prompt)
    assert done.tokens_less == compress_prompt(request, mode="native", level="exact").tokens_less
    assert done.sent is request
    assert measure(done) is done


async def test_counting_is_for_the_model_that_was_chosen() -> None:
    notes = facts()
    notes.route = Route("p", "claude-sonnet-4-5", "rule", "default")

    prompt = await SynthLang().compress_prompt(chat(TABLE), Wishes(), notes)

    assert prompt.model == "claude-sonnet-4-5" and not prompt.exact


async def test_a_conversation_held_out_is_sent_as_it_is_and_counted_as_what_would_be_saved() -> None:
    request, notes = chat(TABLE), facts()

    prompt = await SynthLang(holdout=1.0).compress_prompt(request, Wishes(compression="native"), notes)

    assert prompt.held_out and prompt.sent is request
    assert notes.tokens_would_save and notes.tokens_saved is None


async def test_a_conversation_stays_in_its_arm_in_every_turn() -> None:
    step, first = SynthLang(holdout=0.5), {"role": "user", "content": TABLE}
    for seed in range(20):
        opening = {"role": "system", "content": f"Conversation {seed}: " + "be brief. " * 60}
        turns = [[opening, first], [opening, first, {"role": "assistant", "content": "ok"}, first]]
        arms = set()
        for messages in turns:
            request = ChatRequest(
                {"messages": msgspec.Raw(json.dumps(messages).encode())}, model="gpt-4o", stream=False
            )
            prompt = await step.compress_prompt(request, Wishes(compression="native"), facts())
            arms.add(prompt.held_out)
        assert len(arms) == 1


async def test_the_row_learns_how_the_prompt_was_sent() -> None:
    notes = {arm: facts() for arm in ("native", "holdout", "transparent", "off")}

    await SynthLang().compress_prompt(
        chat(TABLE), Wishes(compression="native", level="readable"), notes["native"]
    )
    await SynthLang(holdout=1.0).compress_prompt(chat(TABLE), Wishes(compression="native"), notes["holdout"])
    await SynthLang().compress_prompt(chat(TABLE), Wishes(), notes["transparent"])
    await SynthLang().compress_prompt(chat(TABLE), Wishes(compression="off"), notes["off"])

    assert notes["native"].level == "readable"
    assert {arm: note.compression for arm, note in notes.items()} == {
        **{arm: arm for arm in notes},
        "off": "",
    }


async def test_a_large_native_prompt_is_compressed_while_the_loop_goes_on() -> None:
    request, notes = chat(TABLE * 60), facts()
    step = SynthLang()

    working = asyncio.ensure_future(step.compress_prompt(request, Wishes(compression="native"), notes))
    await asyncio.sleep(0)

    assert not working.done()  # it was handed over: the loop is free again
    prompt = await working
    assert prompt.sent is prompt.compressed is not request
    assert notes.tokens_saved == prompt.tokens_less


async def test_large_prompts_above_the_bound_are_sent_as_they_are_and_counted() -> None:
    request, before = chat(TABLE * 60), counters["synthlang", "busy"]

    prompt = await SynthLang(most_large=0).compress_prompt(request, Wishes(compression="native"), facts())

    assert prompt.sent is request
    assert counters["synthlang", "busy"] == before + 1


async def test_the_place_of_a_large_prompt_is_free_again_once_it_is_compressed() -> None:
    request, step = chat(TABLE * 60), SynthLang(most_large=1)

    for _ in range(3):
        prompt = await step.compress_prompt(request, Wishes(compression="native"), facts())
        assert prompt.sent is not request


async def test_a_prompt_larger_than_any_context_is_sent_as_it_is_and_counted() -> None:
    request, before = chat("x" * MOST_BYTES), counters["synthlang", "too_large"]

    prompt = await SynthLang().compress_prompt(request, Wishes(compression="native"), facts())

    assert prompt.sent is request
    assert counters["synthlang", "too_large"] == before + 1
