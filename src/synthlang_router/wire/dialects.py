"""How providers differ from the dialect they speak: addresses, keys, and the few fields that are spelt otherwise.

A row is data. What a row does not say is as OpenAI has it; a provider without a row is a plain copy of OpenAI.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal
from urllib.parse import quote

import msgspec

from synthlang_router.errors import InvalidRequest
from synthlang_router.models import ChatRequest, Dialect
from synthlang_router.wire.passage import PASSAGES

OPENAI_PATHS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "chat": "/chat/completions",
        "completions": "/completions",
        "embeddings": "/embeddings",
        "responses": "/responses",
        "models": "/models",
        **PASSAGES,
    }
)
_NO_RESPONSES: Final = MappingProxyType(
    {kind: path for kind, path in OPENAI_PATHS.items() if kind != "responses"}
)
_OLD_LIMIT: Final = (("max_completion_tokens", "max_tokens"),)


class Difference(msgspec.Struct, frozen=True):
    """One provider. `hosts` are suffixes of its host names; `paths` by kind, `streamed` where streams have another.

    `{model}` in a path is the model's name, which then leaves the body. `query` is added to every address, `version`
    fills its `{version}`. `stream_usage`: ask for it in the request, never, or it always comes. `renames` and `drops`
    are top-level fields that the provider spells otherwise or refuses.
    """

    name: str
    dialect: Dialect = "openai"
    hosts: tuple[str, ...] = ()
    base_url: str | None = None
    authorization: tuple[str, str] = ("authorization", "Bearer ")
    headers: tuple[tuple[str, str], ...] = ()
    paths: Mapping[str, str] = OPENAI_PATHS
    streamed: Mapping[str, str] = MappingProxyType({})
    query: str = ""
    version: str = ""
    stream_usage: Literal["ask", "never", "always"] = "ask"
    finish: Literal["required", "optional"] = "required"
    renames: tuple[tuple[str, str], ...] = ()
    drops: tuple[str, ...] = ()

    def address(
        self, base_url: str, kind: str, model: str, *, stream: bool = False, version: str = ""
    ) -> str:
        """The URL of a call. Raises InvalidRequest for a kind that the provider does not have."""
        path = self.streamed.get(kind) if stream else None
        path = self.paths.get(kind) if path is None else path
        if path is None:
            raise InvalidRequest("This model's provider does not serve this kind of request.")
        query = self.query.format(version=version or self.version)
        joint = "&" if "?" in path else "?"
        return base_url.rstrip("/") + path.format(model=segment(model)) + (joint + query if query else "")

    def adapted(self, request: ChatRequest) -> ChatRequest:
        """The request with the provider's spelling; the same one where nothing differs.

        A field that has both spellings keeps the newer one's value.
        """
        gone = [name for name in self.drops if name in request.fields]
        changed: dict[str, bytes] = {}
        for name, spelt in self.renames:
            raw = request.fields.get(name)
            if raw is not None:
                changed[spelt] = bytes(raw)
                gone.append(name)
        return request.with_fields(changed, tuple(gone)) if gone else request


def segment(model: str) -> str:
    """A model's name as one segment of a path, which it can neither leave nor end."""
    name = model.removeprefix("models/")
    if not name.strip("."):
        raise InvalidRequest("Invalid 'model'.", param="model")
    return quote(name, safe="")


