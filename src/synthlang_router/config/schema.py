"""The settings as JSON schema, for editors and for the reference page."""

from __future__ import annotations

from typing import Any

from synthlang_router.config.settings import Settings


def schema() -> dict[str, Any]:
    """JSON schema (2020-12) of the configuration file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Settings.model_json_schema(),
        "title": "SynthLang Router",
    }
