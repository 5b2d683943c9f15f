"""Talks to the model: `complete_chat`, `stream_chat`, `get_embedding`, over any provider and any transport."""

from synthlang_router.llm_provider.client import LLMProvider
from synthlang_router.llm_provider.explaining import Way
from synthlang_router.llm_provider.lane import TargetHealth
from synthlang_router.llm_provider.provider import Provider, Secret
from synthlang_router.llm_provider.proxies import Proxies
from synthlang_router.llm_provider.standing import KeyHealth
from synthlang_router.llm_provider.transport import (
    Timeouts,
    Transport,
    UpstreamRequest,
    UpstreamResponse,
)
from synthlang_router.llm_provider.transport_stream import StreamTransport

__all__ = [
    "KeyHealth",
    "LLMProvider",
    "Provider",
    "Proxies",
    "Secret",
    "StreamTransport",
    "TargetHealth",
    "Timeouts",
    "Transport",
    "UpstreamRequest",
    "UpstreamResponse",
    "Way",
]
