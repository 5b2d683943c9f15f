"""A request target has one reading, or is refused."""

from __future__ import annotations

import pytest

from synthlang_router.api.target import is_plain


@pytest.mark.parametrize(
    "target",
    [
        b"/",
        b"/v1/chat/completions",
        b"/v1/chat/completions?api-version=1&x=%2F..//",
        b"/v1/models/gpt-4o",
        b"/v1/models/openai/gpt-4o",
        b"/v1/models/openai%2Fgpt-4o",
        b"/models/claude-3.5%2Fx@20240620",
        b"/v1/ch%61t",
    ],
)
def test_paths_that_everybody_reads_the_same_are_plain(target: bytes) -> None:
    assert is_plain(target)


@pytest.mark.parametrize(
    "target",
    [
        b"",
        b"*",
        b"v1/models",
        b"http://elsewhere/v1/chat/completions",
        b"elsewhere:443",
        b"//elsewhere/v1/chat/completions",
        b"/v1//chat/completions",
        b"/v1/chat/completions//",
        b"/v1/./chat/completions",
        b"/v1/../admin/v1/keys",
        b"/v1/models/..",
        b"/v1/%2e%2e/admin",
        b"/v1%2fchat%2fcompletions",
        b"/v1%2Fchat/completions",
        b"/v1/chat%5ccompletions",
        b"/v1\\chat",
        b"/v1/chat%00/completions",
        b"/v1/chat/completions#x",
        b"/v1/chat/completions?x#y",
        b"/v1/models/a%5c..%5cb",
        b"/v1/models/a%00",
        "/v1/models/\xe9".encode("latin-1"),
        b"/v1/chat completions",
    ],
)
def test_paths_that_somebody_could_read_differently_are_not(target: bytes) -> None:
    assert not is_plain(target)
