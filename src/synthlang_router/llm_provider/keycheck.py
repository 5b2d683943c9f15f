"""Asks a provider whether it still takes our key, by a call that costs nothing and is about nobody's prompt."""

from __future__ import annotations

from typing import Final

from synthlang_router.errors import ProviderError
from synthlang_router.llm_provider.provider import Endpoint
from synthlang_router.llm_provider.transport import Timeouts, UpstreamRequest
from synthlang_router.models import Wishes

WITHIN: Final = 3.0


async def key_is_refused(endpoint: Endpoint, now: float) -> bool:
    """Whether the list of models is refused with 401 or 403. No answer proves nothing."""
    url, headers = endpoint.address("models", Wishes(), stream=False)
    request = UpstreamRequest(
        method="GET",
        url=url,
        headers=headers,
        body=b"",
        timeouts=Timeouts(WITHIN, WITHIN, WITHIN, WITHIN),
        deadline=now + WITHIN,
    )
    try:
        response = await endpoint.provider.transport.send(request)
    except ProviderError:
        return False
    response.close()
    return response.status in (401, 403)
