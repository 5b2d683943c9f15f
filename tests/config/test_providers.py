"""What a file may say of providers and of how a name is served."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from synthlang_router.config.providers import AZURE_HOSTS, Copy
from synthlang_router.wire.dialects import DIFFERENCES, difference_of
from tests.config.files import PROVIDER, loaded, refusal

MODEL = "models: [{{name: a, targets: [{{provider: up, model: m}}], {more}}}]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "providers: {a: {dialect: anthropic, vendor: azure}}",
            "providers.a.vendor: is for providers that copy",
        ),
        ("providers: {a: {api_version: 2024-10-21}}", "providers.a.api_version: is Azure OpenAI's alone"),
        ("providers: {azure: {api_version: soon}}", "providers.azure.api_version: "),
        ("providers: {a: {vendor: nobody}}", "providers.a.vendor: "),
        (PROVIDER + MODEL.format(more="hedge: true"), "models[0].hedge: needs a second target or a fallback"),
        (PROVIDER + MODEL.format(more="timeouts: {idle: 0}"), "models[0].timeouts.idle: "),
        (
            PROVIDER + "models: [{name: a, targets: [{provider: up, model: m, lacks: [legs]}]}]",
            "models[0].targets[0].lacks[0]: ",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_at_its_place(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(tmp_path, text)


@pytest.mark.parametrize(
    "provider",
    [
        "azure: {base_url: 'https://llm.corp.example', api_version: 2024-10-21}",
        "east: {base_url: 'https://east.openai.azure.com', api_version: preview}",
        "corp: {base_url: 'https://llm.corp.example', vendor: azure, api_version: 2025-04-01-preview}",
    ],
)
def test_an_azure_provider_may_name_its_version(tmp_path: Path, provider: str) -> None:
    assert loaded(tmp_path, f"providers: {{{provider}}}").settings.providers


def test_the_copies_that_a_file_may_name_are_the_rows_of_the_table() -> None:
    rows = {row.name for row in DIFFERENCES if row.dialect == "openai"}

    assert set(get_args(Copy)) == rows - {"simulator"}  # which is a dialect of the file's own
    assert set(AZURE_HOSTS) == set(difference_of("openai", name="azure").hosts)
