"""`clean`: what a provider says, without what only we may know.

A provider's message goes to the caller because developers and agents read it; our keys, its hosts and the account
it bills are none of the caller's business.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

MAX_MESSAGE: Final = 4_000
"""Characters of a provider's message that are passed on."""

_READ: Final = 4 * MAX_MESSAGE
_MASK: Final = "[hidden]"
_SHORTEST_SECRET: Final = 6
# Keys as vendors print them, masked in the middle or not: `sk-proj-ab***yz`, `gsk_...`, `AIza...`, a bearer token.
_KEYS: Final = re.compile(
    r"\b(?:sk|pk|rk|xai|gsk|key|pplx|tgp|nvapi|hf|r8|fw)[-_][A-Za-z0-9_*.\-]{6,}"
    r"|\bAIza[A-Za-z0-9_*\-]{8,}|\bBearer\s+[A-Za-z0-9._*~+/=\-]{6,}|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_.-]+",
)
_ACCOUNTS: Final = re.compile(r"\b(?:org|proj|user|acct|asst|team|workspace)[-_][A-Za-z0-9]{8,}\b")
_URLS: Final = re.compile(r"\b(?:https?|wss?)://[^\s\"'<>\\)\]}]+", re.IGNORECASE)
_HOSTS: Final = re.compile(
    r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?\b"
    r"|\[[0-9a-fA-F:]*:[0-9a-fA-F:]+\](?::\d{1,5})?"
    r"|\b[A-Za-z0-9][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9-]{1,63})*\.(?:internal|local|lan|corp|cluster|svc|intranet|home|arpa)\b"
    r"(?:[.:][A-Za-z0-9-]{1,63})*"
    r"|\blocalhost:\d{1,5}\b",
)
# Documentation that a message points its reader to is no secret.
_PUBLIC: Final = re.compile(
    r"^https?://(?:[a-z0-9-]+\.)*(?:openai\.com|anthropic\.com|claude\.com|google\.com|google\.dev|openrouter\.ai"
    r"|groq\.com|mistral\.ai|deepseek\.com|x\.ai|together\.ai|together\.xyz|ollama\.com|vllm\.ai|microsoft\.com"
    r"|aka\.ms|github\.com|huggingface\.co)(?:[/?#]|$)",
    re.IGNORECASE,
)


def clean(message: str, secrets: Sequence[str] = ()) -> str:
    """`message` with `secrets`, key-like strings, hosts and account ids masked, at most `MAX_MESSAGE` characters."""
    if len(message) > _READ:  # cut between words: half of a secret would not be known as one
        message = message[:_READ].rpartition(" ")[0]
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            message = message.replace(secret, _MASK)
    message = _KEYS.sub(_MASK, message)
    message = _ACCOUNTS.sub(_MASK, message)
    message = _URLS.sub(_mask_url, message)
    message = _HOSTS.sub(_MASK, message)
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"


def _mask_url(match: re.Match[str]) -> str:
    return match[0] if _PUBLIC.match(match[0]) else _MASK
