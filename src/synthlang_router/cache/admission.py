"""What may be kept, and for how long: whole answers to lasting questions."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from synthlang_router.cache.key import CacheKey
from synthlang_router.models import ChatCompletion

_WHOLE: Final = "stop"
_CALLED: Final = frozenset({"tool_calls", "function_call"})
_VOLATILE: Final = re.compile(
    r"\b(?:today|tonight|tomorrow|yesterday|now|currently|current|latest|recent(?:ly)?|newest|"
    r"up[- ]to[- ]date|(?:this|next|last) (?:week|month|year|weekend|morning|evening)|"
    r"heute|morgen|gestern|jetzt|aktuell\w*|neueste\w*|derzeit|"
    r"aujourd|demain|hier|maintenant|actuel\w*|hoy|mañana|ayer|ahora|actual\w*|"
    r"oggi|domani|ieri|adesso|attual\w*|hoje|amanhã|ontem|agora|atual\w*|"
    r"сегодня|завтра|вчера|сейчас)\b|今日|今天|明天|昨天|现在|現在|오늘|지금|اليوم|الآن|आज",
    re.IGNORECASE,
)
_REFUSING: Final = re.compile(
    r"\s*(?:i(?:'|’)?m sorry|i am sorry|sorry|i apologi[sz]e|unfortunately)?[,.:;]?\s*(?:but\s+)?"
    r"(?:i\s+(?:can(?:no|'|’)t|cannot|am (?:not able|unable)|(?:'|’)?m (?:not able|unable)|won(?:'|’)t|must decline)"
    r"|i(?:'|’)m (?:not able|unable))",
    re.IGNORECASE,
)
_SHORT: Final = 300
"""Characters up to which an answer that begins like a refusal is taken for one."""


class Lifetimes(msgspec.Struct, frozen=True):
    """Seconds an answer may be served: word for word, to near questions, and where the question speaks of now."""

    exact: float = 3600.0
    semantic: float = 3600.0
    volatile: float = 60.0


class Admission(msgspec.Struct, frozen=True):
    """`seconds` to keep, or 0 and why not. `semantic`: whether near questions may be served from it too."""

    seconds: float
    reason: str = ""
    semantic: bool = False


def admit_answer(
    key: CacheKey, completion: ChatCompletion, lifetimes: Lifetimes, *, max_bytes: int, tool_calls: bool
) -> Admission:
    """Whether this answer is kept. `tool_calls`: answers that call tools are, in the exact layer only."""
    if key.bypass or not key.may_store:
        return Admission(0, key.bypass or "no-store")
    if len(completion.raw) > max_bytes:
        return Admission(0, "size")
    calls = completion.has_tool_calls
    if not _ended_well(completion, tool_calls):
        return Admission(0, "tool calls" if calls else "finish reason")
    if not calls and not completion.content and completion.refusal is None:
        return Admission(0, "empty")
    if _refuses(completion):
        return Admission(0, "refusal")
    semantic = key.semantic and not calls
    seconds = max(lifetimes.exact, lifetimes.semantic) if semantic else lifetimes.exact
    if key.question is not None and _VOLATILE.search(key.question):
        seconds = min(seconds, lifetimes.volatile)
    return Admission(seconds, semantic=semantic)


def _ended_well(completion: ChatCompletion, tool_calls: bool) -> bool:
    good = _CALLED | {_WHOLE} if tool_calls else {_WHOLE}
    reasons = completion.finish_reasons
    if completion.has_tool_calls and not tool_calls:
        return False
    return bool(reasons) and all([reason in good for reason in reasons])


def _refuses(completion: ChatCompletion) -> bool:
    if completion.refusal is not None:
        return True
    content = completion.content
    return content is not None and len(content) <= _SHORT and _REFUSING.match(content) is not None
