"""In a person's message only what a program wrote is referred to."""

from __future__ import annotations

import pytest

from synthlang_router.synthlang.codec import encode
from synthlang_router.synthlang.frames import read_text
from synthlang_router.synthlang.quoting import program_lines
from synthlang_router.synthlang.references import Earlier, Reference

LISTING = "\n".join(f"{n}:    self.value_{n} = compute({n * 31}, depth={n})" for n in range(1, 30))
WORDS = "\n".join(
    f"- Please answer question {n} in one sentence and give the number of the page." for n in range(30)
)


def known(*texts: str) -> Earlier:
    earlier = Earlier()
    for number, text in enumerate(texts, 1):
        earlier.add(number, text)
    return earlier


def test_a_listing_that_a_person_passes_on_is_referred_to() -> None:
    earlier = known(f"[File: a.py]\n{LISTING}")

    coded = encode(f"[File: a.py]\n{LISTING}\nWhy?", "user", "session", earlier)

    assert coded is not None and coded.sent.count("【1r") == 1
    assert read_text(coded.stored, earlier).endswith("Why?")


@pytest.mark.parametrize(
    "text",
    [WORDS, f"```python\n{LISTING}\n```", f"diff --git a b\n{LISTING}", LISTING.split("\n", 5)[0]],
    ids=["words", "code", "diff", "a line"],
)
def test_words_code_and_diffs_of_a_person_stay_as_they_are(text: str) -> None:
    earlier = known(text)

    assert encode(f"{text}\nAgain, please.", "user", "session", earlier) is None


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_refer_to_nothing(role: str) -> None:
    assert encode(LISTING, role, "session", known(LISTING)) is None


def test_what_is_written_out_again_joins_what_stands_around_it() -> None:
    text = f"{LISTING}\nand\n{WORDS}\nend"
    earlier = known(LISTING, WORDS)

    pieces = program_lines(text, earlier.split(text), earlier)

    assert isinstance(pieces[0], Reference)
    assert pieces[1:] == [f"and\n{WORDS}\nend"]
