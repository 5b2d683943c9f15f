"""Two spellings are one word by national rule, or by an error that hits no other word."""

import pytest

from synthlang_router.cache.surface_lexicon import english
from synthlang_router.cache.surface_spelling import is_typo, is_variant


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("colour", "color"), ("organise", "organize"), ("theatre", "theater"), ("cancelled", "canceled"),
        ("programme", "program"), ("defence", "defense"), ("catalogue", "catalog"), ("analyse", "analyze"),
        ("enrol", "enroll"), ("licence", "license"), ("judgement", "judgment"), ("anaemia", "anemia"),
    ],
)  # fmt: skip
def test_a_national_variant_is_the_same_word(a: str, b: str) -> None:
    assert is_variant(a, b, english())
    assert is_variant(b, a, english())


@pytest.mark.parametrize(
    ("a", "b"),
    [("filing", "filling"), ("tour", "tor"), ("below", "bellow"), ("wise", "wize")],
)
def test_two_words_of_one_pattern_are_no_variants(a: str, b: str) -> None:
    assert not is_variant(a, b, english())


@pytest.mark.parametrize(
    ("typo", "word"),
    [
        ("recieve", "receive"), ("seperator", "separator"), ("comit", "commit"), ("teh", "the"),
        ("caffiene", "caffeine"), ("dimentions", "dimensions"), ("lables", "labels"), ("requistion", "requisition"),
    ],
)  # fmt: skip
def test_an_error_that_hits_no_other_word_is_a_typo(typo: str, word: str) -> None:
    assert is_typo(typo, word, english())
    assert is_typo(word, typo, english())


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("affect", "effect"), ("dye", "dry"), ("site", "sight"), ("redis", "redux"), ("pytest", "pytests"),
        ("nginx", "nginy"), ("untie", "unite"), ("loked", "locked"), ("amoral", "moral"), ("grop", "gone"),
    ],
)  # fmt: skip
def test_two_words_or_an_ambiguous_error_are_no_typo(a: str, b: str) -> None:
    assert not is_typo(a, b, english())


def test_the_lexicon_tells_common_dialect_rare_and_unknown() -> None:
    lexicon = english()

    assert [lexicon.flag(word) for word in ("house", "colour", "berlin", "xqzzy", "maßstab", "")] == [
        "c",
        "d",
        "n",
        "",
        "",
        "",
    ]
