"""One member of an object is changed, and no other byte."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.wire.splice import FIELDS, members, replace, without

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
VALUES = st.recursive(
    st.none() | st.integers(0, 99) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.dictionaries(
    st.sampled_from(["id", "usage", "choices", "x"]) | NAMES, VALUES, min_size=1, max_size=6
)
WRITINGS = st.sampled_from([{"separators": (",", ":")}, {}, {"indent": 2}, {"separators": (" , ", " :\t")}])


@given(OBJECTS, WRITINGS)
def test_members_cover_the_object_in_order(plain: dict[str, object], writing: dict[str, object]) -> None:
    raw = json.dumps(plain, **writing).encode()  # type: ignore[arg-type]

    found = list(members(raw, FIELDS.decode(raw)))

    assert [member.name for member in found] == list(plain)
    assert [json.loads(raw[member.value : member.end]) for member in found] == list(plain.values())


@given(OBJECTS, WRITINGS, st.data())
def test_a_replaced_value_is_new_and_everything_else_is_as_it_was(
    plain: dict[str, object], writing: dict[str, object], data: st.DataObject
) -> None:
    raw = json.dumps(plain, **writing).encode()  # type: ignore[arg-type]
    name = data.draw(st.sampled_from(list(plain)))
    old = next(bytes(value) for key, value in FIELDS.decode(raw).items() if key == name)

    new = replace(raw, {name: b'"new"', "a name that is not there at all": b"1"})

    assert json.loads(new) == {**plain, name: "new"}
    assert len(new) == len(raw) - len(old) + len(b'"new"')


@given(OBJECTS, WRITINGS, st.data())
def test_a_member_is_cut_out_with_its_comma(
    plain: dict[str, object], writing: dict[str, object], data: st.DataObject
) -> None:
    raw = json.dumps(plain, **writing).encode()  # type: ignore[arg-type]
    name = data.draw(st.sampled_from(list(plain)))

    rest = without(raw, name)

    assert json.loads(rest) == {key: value for key, value in plain.items() if key != name}


def test_what_is_not_there_is_not_cut() -> None:
    assert without(b'{"a": {"usage":null}}', "usage") == b'{"a": {"usage":null}}'
