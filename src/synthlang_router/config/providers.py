"""The settings of one provider: where it is, how it speaks, how long it may take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from synthlang_router.config.section import Seconds, Section
from synthlang_router.config.urls import checked_proxy, checked_url

Dialect = Literal["openai", "anthropic", "gemini", "simulator"]
Copy = Literal[
    "openai",
    "azure",
    "azure-v1",
    "openrouter",
    "groq",
    "mistral",
    "deepseek",
    "xai",
    "together",
    "ollama",
    "vllm",
]
"""Those whose differences from OpenAI are known: the rows of `wire/dialects.py` that speak its dialect."""

AZURE_HOSTS: Final = ("openai.azure.com", "cognitiveservices.azure.com")

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_|~-]{1,100}")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e]{0,8192}")
_API_VERSION: Final = r"^(\d{4}-\d{2}-\d{2}(-preview)?|preview|latest|v1)$"
_OURS: Final = frozenset(
    "host content-length content-type transfer-encoding connection keep-alive te trailer upgrade expect "
    "proxy-authorization accept-encoding content-encoding cookie".split()
)


def _checked_proxy(secret: SecretStr) -> SecretStr:
    """A proxy may hold a password, therefore the whole is a secret."""
    checked_proxy(secret.get_secret_value())
    return secret


def _checked_secret(secret: SecretStr) -> SecretStr:
    if (
        not _HEADER_VALUE.fullmatch(secret.get_secret_value().strip())
        or not secret.get_secret_value().strip()
    ):
        raise ValueError("must be printable ASCII on one line, and not empty")
    return SecretStr(secret.get_secret_value().strip())


def _checked_headers(headers: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    lower = [name.lower() for name in headers]
    for name in lower:
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name[:40]!r} is no header name")
        if name in _OURS:
            raise ValueError(f"{name} belongs to the gateway and cannot be set")
    if len(set(lower)) < len(lower):
        raise ValueError("the same header twice")
    if not all(_HEADER_VALUE.fullmatch(value.get_secret_value()) for value in headers.values()):
        raise ValueError("a header's value is printable ASCII on one line")
    return dict(zip(lower, headers.values(), strict=True))


def is_dated_azure(name: str, provider: ProviderSettings) -> bool:
    """Whether its addresses carry an `api-version` and the deployment."""
    if provider.vendor is not None:
        return provider.vendor == "azure"
    url = urlsplit(provider.base_url or "")
    host = url.hostname or ""
    if any(host == own or host.endswith("." + own) for own in AZURE_HOSTS):
        return not url.path.rstrip("/").endswith("/openai/v1")
    return name == "azure"


class Timeouts(Section):
    """Seconds. `first_token` counts from the request being sent, `idle` between two pieces, `total` everything."""

    connect: Seconds = Field(default=10.0, description="Seconds to make a connection, TLS included.")
    first_token: Seconds = Field(
        default=600.0, description="Seconds from sending the request to the first data."
    )
    idle: Seconds = Field(default=300.0, description="Seconds without a byte once data has come.")
    total: Seconds = Field(default=3600.0, description="Seconds for everything, retries included.")


class ModelTimeouts(Section):
    """Seconds, as `Timeouts`; what is left out is as the provider has it."""

    connect: Seconds | None = Field(default=None, description="Seconds to make a connection, TLS included.")
    first_token: Seconds | None = Field(
        default=None, description="Seconds from sending the request to the first data."
    )
    idle: Seconds | None = Field(default=None, description="Seconds without a byte once data has come.")
    total: Seconds | None = Field(default=None, description="Seconds for everything, retries included.")


class ProviderSettings(Section):
    """One provider. `api_key` goes as the dialect wants it; `headers` are added to every call."""

    dialect: Dialect = Field(
        default="openai", description="How it speaks. `simulator` needs no network and says so."
    )
    vendor: Copy | None = Field(
        default=None,
        description="Whose differences from OpenAI it has (docs/dialects.md). Left out: found by its host, else its name.",
    )
    base_url: Annotated[str, AfterValidator(checked_url)] | None = Field(
        default=None,
        description="Where it is. Left out: the vendor of that name, else the one of that dialect.",
    )
    api_key: Annotated[SecretStr, AfterValidator(_checked_secret)] | None = Field(
        default=None, description="The key the gateway itself uses there. Left out: none is sent."
    )
    api_version: Annotated[str, Field(pattern=_API_VERSION)] | None = Field(
        default=None, description="Azure OpenAI's `api-version`, such as 2024-10-21 or 2025-04-01-preview."
    )
    timeouts: Timeouts = Field(default=Timeouts(), description="How long it may take.")
    headers: Annotated[Mapping[str, SecretStr], AfterValidator(_checked_headers)] = Field(
        default={}, max_length=50, description="Headers added to every call, such as an organisation."
    )
    stream_usage: Literal["ask", "never", "always"] = Field(
        default="ask",
        description="Whether a stream's token counts are asked for: `ask` until the provider refuses the option, "
        "`never`, or `always`.",
    )
    finish: Literal["required", "optional"] = Field(
        default="required", description="Whether a stream without a finish reason is a broken one."
    )
    ca_file: Path | None = Field(
        default=None, description="A PEM file of certificates to trust there, beside the system's."
    )
    proxy: Annotated[SecretStr, AfterValidator(_checked_proxy)] | None = Field(
        default=None, description="An HTTP proxy on the way. Left out: what HTTPS_PROXY and NO_PROXY say."
    )
