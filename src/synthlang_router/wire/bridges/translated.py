"""`Translated`: a request in another dialect, and the parameters that have no place there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from synthlang_router.errors import InvalidRequest
from synthlang_router.models import ChatRequest, Dialect
from synthlang_router.wire.plain import decode_value, encode_plain

_DATA_URL: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+)(?:;[\w=.+-]+)*;base64,", re.IGNORECASE)
# Values that ask for nothing: leaving them out changes nothing, so it is not told either.
_IDLE: Final[Mapping[str, tuple[Any, ...]]] = {
    "n": (1,),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "store": (False,),
    "modalities": (["text"],),
    "service_tier": ("auto",),
    "parallel_tool_calls": (True,),
    "metadata": ({},),
    "response_format": ({"type": "text"},),
    "reasoning_effort": ("none",),
    "tools": ([],),
    "stop": ([],),
    "truncation": ("disabled",),
    "include": ([],),
    "background": (False,),
    "functions": ([],),
}


class Translated(msgspec.Struct, frozen=True):
    """`request` is ready to be sent; `dropped` names what it could not take, in the caller's words."""

    request: ChatRequest
    dropped: tuple[str, ...] = ()


def translated(
    request: ChatRequest, plain: Mapping[str, Any], dropped: Iterable[str], *, dialect: Dialect, kind: str
) -> Translated:
    """The request with these fields; absent ones (None) are left out."""
    fields = {name: msgspec.Raw(encode_plain(value)) for name, value in plain.items() if value is not None}
    told = tuple(dict.fromkeys(dropped))
    return Translated(
        ChatRequest(fields, model=request.model, stream=request.stream, dialect=dialect, kind=kind), told
    )


def asked(request: ChatRequest) -> dict[str, Any]:
    """The fields that ask for something, as plain data. Fresh but for the messages, which are the request's own."""
    plain: dict[str, Any] = {}
    for name, raw in request.fields.items():
        value = request.messages if name == "messages" else decode_value(raw)
        if value is not None and not is_idle(name, value):
            plain[name] = value
    return plain


def is_idle(name: str, value: Any) -> bool:
    """Whether the value is the same as not saying it. `True` is not `1` here, but `0.0` is `0`."""
    return any(
        value == idle and (type(value) is bool) == (type(idle) is bool) for idle in _IDLE.get(name, ())
    )


def part(plain: Any, name: str) -> dict[str, Any]:
    """A member that should be an object; an empty one where it is not."""
    value = plain.get(name) if type(plain) is dict else None
    return value if type(value) is dict else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of what should be a list of them."""
    return [item for item in value if type(item) is dict] if type(value) is list else []


def text_in(value: Any) -> str:
    """A string, or nothing."""
    return value if type(value) is str else ""


def data_url(url: str) -> tuple[str, str] | None:
    """Media type and base64 text of a data URL; None for any other URL, which is handed on and never fetched."""
    match = _DATA_URL.match(url)
    return None if match is None else (match[1].lower(), url[match.end() :])


def cannot(param: str, what: str) -> InvalidRequest:
    """The refusal of content that the target cannot take: unlike a parameter it is never dropped."""
    return InvalidRequest(f"{param}: {what} cannot be sent to this model's provider.", param=param)


def arguments_of(text: Any, param: str) -> msgspec.Raw:
    """A tool call's arguments byte for byte, where they are a JSON object; an empty string is an empty object."""
    if type(text) is not str or not text.strip():
        return msgspec.Raw(b"{}")
    try:
        plain = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        plain = None
    if type(plain) is not dict:
        raise InvalidRequest(f"{param}: expected a JSON object.", param=param)
    return msgspec.Raw(text.strip().encode())
