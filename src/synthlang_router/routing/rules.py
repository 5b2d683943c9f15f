"""Rules: what matches is sent to another name. The first rule that matches decides.

Rules see the request as it was asked and decide without I/O; a condition that is not written holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from synthlang_router.models import Caller, ChatRequest, Wishes
from synthlang_router.routing.globs import matches

ApplyTo = Literal["unknown", "all"]
CHAT_KINDS: Final = frozenset(("chat", "messages", "responses"))
_PROMPT_FIELDS: Final = ("messages", "input", "prompt")
_TOOL_FIELDS: Final = ("tools", "functions")
_NO_TOOLS: Final = frozenset((b"[]", b"null"))
_IMAGE_TYPES: Final = ("image_url", "input_image", "image")


@dataclass(frozen=True, slots=True)
class Condition:
    """`models` are globs of which one must match; `tags` are (name, glob) pairs that must all match.

    Bytes are those of the prompt's JSON value as it came.
    """

    models: tuple[str, ...] = ()
    stream: bool | None = None
    has_tools: bool | None = None
    has_images: bool | None = None
    tags: tuple[tuple[str, str], ...] = ()
    min_prompt_bytes: int | None = None
    max_prompt_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Send what meets `when` to the name `use`."""

    use: str
    when: Condition = Condition()


SPECIFICATION_RULES: Final = (
    Rule(use="gpt-4o-search-preview", when=Condition(models=("*gpt-4o*",))),
    Rule(use="o3-mini"),
)


def rules_in_force(
    written: Sequence[Rule] | None, apply_to: ApplyTo, *, zero_configuration: bool
) -> tuple[Rule, ...] | None:
    """The rules that apply; None where an unknown name is simply unknown."""
    if written is not None:
        return tuple(written)
    return SPECIFICATION_RULES if zero_configuration or apply_to == "all" else None


def first_match(
    rules: Sequence[Rule], request: ChatRequest, caller: Caller, wishes: Wishes
) -> tuple[int, Rule] | None:
    """The rule that decides and its number, counted from 1."""
    for number, rule in enumerate(rules, 1):
        if holds(rule.when, request, caller, wishes):
            return number, rule
    return None


def holds(when: Condition, request: ChatRequest, caller: Caller, wishes: Wishes) -> bool:
    """Whether all that is written holds; what is cheap to know is asked first."""
    return (
        (not when.models or matches(request.model, when.models))
        and when.stream in (None, request.stream)
        and _size_holds(when, request)
        and _tags_hold(when.tags, caller, wishes)
        and (when.has_tools is None or when.has_tools == has_tools(request))
        and (when.has_images is None or when.has_images == has_images(request))
    )


def _size_holds(when: Condition, request: ChatRequest) -> bool:
    if when.min_prompt_bytes is None and when.max_prompt_bytes is None:
        return True
    size = sum(len(memoryview(request.fields[name])) for name in _PROMPT_FIELDS if name in request.fields)
    return (when.min_prompt_bytes is None or size >= when.min_prompt_bytes) and (
        when.max_prompt_bytes is None or size <= when.max_prompt_bytes
    )


def _tags_hold(wanted: tuple[tuple[str, str], ...], caller: Caller, wishes: Wishes) -> bool:
    """A key's tag cannot be overwritten by a request's."""
    if not wanted:
        return True
    tags = dict(wishes.tags) | dict(caller.tags)
    return all(name in tags and matches(tags[name], (glob,)) for name, glob in wanted)


def has_tools(request: ChatRequest) -> bool:
    """Whether the request brings tools; an empty list is none."""
    return any(
        name in request.fields and bytes(request.fields[name]).strip() not in _NO_TOOLS
        for name in _TOOL_FIELDS
    )


def has_images(request: ChatRequest) -> bool:
    """Whether a message holds an image part. Decodes the messages, at most once a request."""
    messages: object = request.value("input") if request.kind == "responses" else request.messages
    if not isinstance(messages, list):
        return False
    parts = [message.get("content") for message in messages if isinstance(message, dict)]
    return any(
        isinstance(part, dict) and part.get("type") in _IMAGE_TYPES
        for content in parts
        if isinstance(content, list)
        for part in content
    )


def described(when: Condition) -> str:
    """A condition in one short phrase, for `x-synthlang-route`."""
    if when == Condition():
        return "always"
    said = ["|".join(when.models)] if when.models else []
    said += [f"{name}={glob}" for name, glob in when.tags]
    for name in ("stream", "has_tools", "has_images", "min_prompt_bytes", "max_prompt_bytes"):
        value = getattr(when, name)
        if value is not None:
            said.append(f"{name}={str(value).lower()}")
    return " ".join(said)
