"""The pipeline's step: compress as wished, note the figure, and never hold up the loop.

What is small is compressed at once; measuring what is large is left to the writer (`measure`), and a large prompt in
native mode belongs in a thread (`needs_thread`). A share of the conversations in native mode is held out: their
originals are sent, so that what native mode saves can be measured against them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from synthlang_router.models import ChatRequest, Facts, Wishes
from synthlang_router.synthlang.holdout import conversation_of, held_out
from synthlang_router.synthlang.prompt import Prompt, compress_prompt, put_off

THREAD_BYTES: Final = 65_536
_LOOP_BYTES: Final = {"exact": 6_000, "readable": 1_200, "session": 1_200, "lossy": 1_200}
"""Messages up to so many bytes are measured within 1 ms (0.5 ms per 1,000 tokens at `exact`, 3 ms above)."""


class SynthLang:
    """One per process. `holdout` is the share of conversations in native mode that is not compressed."""

    def __init__(self, *, holdout: float = 0.0) -> None:
        self._holdout = holdout

    def compress_prompt(self, request: ChatRequest, wishes: Wishes, facts: Facts) -> Prompt:
        """The prompt to send is `.sent`. In transparent mode its figure may come later."""
        model = request.model if facts.route is None else facts.route.model
        if wishes.compression == "transparent" and _size(request) > _LOOP_BYTES[wishes.level]:
            return put_off(request, mode="transparent", level=wishes.level, model=model)
        prompt = compress_prompt(request, mode=wishes.compression, level=wishes.level, model=model)
        if prompt.mode == "native" and held_out(conversation_of(request, wishes.session), self._holdout):
            prompt = replace(prompt, sent=request, held_out=True)
        if prompt.mode == "native" and not prompt.held_out:
            facts.tokens_saved = prompt.tokens_less
        elif prompt.mode != "off":
            facts.tokens_would_save = prompt.tokens_less
        return prompt


def needs_thread(request: ChatRequest, wishes: Wishes) -> bool:
    """Whether compressing this at once would hold up the loop."""
    return wishes.compression == "native" and _size(request) > THREAD_BYTES


def _size(request: ChatRequest) -> int:
    raw = request.fields.get("messages")
    return 0 if raw is None else len(memoryview(raw))
