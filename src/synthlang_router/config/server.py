"""The settings of the process itself: where it listens, what it takes on, where its state lives."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from synthlang_router.config.section import Bytes, Count, Seconds, Section


class ServerSettings(Section):
    """Where the gateway listens and how much it takes on."""

    host: Annotated[str, Field(min_length=1, max_length=253)] = Field(
        default="127.0.0.1",
        description="The address to listen on. Loopback only, until a key made by an operator exists.",
    )
    port: int = Field(default=8080, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    workers: int = Field(default=1, ge=1, le=256, description="Processes. More than one needs shared state.")
    max_body_bytes: Bytes = Field(
        default=64_000_000, description="The largest request body, after inflation; above it 413."
    )
    commit_after: Seconds = Field(
        default=10.0,
        description="Seconds of silence after which a stream's headers and keep-alive comments go out.",
    )
    drain_seconds: float = Field(
        default=300.0,
        ge=0,
        le=86_400,
        allow_inf_nan=False,
        description="Seconds that open streams get to end after SIGTERM.",
    )
    client_timeout: Seconds = Field(
        default=60.0,
        description="Seconds a client gets to send its headers, to send its body (more for a large one), and to read "
        "anything of an answer that waits for it.",
    )
    max_requests_in_flight: Count = Field(
        default=2_000, description="Requests under way at once; above it 503."
    )
    max_bytes_in_flight: Bytes = Field(
        default=256_000_000, description="Bytes of request bodies under way at once; above it 503."
    )


class SharedState(Section):
    """Where several gateways keep what they share."""

    database: SecretStr | None = Field(default=None, description="A postgresql:// URL.")
    shared: SecretStr | None = Field(default=None, description="A redis:// URL.")