DIFFERENCES: Final = (
    Difference("openai", hosts=("api.openai.com",), base_url="https://api.openai.com/v1"),
    Difference(
        "azure",  # dated api-versions: the deployment stands in the path
        hosts=("openai.azure.com", "cognitiveservices.azure.com"),
        authorization=("api-key", ""),
        paths=MappingProxyType(
            {
                kind: f"/openai/deployments/{{model}}{path}"
                for kind, path in _NO_RESPONSES.items()
                if kind != "moderations"
            }
            | {"models": "/openai/models"}
        ),
        query="api-version={version}",
        version="2024-10-21",
    ),
    Difference(
        "azure-v1",  # base_url ends in /openai/v1: OpenAI's paths, the deployment as model
        authorization=("api-key", ""),
    ),
    Difference(
        "openrouter", hosts=("openrouter.ai",), base_url="https://openrouter.ai/api/v1", paths=_NO_RESPONSES
    ),
    Difference(
        "groq", hosts=("api.groq.com",), base_url="https://api.groq.com/openai/v1", paths=_NO_RESPONSES
    ),
    Difference(
        "mistral",  # refuses fields that it does not know (422)
        hosts=("api.mistral.ai",),
        base_url="https://api.mistral.ai/v1",
        paths=_NO_RESPONSES,
        stream_usage="always",
        renames=_OLD_LIMIT,
        drops=("stream_options",),
    ),
    Difference(
        "deepseek",
        hosts=("api.deepseek.com",),
        base_url="https://api.deepseek.com/v1",
        paths=_NO_RESPONSES,
        stream_usage="always",
        renames=_OLD_LIMIT,
    ),
    Difference("xai", hosts=("api.x.ai",), base_url="https://api.x.ai/v1", stream_usage="always"),
    Difference(
        "together",
        hosts=("api.together.xyz", "api.together.ai"),
        base_url="https://api.together.xyz/v1",
        paths=_NO_RESPONSES,
        renames=_OLD_LIMIT,
    ),
    Difference(
        "ollama",
        hosts=("ollama.com",),
        base_url="http://127.0.0.1:11434/v1",
        paths=_NO_RESPONSES,
        renames=_OLD_LIMIT,
    ),
    Difference("vllm", base_url="http://127.0.0.1:8000/v1", paths=_NO_RESPONSES),
    Difference("simulator", hosts=("simulator.invalid",), paths=_NO_RESPONSES),
    Difference(
        "anthropic",
        dialect="anthropic",
        hosts=("api.anthropic.com",),
        base_url="https://api.anthropic.com",
        authorization=("x-api-key", ""),
        headers=(("anthropic-version", "2023-06-01"),),
        paths=MappingProxyType(
            {
                "messages": "/v1/messages",
                "count_tokens": "/v1/messages/count_tokens",
                "models": "/v1/models?limit=1000",
            }
        ),
        stream_usage="always",
    ),
    Difference(
        "gemini",
        dialect="gemini",
        hosts=("generativelanguage.googleapis.com",),
        base_url="https://generativelanguage.googleapis.com/v1beta",
        authorization=("x-goog-api-key", ""),
        paths=MappingProxyType(
            {
                "chat": "/models/{model}:generateContent",
                "embeddings": "/models/{model}:batchEmbedContents",
                "models": "/models?pageSize=1000",
            }
        ),
        streamed=MappingProxyType({"chat": "/models/{model}:streamGenerateContent?alt=sse"}),
        stream_usage="always",
    ),
)
_PLAIN: Final[Mapping[str, Difference]] = {
    "openai": Difference("openai-compatible", paths=OPENAI_PATHS),
    "anthropic": next(row for row in DIFFERENCES if row.name == "anthropic"),
    "gemini": next(row for row in DIFFERENCES if row.name == "gemini"),
}


NAMES: Final = frozenset(row.name for row in DIFFERENCES)


def difference_of(dialect: Dialect, host: str = "", *, path: str = "", name: str | None = None) -> Difference:
    """The row of a provider: by its name where one is given, else by host and path of its base URL.

    Raises KeyError for a name that is in no row.
    """
    if name is not None:
        return {row.name: row for row in DIFFERENCES}[name]
    for row in DIFFERENCES:
        if row.dialect == dialect and any(host == own or host.endswith("." + own) for own in row.hosts):
            if row.name == "azure" and path.rstrip("/").endswith("/openai/v1"):
                return difference_of(dialect, name="azure-v1")
            return row
    return _PLAIN[dialect]
