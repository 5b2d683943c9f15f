"""Values that a simulated provider answers with: the same for the same question, and valid.

`specimen` covers what OpenAI's structured outputs allow, and bounds; a schema that needs more than `BUDGET` values is
refused.
"""

from __future__ import annotations

import base64
import math
import re
from array import array
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec

from synthlang_router.errors import InvalidRequest
from synthlang_router.models import ChatRequest

BUDGET: Final = 2_000
_SHALLOW: Final = 6
_DEEPEST: Final = 60
_WORD: Final = re.compile(r"\w+")
_FORMATS: Final = {
    "date-time": "2024-01-01T00:00:00Z",
    "date": "2024-01-01",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "https://example.com/",
}
Schema = Mapping[str, Any]


def specimen(schema: Any, word: str = "text") -> Any:
    """A value for `schema`, with `word` where any string will do. Raises InvalidRequest beyond the budget."""
    return _Maker(schema, word).make(schema, 0)


class _Maker:
    def __init__(self, root: Any, word: str) -> None:
        self.root = root
        self.word = word
        self.left = BUDGET

    def make(self, schema: Any, depth: int) -> Any:
        self.left -= 1
        if self.left < 0 or depth > _DEEPEST:
            raise InvalidRequest(
                "The simulator finds no small value for this schema.", param="response_format"
            )
        if not isinstance(schema, Mapping):
            return self.word
        if "const" in schema:
            return schema["const"]
        if isinstance(schema.get("enum"), list) and schema["enum"]:
            return schema["enum"][0]
        other = self._elsewhere(schema, depth)
        return self._make_typed(schema, depth) if other is None else self.make(other, depth + 1)

    def _elsewhere(self, schema: Schema, depth: int) -> Schema | None:
        """The schema that stands for this one: referred to, merged or chosen."""
        if isinstance(schema.get("$ref"), str):
            return self._plain(schema)
        if isinstance(schema.get("allOf"), list):
            merged = {name: value for part in schema["allOf"] for name, value in self._plain(part).items()}
            return {**merged, **{name: value for name, value in schema.items() if name != "allOf"}}
        for choice in ("anyOf", "oneOf"):
            if isinstance(schema.get(choice), list) and schema[choice]:
                return self._plain(self._choose(schema[choice], depth))
        return None

    def _plain(self, part: Any) -> Schema:
        resolved = self._resolve(part["$ref"]) if isinstance(part, Mapping) and "$ref" in part else part
        return resolved if isinstance(resolved, Mapping) else {}

    def _resolve(self, reference: Any) -> Any:
        node = self.root
        for name in str(reference).removeprefix("#").split("/")[1:]:
            name = name.replace("~1", "/").replace("~0", "~")
            if not isinstance(node, Mapping) or name not in node:
                raise InvalidRequest(
                    "The schema refers to a definition it does not have.", param="response_format"
                )
            node = node[name]
        return node

    def _choose(self, options: list[Any], depth: int) -> Any:
        """The first; below `_SHALLOW` levels a null where there is one, so that recursion ends."""
        if depth >= _SHALLOW:
            for option in options:
                if isinstance(option, Mapping) and option.get("type") == "null":
                    return option
        return options[0]

    def _make_typed(self, schema: Schema, depth: int) -> Any:
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = "null" if depth >= _SHALLOW and "null" in kind else next(iter(kind), None)
        if kind is None:
            kind = "object" if "properties" in schema else "string"
        maker = _MAKERS.get(str(kind))
        return None if maker is None else maker(self, schema, depth)

    def _object(self, schema: Schema, depth: int) -> dict[str, Any]:
        properties = schema.get("properties")
        if not isinstance(properties, Mapping):
            return {}
        required = schema.get("required")
        names = properties if depth < _SHALLOW or not isinstance(required, list) else required
        return {str(name): self.make(properties.get(name), depth + 1) for name in names}

    def _array(self, schema: Schema, depth: int) -> list[Any]:
        least = schema.get("minItems")
        wanted = least if isinstance(least, int) else 1 if depth < _SHALLOW else 0
        most = schema.get("maxItems")
        if isinstance(most, int):
            wanted = min(wanted, most)
        heads = schema.get("prefixItems")
        heads = heads if isinstance(heads, list) else []
        wanted = max(wanted, len(heads))
        items = [*heads, *[schema.get("items", {})] * min(wanted - len(heads), BUDGET + 1)]
        return [self.make(item, depth + 1) for item in items]

    def _string(self, schema: Schema, depth: int) -> str:
        known = _FORMATS.get(str(schema.get("format")))
        if known is not None:
            return known
        least, most = schema.get("minLength"), schema.get("maxLength")
        text = self.word
        if isinstance(least, int) and len(text) < least:
            text = text.ljust(min(least, 100_000), "x")
        return text[:most] if isinstance(most, int) and most >= 0 else text

    def _number(self, schema: Schema, depth: int) -> float:
        low = _number_of(schema, "minimum", -math.inf)
        high = _number_of(schema, "maximum", math.inf)
        low = max(low, math.nextafter(_number_of(schema, "exclusiveMinimum", -math.inf), math.inf))
        high = min(high, math.nextafter(_number_of(schema, "exclusiveMaximum", math.inf), -math.inf))
        step = _number_of(schema, "multipleOf", 0)
        value = min(max(1, low), high)
        return math.ceil(value / step) * step if step > 0 else value

    def _integer(self, schema: Schema, depth: int) -> int:
        step = max(1, math.ceil(_number_of(schema, "multipleOf", 1)))
        low = math.ceil(
            max(_number_of(schema, "minimum", -1e15), _number_of(schema, "exclusiveMinimum", -1e15) + 1e-9)
        )
        high = math.floor(
            min(_number_of(schema, "maximum", 1e15), _number_of(schema, "exclusiveMaximum", 1e15) - 1e-9)
        )
        value = min(max(1, low), high)
        return -(-value // step) * step

    def _boolean(self, schema: Schema, depth: int) -> bool:
        return True


def _number_of(schema: Schema, name: str, absent: float) -> float:
    value = schema.get(name)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else absent


_MAKERS: Final[Mapping[str, Callable[[_Maker, Schema, int], Any]]] = {
    "object": _Maker._object,
    "array": _Maker._array,
    "string": _Maker._string,
    "number": _Maker._number,
    "integer": _Maker._integer,
    "boolean": _Maker._boolean,
}


def specimen_embeddings(asked: ChatRequest, count: Callable[[str], int]) -> bytes:
    """The body of an embeddings answer."""
    inputs = asked.value("input")
    if isinstance(inputs, str) or isinstance(inputs[0], int):
        inputs = [inputs]
    width = asked.value("dimensions")
    if width is None:
        width = 1536
    if type(width) is not int or not 1 <= width <= 3072:
        raise InvalidRequest("Invalid 'dimensions': 1 to 3072.", param="dimensions")
    texts = [item if isinstance(item, str) else " ".join(map(str, item)) for item in inputs]
    vectors = [embed(text, width) for text in texts]
    if asked.value("encoding_format") == "base64":  # little-endian float32
        shown: list[Any] = [base64.b64encode(vector.tobytes()).decode() for vector in vectors]
    else:
        shown = [list(vector) for vector in vectors]
    tokens = sum(count(item) if isinstance(item, str) else len(item) for item in inputs)
    return msgspec.json.encode(
        {
            "object": "list",
            "data": [{"object": "embedding", "index": at, "embedding": one} for at, one in enumerate(shown)],
            "model": asked.model,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def embed(text: str, width: int) -> array[float]:
    """A unit vector: words hashed to four places each, so that texts with common words are near."""
    vector = array("f", bytes(4 * width))
    for word in _WORD.findall(text.lower())[:4096]:
        digest = blake2b(word.encode(), digest_size=20).digest()
        for place in range(0, 20, 5):
            vector[int.from_bytes(digest[place : place + 4]) % width] += 1 - 2 * (digest[place + 4] & 1)
    length = math.sqrt(sum(value * value for value in vector))
    if not length:
        vector[0] = length = 1.0
    return array("f", [value / length for value in vector])
