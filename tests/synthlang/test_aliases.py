"""Repeats are named once and called afterwards, cut nowhere but between words, strings and lines."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from synthlang_router.synthlang.aliases import MAX_BODY, Taste, alias
from synthlang_router.synthlang.frames import read_text
from synthlang_router.synthlang.grammar import NAMES, SIGNS, Names, escape
from synthlang_router.synthlang.repeats import Look

LOOK = Look(3, (1, 2))
EAGER = Taste(gain=1, words=1, often=1, look=LOOK, thorough=True)
CALM = Taste(gain=8, words=6, often=8, look=LOOK)
PASSAGE = "The quick brown fox jumps over the lazy dog near the river bank at dawn."


def named(text: str, taste: Taste = CALM, *, json: bool = False, stops: str = "") -> str:
    body = alias(escape(text), Names(escape(text)), taste, json=json, stops=stops)
    assert read_text(f"【1t\n{body}】") == text
    return body


def test_a_passage_that_comes_again_is_a_name_the_second_time() -> None:
    body = named(f"One. {PASSAGE} Two. {PASSAGE} Three.")

    assert body.count("brown fox") == 1
    assert re.search("Three", body)


def test_a_long_passage_is_found_whole() -> None:
    long = " ".join(f"word{n * n}" for n in range(400))

    body = named(f"A {long} B {long} C")

    assert len(body) < len(long) + 20


def test_words_and_numbers_are_never_cut() -> None:
    text = " ".join(f"prefix{n}suffix 2024{n}99" for n in range(100, 140))

    assert named(text, EAGER).count("prefix1") >= 40


def test_addresses_placeholders_and_code_are_never_cut() -> None:
    text = "\n".join(
        f"see https://example.org/a/very/long/path/{n} or ${{HOME_{n}}} or `run --it {n}` now"
        for n in range(30)
    )

    body = named(text, EAGER)

    for n in range(30):
        assert f"https://example.org/a/very/long/path/{n}" in body
        assert f"${{HOME_{n}}}" in body
        assert f"`run --it {n}`" in body


def test_a_fenced_block_is_never_cut() -> None:
    fence = "```python\nfor line in lines:\n    print(line, line, line)\n```"

    body = named(
        f"{fence}\nprint(line, line, line)\nfor line in lines:\n    print(line, line, line)\n" * 3, EAGER
    )

    assert fence.strip("`") in body


def test_a_diff_is_never_cut() -> None:
    diff = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-the same old line of code\n+the same old line of code!"

    body = named(
        f"the same old line of code\n{diff}\nthe same old line of code\nthe same old line of code\n", EAGER
    )

    assert diff in body


def test_in_json_whole_members_and_parts_of_strings_are_named() -> None:
    member = '"type":"User","site_admin":false'
    text = (
        "["
        + ",".join(f'{{"n":{n * n},{member},"u":"https://api.example.org/u/{n}"}}' for n in range(9))
        + "]"
    )

    body = named(text, Taste(gain=2, words=2, often=2, look=LOOK), json=True)

    for alias_text in re.findall("「([^「」]*)」", body):
        assert alias_text.count('"') % 2 == 0


def test_no_alias_holds_a_stop() -> None:
    rows = "\n".join(f"{PASSAGE}|{PASSAGE}" for _ in range(4))

    body = named(rows, EAGER, stops="|\n")

    assert body.count("|") == 4 and body.count("\n") == 3


def test_what_does_not_pay_is_left_alone() -> None:
    assert named("a b a b a b") == "a b a b a b"
    assert named(PASSAGE) == PASSAGE


def test_names_in_use_are_not_given_again() -> None:
    text = f"{NAMES} {PASSAGE} {PASSAGE} {PASSAGE}"

    assert "†a「" in named(text)


def test_when_names_are_used_up_the_rest_stays() -> None:
    text = f"{NAMES}† {PASSAGE} {PASSAGE}"

    assert named(text) == text


def test_a_very_long_body_keeps_its_repeats() -> None:
    text = PASSAGE * (MAX_BODY // len(PASSAGE) + 1)

    assert alias(text, Names(text), CALM) == text


WORDS = st.sampled_from([*SIGNS, *NAMES[:4], "†", "†a", "alpha", "beta", " gamma", "\n", "  ", "{x}", "`c`", "http://x.y/z", "a@b.co", "```", "```\n", "\\", '"', "12", ".", ",", "é", "中文", "😀", PASSAGE])  # fmt: skip


@settings(deadline=None)
@given(st.lists(WORDS, max_size=80).map("".join), st.booleans())
def test_any_text_comes_back(text: str, json: bool) -> None:
    named(text, EAGER, json=json)
