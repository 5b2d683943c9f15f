"""What OpenAI has and this gateway does not serve."""

from __future__ import annotations

import pytest

from synthlang_router.api.unserved import unserved


@pytest.mark.parametrize(
    "path",
    [
        "/v1/files",
        "/v1/files/file-1/content",
        "/batches",
        "/v1/responses/resp_1",
        "/v1/responses/resp_1/input_items",
        "/v1/chat/completions/chatcmpl-1",
        "/v1/threads/t/messages",
        "/v1/vector_stores",
        "/v1/uploads/u/parts",
        "/v1/conversations/c",
        "/v1/fine_tuning/jobs",
    ],
)
def test_objects_that_are_kept_at_a_provider_are_not_found_and_it_is_said_why(path: str) -> None:
    error = unserved(path)

    assert (error.http_status, error.error_code) == (404, "not_found")
    assert "kept at a provider" in error.message


@pytest.mark.parametrize("path", ["/v1/realtime", "/realtime/client_secrets", "/v1/realtime/sessions"])
def test_realtime_is_426_with_or_without_an_upgrade(path: str) -> None:
    assert (unserved(path).http_status, unserved(path).error_code) == (426, "websocket_not_supported")


@pytest.mark.parametrize("path", ["/", "/v2/files", "/v1/filesystem", "/v1/realtimes", "/x" * 500])
def test_any_other_path_is_simply_not_there(path: str) -> None:
    error = unserved(path)

    assert error.message.startswith("No such path")
    assert len(error.message) < 250
