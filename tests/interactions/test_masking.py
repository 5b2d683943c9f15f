"""Personal data and secrets are found by their own rules, masked consistently, and in linear time."""

from __future__ import annotations

import base64
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthlang_router.interactions.checksums import luhn, mod_97
from synthlang_router.interactions.detectors import DETECTORS, Kind
from synthlang_router.interactions.masking import (
    ALWAYS,
    EVERYTHING,
    Placeholders,
    find,
    mask_fragment,
    mask_json,
    mask_text,
)

JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=")
    for part in (b'{"alg":"HS256"}', b'{"sub":"1234567890"}', b"x" * 32)
)
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\nq2w==\n-----END RSA PRIVATE KEY-----"


def masked(text: str) -> str:
    return mask_text(text, Placeholders())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to jane.doe+x@mail.example.co.uk!", "write to [EMAIL_1]!"),
        ("<a@b.de>, a@b.de and c@d.io", "<[EMAIL_1]>, [EMAIL_1] and [EMAIL_2]"),
        ("card 4111 1111 1111 1111 ok", "card [CARD_1] ok"),
        ("card 4111-1111-1111-1111, 378282246310005", "card [CARD_1], [CARD_2]"),
        ("order 2041 5555 5555 5555 4444", "order 2041 [CARD_1]"),
        ("amex 3782 822463 10005.", "amex [CARD_1]."),
        ("IBAN DE89 3704 0044 0532 0130 00 bitte", "IBAN [IBAN_1] bitte"),
        ("GB82WEST12345698765432", "[IBAN_1]"),
        ("ref AB12 DE89370400440532013000", "ref AB12 [IBAN_1]"),
        ("call +49 (0)30 901820 or +1-212-555-0123", "call [PHONE_1] or [PHONE_2]"),
        ("call (212) 555-0123 or 212-555-0124", "call [PHONE_1] or [PHONE_2]"),
        ("host 192.168.13.7:8080 and 2001:db8::8a2e:370:7334.", "host [IP_1]:8080 and [IP_2]."),
        ("key sk-proj-abcDEF0123456789xyzXYZ_-98", "key [SECRET_1]"),
        ("AKIAIOSFODNN7EXAMPLE", "[SECRET_1]"),
        ("ghp_" + "aB3" * 12, "[SECRET_1]"),
        (f"Bearer {JWT}.", "Bearer [SECRET_1]."),
        (f"my key:\n{PEM}\nbye", "my key:\n[SECRET_1]\nbye"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE", "[SECRET_1]"),
        ("token=Zx8Qw2Lk9Vb3Nm7Rt5Yp1Gh6Jd4Fs0AcE", "token=[TOKEN_1]"),
    ],
)
def test_what_is_personal_or_secret_is_masked(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "@decorator and user@localhost, a @ b",
        "4111 1111 1111 1112",  # fails Luhn
        "0000000000000000 1111111111111111 12345678901234",
        "DE89 3704 0044 0532 0130 01",  # fails mod 97
        "version 1.2.3.4.5, 300.1.2.3, 127.0.0.1, 0.0.0.0, ::1",
        "12:34:56 std::vector<int> a::b 2024-05-06T12:34:56Z",
        "commit 3f786850e387550fdab836ed7e6dc881de23001b",
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "550e8400-e29b-41d4-a716-446655440000",
        "getUserByIdAndOrganizationVersion2HandlerImplementation",
        "/usr/lib/python3.11/site-packages/SomePackage2024/VeryLongModuleName",
        "sk-short, hf_short, AKIA123, eyJ.eyJ",
        "2024-05-06 2023-11-14 1,234,567.89 +1 +12 (x) 100-200-300",
        "A_VERY_LONG_CONSTANT_NAME_WITH_1234567890_IN_IT",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert masked(text) == text


def test_a_value_has_one_name_in_the_prompt_and_in_the_answer() -> None:
    names = Placeholders()

    prompt = mask_text("a@b.de wrote to c@d.de", names)
    answer = mask_text("c@d.de answered", names)

    assert (prompt, answer) == ("[EMAIL_1] wrote to [EMAIL_2]", "[EMAIL_2] answered")


def test_only_secrets_are_masked_where_nothing_else_is_asked() -> None:
    assert mask_text("a@b.de sk-abcdefghijklmnop1234", Placeholders(), ALWAYS) == "a@b.de [SECRET_1]"


@pytest.mark.parametrize(
    "content",
    [
        "mail\njohn@doe.example\n",
        'a "john@doe.example" b',
        "é john@doe.example \u2028",
        "tab\tjohn@doe.example\\",
        PEM,
    ],
)
def test_masked_json_is_json_and_has_no_trace_of_the_value(content: str) -> None:
    for ascii_only in (True, False):
        nested = json.dumps({"arguments": json.dumps({"q": content}), "n": 1.50}, ensure_ascii=ascii_only)
        body = json.dumps(
            {"messages": [{"role": "user", "content": content}, nested]}, ensure_ascii=ascii_only
        ).encode()

        found = mask_json(body, Placeholders())

        assert b"john" not in found
        assert b"MIIE" not in found
        decoded = json.loads(found)
        assert decoded["messages"][0]["content"] == masked(content)
        inner = json.loads(decoded["messages"][1])
        assert json.loads(inner["arguments"])["q"].replace("SECRET", "") != content
        assert inner["n"] == 1.50


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_json_without_anything_to_mask_keeps_its_bytes(value: object) -> None:
    body = json.dumps(value).encode()
    if any(find(text, EVERYTHING) for text in _texts(value)):
        return

    assert mask_json(body, Placeholders()) == body


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    if isinstance(value, dict):
        return [text for pair in value.items() for one in pair for text in _texts(one)]
    return []


@given(st.binary(max_size=200), st.integers(0, 200))
def test_cut_and_broken_bytes_are_masked_without_complaint(body: bytes, cut: int) -> None:
    whole = b'{"content": "' + body + b' john@doe.example \xe2\x82"'

    for found in (mask_json(whole[:cut], Placeholders()), mask_fragment(whole[cut:], Placeholders())):
        assert b"john@doe.example" not in found


def test_a_body_that_was_cut_within_a_string_is_masked_up_to_the_cut() -> None:
    body = b'{"a": "x\\n john@doe.example and \\u00'

    assert mask_json(body, Placeholders()) == b'{"a": "x\\n [EMAIL_1] and \\u00'


@pytest.mark.parametrize("kind", list(DETECTORS))
@pytest.mark.parametrize(
    "piece",
    [
        *("a", "1", "@", "A", "-", ".", ":", "+", "=", "\\", '"', " ", "é"),
        *(
            "1 ",
            "1-",
            "a@",
            "a.",
            "@a.",
            "a@a.a.",
            "1111 ",
            "4111 1111 1111 1111 ",
            "4111-",
            "AA11 ",
            "AA11",
            "DE89 3704 ",
        ),
        *(
            "sk-",
            "sk-a ",
            "eyJ",
            "eyJ-",
            "eyJ.",
            "eyJa.eyJ",
            "hf_",
            "-----BEGIN ",
            "-----BEGIN PRIVATE KEY-----",
        ),
        *(
            "+1",
            "+1 ",
            "(111) ",
            "111-111-",
            "1.1.1.",
            "1:",
            "a:a:",
            "::",
            "aB1",
            "a" * 64 + "@",
            "@" + "a" * 63 + ".",
        ),
    ],
)
@pytest.mark.timeout(20)
def test_hostile_text_takes_linear_time(kind: Kind, piece: str) -> None:
    """A quarter of a megabyte takes a tenth of a second; a detector that is quadratic would run into the time limit."""
    text = piece * (250_000 // len(piece))

    spans = list(DETECTORS[kind](text))

    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert spans == sorted(spans)


def test_random_keys_are_found_and_words_are_not() -> None:
    chosen = random.Random(3)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    keys = ["".join(chosen.choices(letters, k=40)) for _ in range(300)]

    assert sum(masked(f"key: {key}.") == "key: [TOKEN_1]." for key in keys) > 290


def test_check_digits_are_those_of_their_standards() -> None:
    assert luhn("79927398713")
    assert not luhn("79927398710")
    assert mod_97("GB82WEST12345698765432")
    assert not mod_97("GB82WEST12345698765431")
