"""A text's tokens keep what may carry meaning and let go of what certainly does not."""

import pytest

from synthlang_router.cache.surface import EXACT, NUMBER, SYMBOL, WORD, normal_form, tokenise


def kinds(text: str) -> list[tuple[str, str]]:
    return [(token.text, token.kind) for token in tokenise(normal_form(text))[:-1]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, world!", [("Hello", WORD), ("world", WORD)]),
        ("a 12-pound turkey", [("a", WORD), ("12", NUMBER), ("pound", WORD), ("turkey", WORD)]),
        ("run foo_bar(x); now", [("run", WORD), ("foo_bar(x);", EXACT), ("now", WORD)]),
        ("see https://a.b/c?d=1.", [("see", WORD), ("https://a.b/c?d=1", EXACT)]),
        ("use `git push -f`!", [("use", WORD), ("git", EXACT), ("push", EXACT), ("-f", EXACT)]),
        ("2 + (3)", [("2", NUMBER), ("+", EXACT), ("(", SYMBOL), ("3", NUMBER), (")", SYMBOL)]),
        ("9 am in the U.S.", [("9", NUMBER), ("am", WORD), ("in", WORD), ("the", WORD), ("US", WORD)]),
        ("你好ok", [("你", WORD), ("好", WORD), ("ok", WORD)]),
        ("don't Bob's", [("don't", WORD), ("Bob", WORD), ("'s", WORD)]),
    ],
)
def test_a_text_is_cut_into_words_numbers_and_exact_pieces(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert kinds(text) == expected


def test_quoted_words_are_marked_once_the_quotation_is_closed() -> None:
    closed = [token.quoted for token in tokenise(normal_form("say 'good night' now"))[:-1]]
    open_ended = [token.quoted for token in tokenise(normal_form("say 'good night now"))[:-1]]

    assert closed == [False, True, True, False]
    assert open_ended == [False, False, False, False]


def test_the_normal_form_changes_letters_only_where_two_ways_of_writing_are_one() -> None:
    assert normal_form(" cafe\u0301 “x”\r\n") == 'café "x"'
    assert normal_form("x² + H₂O → y") == "x^2 + H2O -> y"
    assert normal_form("ﬁ Ⅳ ½ Ａ") == "ﬁ Ⅳ ½ Ａ"
