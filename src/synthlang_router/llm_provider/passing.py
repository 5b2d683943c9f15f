"""A request that is passed on without being read, as it goes to its provider."""

from __future__ import annotations

from synthlang_router.llm_provider.provider import Endpoint
from synthlang_router.llm_provider.transport import Timeouts, UpstreamRequest
from synthlang_router.models import ChatRequest, Wishes


def passed(
    endpoint: Endpoint, model: str, request: ChatRequest, wishes: Wishes, timeouts: Timeouts, deadline: float
) -> UpstreamRequest:
    """`model` is the target's name, which stands in the body already. Raises InvalidRequest where the provider has no such path."""
    url, headers = endpoint.address(request.kind, wishes, stream=False, model=model)
    upload = request.upload
    changed = {"accept": "*/*"} if upload is None else {"accept": "*/*", "content-type": upload.media}
    return UpstreamRequest(
        method="POST",
        url=url,
        headers=tuple((name, changed.get(name, value)) for name, value in headers),
        body=request.body if upload is None else b"",
        timeouts=timeouts,
        deadline=deadline,
        max_body=None,
        upload=None if upload is None else upload.blocks(model),
        length=None if upload is None else upload.length(model),
    )
