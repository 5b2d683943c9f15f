"""The pipeline's step: compress as wished, note the figure, and never hold up the loop.

What is small is compressed at once, what is large (and what comes before the tokenizers are loaded) in a thread; in transparent mode, where nobody waits for it, what
is large is left to the record. A share of the conversations in native mode is held out: their originals are sent, so
that what native mode saves can be measured against them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from threading import BoundedSemaphore
from typing import Final

from synthlang_router.models import ChatRequest, Facts, Wishes
from synthlang_router.synthlang.holdout import conversation_of, held_out
from synthlang_router.synthlang.prompt import Prompt, compress_prompt, may_change, put_off, untouched
from synthlang_router.synthlang.tokens import load_tables, tables_loaded
from synthlang_router.telemetry import count

THREAD_BYTES: Final = 65_536
MOST_BYTES: Final = 4_194_304
"""Messages over so many bytes (about a million tokens) are sent as they are, and counted."""

_LOOP_BYTES: Final = {"exact": 6_000, "readable": 1_200, "session": 1_200, "lossy": 1_200}
"""Messages up to so many bytes are measured within 1 ms (0.5 ms per 1,000 tokens at `exact`, 3 ms above)."""

_THREADS: Final = 2  # more would only share the interpreter with the loop
_MOST_LARGE: Final = 16  # large prompts in threads or waiting for one; those above are sent as they are


class SynthLang:
    """One per process. `holdout` is the share of conversations in native mode that is not compressed."""

    def __init__(self, *, holdout: float = 0.0, most_large: int = _MOST_LARGE) -> None:
        self._holdout = holdout
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="synthlang")
        self._free = BoundedSemaphore(most_large)
        self._loading = False

    async def compress_prompt(self, request: ChatRequest, wishes: Wishes, facts: Facts) -> Prompt:
        """The prompt to send is `.sent`. In transparent mode its figure may come later."""
        model = request.model if facts.route is None else facts.route.model
        if wishes.compression == "off":
            return untouched(request, mode="off", level=wishes.level, model=model)
        prompt = await self._compressed(request, wishes, model)
        if prompt.mode == "native" and held_out(conversation_of(request, wishes.session), self._holdout):
            prompt = replace(prompt, sent=request, held_out=True)
        _note(prompt, facts)
        return prompt

    async def _compressed(self, request: ChatRequest, wishes: Wishes, model: str) -> Prompt:
        mode, level, size = wishes.compression, wishes.level, _size(request)
        if mode == "transparent" and size > _LOOP_BYTES[level]:
            return put_off(request, mode=mode, level=level, model=model)
        work = partial(compress_prompt, request, mode=mode, level=level, model=model)
        if size <= THREAD_BYTES and tables_loaded():
            return work()
        if size <= THREAD_BYTES and not may_change(request, level):
            return untouched(request, mode=mode, level=level, model=model)
        done = self._in_thread(work, size)
        if done is None:
            return put_off(request, mode=mode, level=level, model=model)
        return await asyncio.wrap_future(done)

    def _in_thread(self, work: Callable[[], Prompt], size: int) -> Future[Prompt] | None:
        """None, and counted, where it is too much."""
        if size > MOST_BYTES:
            count("synthlang", "too_large")
            return None
        if not self._free.acquire(blocking=False):
            count("synthlang", "busy")
            return None
        done = self._threads.submit(work)
        done.add_done_callback(lambda _: self._free.release())  # also where nobody waits any longer
        if not self._loading and not tables_loaded():
            self._loading = True
            self._threads.submit(load_tables)
        return done


def _note(prompt: Prompt, facts: Facts) -> None:
    facts.compression = "holdout" if prompt.held_out else prompt.mode
    facts.level = prompt.level
    if facts.compression == "native":
        facts.tokens_saved = prompt.tokens_less
    else:
        facts.tokens_would_save = prompt.tokens_less


def _size(request: ChatRequest) -> int:
    raw = request.fields.get("messages")
    return 0 if raw is None else len(memoryview(raw))
