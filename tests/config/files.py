"""Configuration files as tests write them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from synthlang_router.config import Loaded, Settings, load
from synthlang_router.errors import ConfigurationError

PROVIDER = "providers: {up: {base_url: 'http://127.0.0.1:9000/v1', api_key: sk-up}}\n"


def loaded(folder: Path, text: str, environ: Mapping[str, str] | None = None, **options: object) -> Loaded:
    """What a named file with this text gives."""
    file = folder / "gateway.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file, environ or {}, folder, **options)  # type: ignore[arg-type]  # options are load's own


def settings(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of a file that names a provider and then says `text`."""
    return loaded(folder, PROVIDER + text, environ).settings


def refusal(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> str:
    """What is said against a file with this text; the file's name is left out."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(folder, text, environ)
    return caught.value.message.replace(str(folder / "gateway.yaml"), "f")
