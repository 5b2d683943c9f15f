"""Which hosts count as named by the operator."""

from __future__ import annotations

from pathlib import Path

from synthlang_router.config import load
from synthlang_router.main.transports import named_hosts

CONFIG = """\
providers:
  openai: {api_key: a}
  groq: {base_url: "https://api.groq.com/openai/v1", api_key: a}
  house: {base_url: "http://LLM.corp.internal.:8000/v1", proxy: "http://user:pass@proxy.corp:3128"}
  local: {base_url: "http://127.0.0.1:11434/v1"}
"""


def test_hosts_of_urls_and_proxies_are_named_and_a_vendors_own_is_not(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text(CONFIG)
    settings = load(path, {}, tmp_path).settings

    named = named_hosts(settings, {"HTTPS_PROXY": "http://outer.corp:8080"})

    assert named == {"llm.corp.internal", "proxy.corp", "127.0.0.1", "outer.corp"}
