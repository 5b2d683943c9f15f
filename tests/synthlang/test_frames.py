"""Frames are read as the page says, and what is not a frame of ours is refused, whatever it costs to find out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlang_router.synthlang.frames import MAX_GROWTH, BrokenFrame, read_text
from synthlang_router.synthlang.grammar import NAMES, SIGNS
from synthlang_router.synthlang.references import Earlier

STYLES = ("", "d", "i2", "t1", "ri4+2", "q", "[", "[0]", "[]", '[1," ",0]', '[0,"\\n",1,[],"x"]', "[null]")


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        ("plain § text", "plain § text"),
        ("a 【1= b", "a 【 b"),
        ("【1t\na §「bc」 d § e】", "a bc d bc e"),
        ("【1t\n×「a §「b」 c」 § ×】", "a b c b a b c"),
        ("【1t\n§「 x ●」\n1\n2■】", "x 1\nx 2"),
        ("【1t\n§「 x ●」\n1\n2", None),
        ("【1t\n§「,●-●」\na,b\n^,c\n×「 <●>」\nd\n§^,^】", "a-b\na-c\n<d>\na-c"),
        ("【1t\n§「 ±: ●」\n12:00:00 a\n+5 b\n^ c■ end】", "12:00:00: a\n12:00:05: b\n12:00:05: c end"),
        ("【1t\n§「 ★9) ●」\na\nb■】", "9) a\n10) b"),
        ("【1t\n§「 ●/※a」\nx■】", "x/x"),
        ('【1j\n[§「 {"a":●}」\n1\n2■]】', '[{"a":1},{"a":2}]'),
        ('【1jd\n{"a":[1,2]}】', '{"a": [1, 2]}'),
        ('【1ji2\n{"a":[1]}】', '{\n  "a": [\n    1\n  ]\n}'),
        ('【1l\n[{"a":1},{"a":2}]】', '{"a":1}\n{"a":2}'),
        ("【1t\n¿a¿b¿c¿d¿e¿f¿g¿h¿i¿j^】", SIGNS + "^"),
        ("【1t\n§「 <●>」\na\n¿k\n^■】", "<a>\n<^>\n<^>"),
        ("【1t\n(x「y」 names y; rows fill ●)\nbody】", "body"),
        ("【1t\n† and †a「x」 †a †b】", "† and x x †b"),
    ],
)
def test_a_frame_stands_for_its_text(frame: str, text: str | None) -> None:
    if text is None:
        with pytest.raises(BrokenFrame):
            read_text(frame)
    else:
        assert read_text(frame) == text


def test_lines_of_an_earlier_message_are_read_from_it() -> None:
    earlier = Earlier()
    earlier.add(3, "a\nb\nc\nd")

    assert read_text("x\n【1r3:2-3 b】\ny", earlier) == "x\nb\nc\ny"
    for broken in ("【1r3:2-3】", "【1r4:1-1】", "【1r3:3-2】", "【1r3:0-1】", "【1r3:1-9】", "【1rx】"):
        with pytest.raises(BrokenFrame):
            read_text(broken, None if broken == "【1r3:2-3】" else earlier)


@pytest.mark.parametrize(
    "text",
    ["【", "【2t\nx】", "【1x\n】", "【1t\nx", "【1t\n§「x】", "【1t\n」】", "【1jq\n{}】", "【1j[\n{}】", "【1l\n7】", "【1t\n§「 ●」\n^】", "【1t\n§「 ●※b」\nx】", "【1j\n" + "[" * 100 + "】", "【1l\n" + "[" * 100_000 + "】"],
)  # fmt: skip
def test_what_is_not_in_the_notation_is_refused(text: str) -> None:
    if text.startswith("【1j\n[[["):
        assert read_text(text) == "[" * 100
    else:
        with pytest.raises(BrokenFrame):
            read_text(text)


def test_a_frame_cannot_stand_for_more_than_a_bounded_multiple_of_itself() -> None:
    doubling = "".join(f"{name}「{before * 2}」" for before, name in zip("x" + NAMES, NAMES, strict=False))

    with pytest.raises(BrokenFrame):
        read_text(f"【1t\n{doubling}】")

    rows = "\n".join("y" * 8 for _ in range(10))
    wide = "§「 " + "●※a" * 3000 + "」\n"
    assert len(read_text(f"【1t\n{wide}{rows}】")) < MAX_GROWTH * len(wide)


@pytest.mark.parametrize(
    "text",
    [
        "【1t\n" + "§「" * 70 + "x" + "」" * 70 + "】",
        "【1ji9+999\n" + "[" * 5000 + "]" * 5000 + "】",
        "【1t\n§「 ★" + " " * 9000 + "1●」\n" + "\n" * 20_000 + "】",
        "【1t\n§「" + "x" * 30_000 + "」" + "§" * 30_000 + "】",
    ],
)
def test_short_texts_that_stand_for_very_long_ones_are_refused(text: str) -> None:
    with pytest.raises(BrokenFrame):
        read_text(text)


def test_references_cannot_stand_for_more_than_the_budget_either() -> None:
    earlier = Earlier()
    earlier.add(1, "x" * 1_000_000)

    with pytest.raises(BrokenFrame):
        read_text("【1r1:1-1 x】" * 100, earlier)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *SIGNS,
                "1",
                "t",
                "j",
                "l",
                "\n",
                "§",
                "×",
                "†a",
                " ",
                "a",
                "+1",
                "^",
                "[",
                "]",
                "{",
                "}",
                '"',
                ":",
                ",",
                "7",
                "12:00:00",
            ]
        ),
        max_size=60,
    ).map("".join)
)
def test_any_text_is_read_or_refused(text: str) -> None:
    frames = [f"【1{kind}{style}\n{text}】" for kind in "jl" for style in STYLES]
    for frame in (text, f"【1t\n{text}】", *frames):
        try:
            read_text(frame)
        except BrokenFrame:
            continue
