"""Every sign is one token in all shipped encodings, and the text's own signs survive."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlang_router.synthlang.grammar import NAMES, PREFIX, SIGNS, Names, OutOfNames, escape, unescape
from synthlang_router.synthlang.tokens import ENCODINGS, count_tokens


@pytest.mark.parametrize("sign", SIGNS + NAMES + PREFIX)
def test_a_sign_is_one_token_everywhere(sign: str) -> None:
    assert [count_tokens(sign, name) for name in ENCODINGS] == [1] * len(ENCODINGS)


def test_no_sign_has_two_meanings() -> None:
    signs = SIGNS + NAMES + PREFIX

    assert len(set(signs)) == len(signs)


@settings(deadline=None)
@given(st.text(st.sampled_from(SIGNS + NAMES + PREFIX + "abcdefghijkl^ \n"), max_size=40))
def test_what_is_escaped_comes_back_and_holds_no_sign_but_escapes(text: str) -> None:
    safe = escape(text)

    assert unescape(safe) == text
    assert not set(safe) & set(SIGNS[:-1])


def test_names_are_those_the_text_does_not_hold() -> None:
    names = Names(f"a {NAMES[1]} b")

    assert NAMES[1] not in [names.take() for _ in range(len(names))]
    with pytest.raises(OutOfNames):
        names.take()
    assert len(Names(NAMES)) == 62 and not Names(NAMES).single
    assert not Names(NAMES + PREFIX)
