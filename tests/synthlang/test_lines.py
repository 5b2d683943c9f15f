"""Log lines become templates and columns, and numbered lines lose their numbers."""

from __future__ import annotations

from synthlang_router.synthlang.frames import read_text
from synthlang_router.synthlang.grammar import Names, escape
from synthlang_router.synthlang.lines import number_runs, tabulate_lines

LOG = [
    f"2031-04-02 09:{15 + n // 60}:{n % 60:02} INFO [worker-{n % 3}] shop.orders: stored order {9000 + n * 13} for customer c{n % 4}"
    for n in range(0, 1500, 50)
]  # fmt: skip


def body_of(lines: list[str]) -> str:
    text = escape("\n".join(lines))
    body = tabulate_lines(text.split("\n"), Names(text))
    assert body is not None
    assert read_text(f"【1t\n{body.text}】") == "\n".join(lines)
    return body.text


def test_lines_of_one_kind_share_a_template() -> None:
    body = body_of(LOG)

    assert body.count("stored order") == 1
    assert len(body) < len("\n".join(LOG)) / 2


def test_times_are_given_as_what_was_added() -> None:
    body = body_of(LOG)

    assert body.count("09:") == 1
    assert body.count("\n+50 ") == 29


def test_lines_of_other_kinds_stand_between_them_as_they_are() -> None:
    body = body_of([*LOG[:10], "Traceback (most recent call last):", "  something odd", *LOG[10:]])

    assert "Traceback (most recent call last):" in body


def test_lines_that_differ_in_a_word_or_two_share_a_template() -> None:
    lines = [
        f"12:00:0{n} service {name} accepted connection from host"
        for n, name in enumerate("alpha beta gamma delta".split())
    ]

    assert body_of(lines).count("accepted connection") == 1


def test_lines_with_little_in_common_are_left_to_others() -> None:
    lines = [
        "12:00:00 one two",
        "12:00:01 three, four (five)",
        "12:00:03 [six] seven=eight",
        "12:00:09 nine/ten",
    ]

    assert tabulate_lines(lines, Names("\n".join(lines))) is None


def test_signs_and_odd_characters_in_lines_come_back() -> None:
    body_of([*LOG, "^", "+1", "", " ", "●■「」※a", "\t|,;", *LOG[::-1]])


def listing(first: int, count: int, width: int = 0) -> str:
    return "\n".join(
        f"{number:>{width}}: line of code {number * 7}" for number in range(first, first + count)
    )


def test_numbered_lines_keep_their_first_number_only() -> None:
    text = f"before\n{listing(95, 12)}\nafter"

    short = number_runs(text, Names(text))

    assert "★95:●" in short and "\n96" not in short
    assert read_text(f"【1t\n{short}】") == text


def test_right_aligned_numbers_are_found_across_a_change_of_digits() -> None:
    text = listing(7, 8, width=4)

    short = number_runs(text, Names(text))

    assert short.count("★") == 1
    assert read_text(f"【1t\n{short}】") == text


def test_few_or_broken_numbers_are_left_as_they_are() -> None:
    for text in (listing(1, 4), "1: a\n3: b\n5: c\n7: d\n9: e\n11: f", "1: a\n2) b\n3: c\n4) d\n5: e"):
        assert number_runs(text, Names(text)) == text


def test_a_listing_inside_a_fence_is_code_and_stays() -> None:
    text = f"```\n{listing(1, 9)}\n```"

    assert number_runs(text, Names(text)) == text
