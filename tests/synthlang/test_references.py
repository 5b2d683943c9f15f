"""What an earlier message holds is referred to, by message and lines, and by nothing that comes later."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from synthlang_router.synthlang.references import Earlier, Reference

FILE = "\n".join(f"    value_{n} = compute_something({n * 31}, depth={n})" for n in range(30))


def joined(earlier: Earlier, pieces: list[str | Reference]) -> str:
    return "\n".join(piece if isinstance(piece, str) else earlier.lines(*piece[:4]) for piece in pieces)


def test_lines_that_come_again_are_a_reference() -> None:
    earlier = Earlier()
    earlier.add(4, f"[file]\n{FILE}\n[end]")

    pieces = earlier.split(f"again:\n{FILE}\ndone")

    assert pieces == ["again:", Reference(4, 2, 31, 0, "value_0 = compute_someth"), "done"]
    assert joined(earlier, pieces) == f"again:\n{FILE}\ndone"


def test_a_few_short_lines_are_not_worth_a_reference() -> None:
    earlier = Earlier()
    earlier.add(1, "a line of some length\nshort\n}")

    assert earlier.split("a line of some length\nshort\n}\nnew") == ["a line of some length\nshort\n}\nnew"]


def test_the_longest_run_is_taken_wherever_it_stands() -> None:
    earlier = Earlier()
    earlier.add(1, "\n".join(FILE.split("\n")[:8]))
    earlier.add(2, FILE)

    (piece,) = earlier.split(FILE)

    assert isinstance(piece, Reference) and (piece.message, piece.first, piece.last) == (2, 1, 30)


def test_a_listing_shown_again_under_other_numbers_is_a_reference_with_a_shift() -> None:
    earlier = Earlier()
    earlier.add(2, "\n".join(f"{n}:    code number {n * n} of the file" for n in range(90, 120)))
    again = "\n".join(f"{n + 7}:    code number {n * n} of the file" for n in range(95, 118))

    (piece,) = earlier.split(again)

    assert isinstance(piece, Reference) and piece.shift == 7
    assert earlier.lines(*piece[:4]) == again


def test_a_run_begins_where_it_began_even_with_short_lines() -> None:
    earlier = Earlier()
    earlier.add(1, f"{{\n\n}}\n{FILE}")

    (piece,) = earlier.split(f"{{\n\n}}\n{FILE}")

    assert isinstance(piece, Reference) and piece.first == 1


LINES = st.lists(
    st.sampled_from(
        [
            "",
            "x",
            "    return the_same_value_as_before",
            FILE,
            FILE[:90],
            "7: a line with a number",
            "9: a line with a number",
            " 9:",
            "08|a line with a number",
            "9999: a line with a number",
        ]
    ),
    max_size=12,
)


@settings(deadline=None)
@given(st.lists(LINES, max_size=4), LINES)
def test_any_text_is_put_together_again(before: list[list[str]], lines: list[str]) -> None:
    earlier = Earlier()
    for number, other in enumerate(before, 1):
        earlier.add(number, "\n".join(other))

    assert joined(earlier, earlier.split("\n".join(lines))) == "\n".join(lines)
