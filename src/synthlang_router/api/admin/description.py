"""What `/admin/v1` can do, as an OpenAPI 3.1 document made from its actions: nothing in it is written twice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from synthlang_router.api.admin.action import Action, Actions, Nothing

_PART: Final = re.compile(r"\{([a-z_]+)(?::path)?\}")
_ERROR: Final[Mapping[str, object]] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": ["string", "null"]},
            },
        }
    },
}


def described(actions: Actions, prefix: str) -> dict[str, object]:
    """The document."""
    kinds = [kind for action in actions for kind in (action.query, action.body, action.gives)]
    shown, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    schemas = iter(shown)
    paths: dict[str, dict[str, object]] = {}
    for action in actions:
        query, body, gives = next(schemas), next(schemas), next(schemas)
        path = prefix + _PART.sub(r"{\1}", action.path)
        paths.setdefault(path, {})[action.method.lower()] = _operation(
            action, _parameters(action, query, components), body, gives
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "SynthLang Router, administration", "version": "1"},
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {**components, "Error": _ERROR},
        },
    }


def _operation(
    action: Action[Any, Any], parameters: list[dict[str, object]], body: object, gives: object
) -> dict[str, object]:
    told: dict[str, object] = {
        "operationId": action.name,
        "summary": action.summary,
        "x-access": action.access,
        "parameters": parameters,
        "responses": {
            str(action.status): {"description": "Done.", "content": {"application/json": {"schema": gives}}},
            "default": {
                "description": "Refused; nothing was done.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    if action.body is not Nothing:
        told["requestBody"] = {"content": {"application/json": {"schema": body}}}
    return told


def _parameters(
    action: Action[Any, Any], query: Mapping[str, Any], components: Mapping[str, Any]
) -> list[dict[str, object]]:
    found: list[dict[str, object]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PART.findall(action.path)
    ]
    fields = components[query["$ref"].rpartition("/")[2]]["properties"] if "$ref" in query else {}
    found += [{"name": name, "in": "query", "schema": schema} for name, schema in fields.items()]
    if action.method == "POST":
        found.append({"name": "Idempotency-Key", "in": "header", "schema": {"type": "string"}})
    if action.method in ("PATCH", "PUT"):
        found.append({"name": "If-Match", "in": "header", "schema": {"type": "string"}})
    return found
