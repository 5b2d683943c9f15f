"""`Drawing`: JSON values by a JSON schema, good ones and, now and then, ones that are not; quick, and the same for a seed."""

from __future__ import annotations

import random
from typing import Any, Final

DEEP: Final = 7
"""Levels after which what is optional is left out."""
OPTIONAL: Final = 0.25
"""The chance of an optional member at the top; deeper it grows less."""
TEXTS: Final = (
    "", "a", "user", "Hello", "What is 2 + 2?", "gpt-4o", "\x00", "\u2028", "é", "e\u0301", "🙂", "\ufeff", "null",
    "[DONE]", "data: x\n\n", "x" * 300, "{", '"', "\\", "https://example.com/a.png", "data:image/png;base64,AAAA",
    "../..", "%2e%2e", "1e999", "a b", "\r\nx: y",
)  # fmt: skip
STRANGE: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 0.5, 1e308, -1e308, 2**63, 10**30, "", "x", [], {}, [[]], [None], {"": None}, {"type": "x"},
    "🙂" * 50, [0] * 50, {"a": {"b": {"c": {}}}},
)  # fmt: skip


class Drawing:
    """Draws from the schemas of one OpenAPI document."""

    def __init__(self, document: dict[str, Any], seed: int) -> None:
        self._document = document
        self._random = random.Random(seed)

    def body(self, schema: dict[str, Any], *, damaged: float) -> Any:
        """A value that the schema allows, as far as it is understood; with this chance it is damaged afterwards."""
        value = self._value(schema, 0)
        if self._random.random() < damaged:
            for _ in range(self._random.randint(1, 3)):
                value = self._damaged(value)
        return value

    def chance(self, share: float) -> bool:
        return self._random.random() < share

    def _value(self, schema: dict[str, Any], depth: int) -> Any:
        schema = self._resolved(schema)
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return self._value(self._random.choice(schema[choice]), depth + 1)
        if schema.get("nullable") and self.chance(0.1):
            return None
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        kind = schema.get("type", "object" if "properties" in schema else "anything")
        if isinstance(kind, list):
            kind = self._random.choice(kind)
        drawn = getattr(self, f"_{kind}", None)
        return self._random.choice(STRANGE) if drawn is None else drawn(schema, depth)

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            found: Any = self._document
            for name in schema["$ref"].removeprefix("#/").split("/"):
                found = found[name]
            schema = found
        if "allOf" not in schema:
            return schema
        merged: dict[str, Any] = {**schema, "properties": dict(schema.get("properties", {}))}
        for part in map(self._resolved, merged.pop("allOf")):
            merged["properties"].update(part.get("properties", {}))
            merged["required"] = [*merged.get("required", ()), *part.get("required", ())]
            for name in ("anyOf", "oneOf", "enum", "type"):
                if name in part:
                    merged.setdefault(name, part[name])
        return merged

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        needed = set(schema.get("required", ()))
        optional = 0.0 if depth > DEEP else OPTIONAL / (1 + depth / 2)
        members = {
            name: self._value(member, depth + 1)
            for name, member in schema.get("properties", {}).items()
            if name in needed or self.chance(optional)
        }
        if not schema.get("properties") and depth < DEEP:
            members |= {self._random.choice(TEXTS): "x" for _ in range(self._random.randint(0, 2))}
        return members

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        least = schema.get("minItems", 0)
        most = min(schema.get("maxItems", 3), least + 3) if depth < DEEP else least
        return [
            self._value(schema.get("items", {}), depth + 1)
            for _ in range(self._random.randint(least, max(least, most)))
        ]

    def _string(self, schema: dict[str, Any], depth: int) -> str:
        text: str = self._random.choice(TEXTS)
        return text.ljust(schema.get("minLength", 0), "a")[: schema.get("maxLength", 400)]

    def _integer(self, schema: dict[str, Any], depth: int) -> int:
        least = int(schema.get("minimum", -5))
        return self._random.randint(least, int(schema.get("maximum", least + 200)))

    def _number(self, schema: dict[str, Any], depth: int) -> float:
        least = schema.get("minimum", -2.0)
        return self._random.uniform(least, schema.get("maximum", least + 4))

    def _boolean(self, schema: dict[str, Any], depth: int) -> bool:
        return self.chance(0.5)

    def _null(self, schema: dict[str, Any], depth: int) -> None:
        return None

    def _damaged(self, value: Any) -> Any:
        """One place somewhere in it becomes something else, or goes."""
        if isinstance(value, dict) and value and self.chance(0.85):
            name = self._random.choice(list(value))
            if self.chance(0.2):
                return {key: kept for key, kept in value.items() if key != name}
            return {**value, name: self._damaged(value[name])}
        if isinstance(value, list) and value and self.chance(0.85):
            place = self._random.randrange(len(value))
            return [*value[:place], self._damaged(value[place]), *value[place + 1 :]]
        return self._random.choice(STRANGE)
