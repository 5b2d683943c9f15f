"""What is known of the vendors of models: where they live and in which environment variable their key is.

Used for a provider without `base_url`, for starting without a file, and for the rule that a file which merely lay
in the working directory may send a vendor's key to that vendor only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Vendor:
    """`hosts` are suffixes: the host itself or a name below it."""

    dialect: str
    base_url: str
    keys: tuple[str, ...]
    hosts: tuple[str, ...]
    base_url_variable: str


def _vendor(dialect: str, base_url: str, *keys: str, hosts: tuple[str, ...]) -> Vendor:
    return Vendor(dialect, base_url, keys, hosts, keys[0].removesuffix("_API_KEY") + "_BASE_URL")


VENDORS: Final[Mapping[str, Vendor]] = {
    "openai": _vendor("openai", "https://api.openai.com/v1", "OPENAI_API_KEY", hosts=("openai.com",)),
    "anthropic": _vendor(
        "anthropic",
        "https://api.anthropic.com",
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        hosts=("anthropic.com",),
    ),
    "gemini": _vendor(
        "gemini",
        "https://generativelanguage.googleapis.com/v1beta",
        "GEMINI_API_KEY",
        "GOOGLE_API_KEY",
        hosts=("googleapis.com",),
    ),
    "openrouter": _vendor(
        "openai", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", hosts=("openrouter.ai",)
    ),
    "groq": _vendor("openai", "https://api.groq.com/openai/v1", "GROQ_API_KEY", hosts=("groq.com",)),
    "mistral": _vendor("openai", "https://api.mistral.ai/v1", "MISTRAL_API_KEY", hosts=("mistral.ai",)),
    "deepseek": _vendor("openai", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", hosts=("deepseek.com",)),
    "xai": _vendor("openai", "https://api.x.ai/v1", "XAI_API_KEY", hosts=("x.ai",)),
    "together": _vendor(
        "openai", "https://api.together.xyz/v1", "TOGETHER_API_KEY", hosts=("together.xyz", "together.ai")
    ),
}

KEY_VARIABLES: Final[Mapping[str, Vendor]] = {
    key: vendor for vendor in VENDORS.values() for key in vendor.keys
}


def default_base_url(provider: str, dialect: str) -> str | None:
    """Where a provider without `base_url` lives: the vendor of that name, else the one that gave the dialect its name."""
    vendor = VENDORS.get(provider)
    if vendor is None or vendor.dialect != dialect:
        vendor = VENDORS.get(dialect)
    return None if vendor is None else vendor.base_url


def belongs_to(vendor: Vendor, base_url: str, environ: Mapping[str, str]) -> bool:
    """Whether a key of `vendor` may be sent there: over TLS to its hosts, or where the environment itself points."""
    own = environ.get(vendor.base_url_variable, "").strip().rstrip("/")
    if own and base_url == own:
        return True
    url = urlsplit(base_url)
    host = (url.hostname or "").rstrip(".")
    return url.scheme == "https" and any(
        host == known or host.endswith("." + known) for known in vendor.hosts
    )
