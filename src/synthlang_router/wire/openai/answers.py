"""Whole OpenAI answers: chat completions, text completions, embeddings, and their usage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from synthlang_router.errors import ProviderError, ProviderProtocolError
from synthlang_router.models import ChatCompletion, Usage
from synthlang_router.wire.openai.errors import error_object, rejected
from synthlang_router.wire.plain import decode_plain
from synthlang_router.wire.stream import what_it_is

NO_RAW: Final = msgspec.Raw()
NO_REASON: Final = "The provider ended the answer with an error and gave no reason."


class _PromptDetails(msgspec.Struct, frozen=True, gc=False):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class _CompletionDetails(msgspec.Struct, frozen=True, gc=False):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class _Usage(msgspec.Struct, frozen=True, gc=False):
    """Usage as OpenAI and its copies spell it; `prompt_cache_hit_tokens` is DeepSeek's."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None


class _Message(msgspec.Struct, frozen=True, gc=False):
    content: Any = None
    refusal: Any = None
    tool_calls: Any = None
    function_call: Any = None


class _Choice(msgspec.Struct, frozen=True, gc=False):
    message: _Message | None = None
    text: str | None = None
    finish_reason: str | None = None


class _Completion(msgspec.Struct, frozen=True, gc=False):
    choices: list[_Choice] | None = None
    model: Any = None
    usage: msgspec.Raw = NO_RAW
    error: Any = None


class _Embedding(msgspec.Struct, frozen=True, gc=False):
    data: list[msgspec.Raw] | None = None
    model: Any = None
    usage: msgspec.Raw = NO_RAW
    error: Any = None


_COMPLETION: Final = msgspec.json.Decoder(_Completion)
_EMBEDDING: Final = msgspec.json.Decoder(_Embedding)
_USAGE: Final = msgspec.json.Decoder(_Usage | None)
_NO_PROMPT_DETAILS: Final = _PromptDetails()
_NO_COMPLETION_DETAILS: Final = _CompletionDetails()


def read_usage(raw: msgspec.Raw) -> Usage | None:
    """Tokens as counted; None where absent, null or unreadable: an odd count never fails an answer.

    Where a total says that reasoning stands beside the completion (xAI), it is added to it.
    """
    if raw is NO_RAW:
        return None
    try:
        usage = _USAGE.decode(raw)
    except msgspec.DecodeError:
        return None
    if usage is None:
        return None
    prompt, completion = usage.prompt_tokens or 0, usage.completion_tokens or 0
    before = usage.prompt_tokens_details or _NO_PROMPT_DETAILS
    after = usage.completion_tokens_details or _NO_COMPLETION_DETAILS
    reasoning = after.reasoning_tokens or 0
    if reasoning and usage.total_tokens == prompt + completion + reasoning:
        completion += reasoning
    return Usage(
        prompt_tokens=max(0, prompt),
        completion_tokens=max(0, completion),
        cached_tokens=before.cached_tokens or usage.prompt_cache_hit_tokens or 0,
        cache_write_tokens=before.cache_write_tokens or 0,
        reasoning_tokens=reasoning,
        audio_prompt_tokens=before.audio_tokens or 0,
        audio_completion_tokens=after.audio_tokens or 0,
    )


def parse_completion(raw: bytes, secrets: Sequence[str] = ()) -> ChatCompletion:
    """A whole answer. Raises ProviderRejected for an error inside a 200, ProviderProtocolError for anything else."""
    answer = _decode(_COMPLETION, raw)
    if answer.error is not None:
        raise_error(answer.error, secrets)
    if not answer.choices:
        _refuse_object(raw, secrets)
        raise ProviderProtocolError("The provider sent an answer without choices.")
    first = answer.choices[0]
    message = first.message
    if message is None and first.text is None:
        raise ProviderProtocolError("The provider sent a choice without a message.")
    return ChatCompletion(
        raw=raw,
        model=_name(answer.model),
        content=first.text if message is None else text_of(message.content),
        finish_reasons=tuple([choice.finish_reason or None for choice in answer.choices]),
        usage=read_usage(answer.usage),
        has_tool_calls=any([_calls_tools(choice.message) for choice in answer.choices]),
        refusal=message.refusal if message is not None and type(message.refusal) is str else None,
    )


def _name(model: Any) -> str:
    return model if type(model) is str else ""


def _calls_tools(message: _Message | None) -> bool:
    return message is not None and (bool(message.tool_calls or message.function_call))


def text_of(content: Any) -> str | None:
    """The text of a message's content; some copies answer in parts."""
    if type(content) is not list:
        return content if type(content) is str else None
    texts = [part.get("text") for part in content if type(part) is dict]
    return "".join([text for text in texts if type(text) is str])


def read_embedding(raw: bytes, *, secrets: Sequence[str] = ()) -> ChatCompletion:
    """An embeddings answer; its vectors stay in `raw`."""
    answer = _decode(_EMBEDDING, raw)
    if answer.error is not None:
        raise_error(answer.error, secrets)
    if not answer.data:
        _refuse_object(raw, secrets)
        raise ProviderProtocolError("The provider sent an embeddings answer without data.")
    return ChatCompletion(raw=raw, model=_name(answer.model), usage=read_usage(answer.usage))


def raise_error(error: Any, secrets: Sequence[str]) -> None:
    """An `error` member that says something is the provider's refusal; an empty one says nothing."""
    if not error:
        return
    found = error_object({"error": error})
    if found is None:
        raise ProviderError(NO_REASON)
    raise rejected(found, secrets=secrets)


def _refuse_object(raw: bytes, secrets: Sequence[str]) -> None:
    """`{"message": ...}` or `{"detail": ...}` instead of an answer is an error as well."""
    found = error_object(decode_plain(raw))
    if found is not None:
        raise rejected(found, secrets=secrets)


def _decode(decoder: msgspec.json.Decoder[Any], raw: bytes) -> Any:
    try:
        if not raw.isascii():
            raw.decode()
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ProviderProtocolError(what_it_is(raw)) from None
