"""OpenAI request bodies: chat, completions, embeddings, responses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from synthlang_router.errors import InvalidRequest
from synthlang_router.models import ChatRequest
from synthlang_router.wire.body import read_members
from synthlang_router.wire.splice import FIELDS

_NAMES: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    str: "a string",
    list: "an array",
    dict: "an object",
}
_NUMBER: Final = (int, float)
# What we read ourselves (routing, cache, limits); what only the provider reads is the provider's to refuse.
_OPTIONAL: Final[Mapping[str, tuple[type, ...]]] = {
    "stream": (bool,),
    "stream_options": (dict,),
    "temperature": _NUMBER,
    "top_p": _NUMBER,
    "n": (int,),
    "seed": (int,),
    "max_tokens": (int,),
    "max_completion_tokens": (int,),
    "max_output_tokens": (int,),
    "user": (str,),
    "safety_identifier": (str,),
    "prompt_cache_key": (str,),
    "metadata": (dict,),
    "store": (bool,),
    "tools": (list,),
    "response_format": (dict,),
    "previous_response_id": (str,),
    "background": (bool,),
}
_CONTENT: Final = (str, list, type(None))


def read_request(body: bytes, kind: str) -> ChatRequest:
    """A request of `kind`; raises InvalidRequest naming the field that is wrong."""
    fields, plain = read_members(body)
    model = _read_model(plain)
    for name in plain.keys() & _OPTIONAL.keys():
        value = plain[name]
        if value is not None and type(value) not in _OPTIONAL[name]:
            raise wrong_type(name, value, _OPTIONAL[name])
    _CHECKS[kind](plain)
    request = ChatRequest(fields, model=model, stream=plain.get("stream") is True, body=body, kind=kind)
    if kind == "chat":
        request.__dict__["messages"] = plain["messages"]  # what `messages` would decode a second time
    return request


def _read_model(plain: dict[str, Any]) -> str:
    model = plain.get("model")
    if model is None:
        raise missing("model")
    if type(model) is not str:
        raise wrong_type("model", model, (str,))
    if not model or not model.isprintable() or len(model) > 256:
        raise InvalidRequest(
            "Invalid 'model': expected a printable name of 1 to 256 characters.", param="model"
        )
    return model


def _check_chat(plain: dict[str, Any]) -> None:
    messages = plain.get("messages")
    if messages is None:
        raise missing("messages")
    if type(messages) is not list:
        raise wrong_type("messages", messages, (list,))
    if not messages:
        raise empty("messages")
    for index, message in enumerate(messages):
        if type(message) is not dict:
            raise wrong_type(f"messages[{index}]", message, (dict,))
        if type(message.get("role")) is not str:
            _refuse_role(f"messages[{index}].role", message)
        content = message.get("content")
        if type(content) is not str:
            _check_parts(f"messages[{index}].content", content)


def _refuse_role(param: str, message: dict[str, Any]) -> None:
    role = message.get("role")
    raise missing(param) if role is None else wrong_type(param, role, (str,))


def _check_parts(param: str, content: Any) -> None:
    """Content is a string, parts, or absent (an assistant that only calls tools)."""
    if type(content) not in _CONTENT:
        raise wrong_type(param, content, (str, list))
    for index, part in enumerate(content or ()):
        if type(part) is not dict:
            raise wrong_type(f"{param}[{index}]", part, (dict,))


def _check_prompt(plain: dict[str, Any]) -> None:
    prompt = plain.get("prompt")
    if prompt is not None and type(prompt) not in (str, list):
        raise wrong_type("prompt", prompt, (str, list))


def _check_embedding(plain: dict[str, Any]) -> None:
    content = plain.get("input")
    if content is None:
        raise missing("input")
    if type(content) not in (str, list):
        raise wrong_type("input", content, (str, list))
    if not content:
        raise empty("input")
    if type(content) is list:
        _check_inputs(content)


def _check_inputs(inputs: list[Any]) -> None:
    """Strings, token numbers, or arrays of token numbers."""
    kinds = {type(item) for item in inputs}
    wrong = kinds - {str, int, list}
    if wrong or len(kinds) > 1:
        index = next(
            i for i, item in enumerate(inputs) if type(item) in wrong or type(item) is not type(inputs[0])
        )
        raise wrong_type(f"input[{index}]", inputs[index], (str, int, list))


def _check_response(plain: dict[str, Any]) -> None:
    content = plain.get("input")
    if content is not None and type(content) not in (str, list):
        raise wrong_type("input", content, (str, list))


_CHECKS: Final[Mapping[str, Callable[[dict[str, Any]], None]]] = {
    "chat": _check_chat,
    "completions": _check_prompt,
    "embeddings": _check_embedding,
    "responses": _check_response,
}


def missing(param: str) -> InvalidRequest:
    return InvalidRequest(
        f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter"
    )


def empty(param: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid '{param}': expected at least one item.", param=param, code="empty_array")


def wrong_type(param: str, value: object, wanted: tuple[type, ...]) -> InvalidRequest:
    expected = " or ".join(_NAMES[kind] for kind in wanted)
    return InvalidRequest(
        f"Invalid type for '{param}': expected {expected}, but got {_NAMES[type(value)]} instead.",
        param=param,
        code="invalid_type",
    )


def ask_for_usage(request: ChatRequest) -> ChatRequest | None:
    """The request with `stream_options.include_usage` true; None where the caller asked for usage already."""
    raw = request.fields.get("stream_options")
    if raw is None or bytes(raw) == b"null":
        return request.with_fields({"stream_options": b'{"include_usage":true}'})
    options = FIELDS.decode(raw)
    asked = options.get("include_usage")
    if asked is not None and bytes(asked) == b"true":
        return None
    options["include_usage"] = msgspec.Raw(b"true")
    return request.with_fields({"stream_options": msgspec.json.encode(options)})
