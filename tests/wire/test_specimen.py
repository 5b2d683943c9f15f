"""Values that fit a schema, and vectors for texts."""

from __future__ import annotations

import base64
import json
import math
from array import array
from typing import Any

import pytest

from synthlang_router.errors import InvalidRequest
from synthlang_router.wire.openai import read_embedding, read_request
from synthlang_router.wire.specimen import embed, specimen, specimen_embeddings


def count(text: str) -> int:
    return len(text.split())


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "minLength": 6}, "textxx"),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"type": "string", "format": "date"}, "2024-01-01"),
        ({"type": "string", "enum": ["b", "a"]}, "b"),
        ({"const": 5}, 5),
        ({"type": "integer"}, 1),
        ({"type": "integer", "minimum": 7}, 7),
        ({"type": "integer", "exclusiveMinimum": 7}, 8),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "integer", "multipleOf": 5, "minimum": 6}, 10),
        ({"type": "number", "minimum": 2.5}, 2.5),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["null", "string"]}, None),
        ({"type": "array", "items": {"type": "integer"}}, [1]),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 3}, [1, 1, 1]),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 0}, []),
        ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "null"}]}, ["text", None]),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 1),
        ({"allOf": [{"properties": {"a": {"type": "null"}}}, {"type": "object"}]}, {"a": None}),
        ({"$ref": "#/$defs/x~1y", "$defs": {"x/y": {"const": 1}}}, 1),
        ({"type": "object"}, {}),
        ({"properties": {"a": {"type": "string"}, "b": {"type": "array"}}}, {"a": "text", "b": ["text"]}),
    ],
)
def test_a_value_fits_its_schema(schema: dict[str, Any], value: Any) -> None:
    assert specimen(schema) == value


def test_recursion_ends_where_the_schema_lets_it() -> None:
    tree = {
        "type": "object",
        "properties": {"left": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
        "required": ["left"],
    }
    chain = {
        "type": "object",
        "properties": {"next": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["next"],
    }

    assert json.dumps(specimen(tree)).endswith("null}}}" + "}" * (json.dumps(specimen(tree)).count("{") - 3))
    assert json.dumps(specimen(chain)).count("[]") == 1


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "#/nowhere"},
        {"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "required": ["a", "b"]},
        {"type": "array", "minItems": 10**9},
    ],
)
def test_a_schema_without_a_small_value_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        specimen(schema)


def test_vectors_are_of_length_one_and_near_where_texts_are() -> None:
    def nearness(one: str, other: str) -> float:
        return sum(a * b for a, b in zip(embed(one, 256), embed(other, 256), strict=True))

    assert math.isclose(nearness("a happy dog", "a happy dog"), 1, rel_tol=1e-5)
    assert math.isclose(nearness("", ""), 1, rel_tol=1e-5)
    assert nearness("a happy dog", "a happy cat") > nearness("a happy dog", "stock markets fell today")


@pytest.mark.parametrize(("given", "vectors", "tokens"), [("two words", 1, 2), (["a", "b c"], 2, 3), ([7, 8], 1, 2), ([[7], [8, 9]], 2, 3)])  # fmt: skip
def test_an_embeddings_answer_has_a_vector_for_each_input(given: Any, vectors: int, tokens: int) -> None:
    asked = read_request(json.dumps({"model": "m", "input": given, "dimensions": 8}).encode(), "embeddings")

    answer = read_embedding(specimen_embeddings(asked, count))

    data = json.loads(answer.raw)["data"]
    assert [len(one["embedding"]) for one in data] == [8] * vectors
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == tokens


def test_base64_holds_the_same_numbers() -> None:
    asked = read_request(b'{"model":"m","input":"x","encoding_format":"base64"}', "embeddings")

    packed = json.loads(specimen_embeddings(asked, count))["data"][0]["embedding"]

    assert array("f", base64.b64decode(packed)) == embed("x", 1536)


@pytest.mark.parametrize("dimensions", [0, -1, 4000, 1.5, "8", True])
def test_odd_dimensions_are_refused(dimensions: Any) -> None:
    asked = read_request(
        json.dumps({"model": "m", "input": "x", "dimensions": dimensions}).encode(), "embeddings"
    )

    with pytest.raises(InvalidRequest):
        specimen_embeddings(asked, count)
