"""`/admin/v1/config`: the settings in force, secrets masked. Providers, their keys and URLs are changed in the file only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from synthlang_router.api.admin.action import Action, Actions, Call, Nothing, Reply


class Configuration:
    """`masked` gives the settings as JSON-ready data in which no secret is left."""

    def __init__(self, masked: Callable[[], Mapping[str, object]]) -> None:
        self._masked = masked

    def actions(self) -> Actions:
        return (
            Action(
                "GET", "/config", "admin", "config.show", "Show the settings in force", self.show,
                gives=dict[str, Any],
            ),
        )  # fmt: skip

    async def show(self, call: Call[Nothing, Nothing]) -> Reply:
        return Reply(self._masked())
