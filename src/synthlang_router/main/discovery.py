"""Model servers on this machine: asked for their model list at start where nothing is configured."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import msgspec

LOCAL_SERVERS: Final[Mapping[str, int]] = {"ollama": 11434, "lmstudio": 1234, "vllm": 8000}
PATIENCE: Final = 0.2
_MAX_LIST: Final = 1_000_000


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


def discover_servers() -> Mapping[str, str]:
    """Name -> base URL of the servers that answered with a valid model list within `PATIENCE` seconds."""
    with ThreadPoolExecutor(len(LOCAL_SERVERS)) as pool:
        there = dict(zip(LOCAL_SERVERS, pool.map(_lists_models, LOCAL_SERVERS.values()), strict=True))
    return {name: f"http://127.0.0.1:{port}/v1" for name, port in LOCAL_SERVERS.items() if there[name]}


def _lists_models(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/v1/models")
        answer = connection.getresponse()
        return answer.status == 200 and bool(msgspec.json.decode(answer.read(_MAX_LIST), type=_Models).data)
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return False
    finally:
        connection.close()
