"""The local model: the published tokens, the published similarities, the stated bytes."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import synthlang_router_minilm as package

from synthlang_router.cache.minilm import MAX_TOKENS, MiniLM

# Ids of the reference implementation for this vocabulary (BERT's uncased WordPiece), without [CLS] and [SEP].
REFERENCE = [
    ("", []),
    ("   ", []),
    ("Hello, World!", [7592, 1010, 2088, 999]),
    ("ÅNGSTRÖM café naïve", [17076, 15687, 7668, 15743]),
    ("cafe\u0301", [7668]),
    ("straße İstanbul ſ", [2358, 27807, 9960, 100]),
    ("don't can't o'clock", [2123, 1005, 1056, 2064, 1005, 1056, 1051, 1005, 5119]),
    (
        "U.S.A. e.g. 3.14 1,000",
        [1057, 1012, 1055, 1012, 1037, 1012, 1041, 1012, 1043, 1012, 1017, 1012, 2403, 1015, 1010, 2199],
    ),
    ("$5 €7 £9 50% #tag @me", [1002, 1019, 1574, 2581, 1069, 2683, 2753, 1003, 1001, 6415, 1030, 2033]),
    ("foo_bar-baz/qux\\x", [29379, 1035, 3347, 1011, 8670, 2480, 1013, 24209, 2595, 1032, 1060]),
    ("東京タワー", [1879, 1755, 1709, 30262, 30265]),
    ("漢字かな交じり文", [1904, 100, 1651, 30193, 100, 1657, 30212, 1861]),
    (
        "한국어 텍스트",
        [
            1469,
            30006,
            30021,
            29991,
            30014,
            30020,
            29999,
            30008,
            1467,
            30009,
            30020,
            29997,
            30017,
            30003,
            30017,
        ],
    ),
    ("Привет, мир", [1194, 16856, 10325, 25529, 15290, 22919, 1010, 1191, 10325, 16856]),
    ("مرحبا بالعالم", [1295, 17149, 29820, 29816, 25573, 1271, 25573, 23673, 29830, 25573, 23673, 22192]),
    ("नमस्ते", [1327, 29867, 29874, 29859]),
    ("สวัสดี", [100]),
    ("a\u200bb", [11113]),
    ("a\u200db\ufeffc", [5925]),
    ("tab\tnew\nline\r\xa0nbsp\u2003em", [21628, 2047, 2240, 1050, 5910, 2361, 7861]),
    ("nul\x00bell\x07del\x7f\ufffd", [16371, 20850, 5349, 9247]),
    ("\U0001f469\u200d\U0001f4bb ok \U0001f600\u2764\ufe0f", [100, 7929, 100]),
    ("unaffable electroencephalography", [14477, 20961, 3468, 16175, 10127, 21890, 21197, 26228]),
    ("x" * 100, [22038] + [20348] * 49),
    ("x" * 101, [100]),
    ("Ⅷ ½ ① ﬁ", [100, 1092, 100, 1984]),
    ("“quoted” – dash…", [1523, 9339, 1524, 1516, 11454, 1529]),
    ("##ing [cls]", [1001, 1001, 13749, 1031, 18856, 2015, 1033]),
]


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM()


@pytest.mark.parametrize(("path", "digest"), [
    (package.MODEL_PATH, package.MODEL_SHA256),
    (package.VOCAB_PATH, package.VOCAB_SHA256),
])  # fmt: skip
def test_the_installed_files_have_the_stated_digests(path: Path, digest: str) -> None:
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest


def test_the_provenance_states_the_same_digests() -> None:
    provenance = package.MODEL_PATH.with_name("PROVENANCE.md").read_text(encoding="utf-8")

    assert package.MODEL_SHA256 in provenance
    assert package.VOCAB_SHA256 in provenance


@pytest.mark.parametrize(("text", "ids"), REFERENCE)
def test_tokens_are_those_of_the_reference(model: MiniLM, text: str, ids: list[int]) -> None:
    assert model.tokens(text) == [101, *ids, 102]


def test_control_tokens_spelt_out_in_a_text_are_text(model: MiniLM) -> None:
    assert not {100, 101, 102, 103} & set(model.tokens("[CLS] hi [SEP] [MASK] [UNK]")[1:-1])


@pytest.mark.parametrize(
    ("other", "published"),
    [
        ("That is a happy dog", 0.695),
        ("That is a very happy person", 0.943),
        ("Today is a sunny day", 0.257),
    ],
)
def test_similarities_are_the_published_ones(model: MiniLM, other: str, published: float) -> None:
    one, two = model.embed("That is a happy person"), model.embed(other)

    assert one is not None
    assert two is not None
    assert float(one @ two) == pytest.approx(published, abs=0.02)


@pytest.mark.parametrize("text", ["", "a", "word " * 200, "\x00", "漢" * 254])
def test_every_text_that_fits_has_a_read_only_vector_of_length_one(model: MiniLM, text: str) -> None:
    vector = model.embed(text)

    assert vector is not None
    assert vector.shape == (384,)
    assert vector.dtype == np.float32
    assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-5)
    assert not vector.flags.writeable


def test_the_same_text_gives_the_same_vector_to_the_bit(model: MiniLM) -> None:
    first, between, again = (model.embed(text) for text in ("one text", "another, longer text", "one text"))

    assert first is not None
    assert between is not None
    assert again is not None
    assert first.tobytes() == again.tobytes() != between.tobytes()


def test_a_text_of_more_tokens_than_the_model_was_trained_with_has_no_vector(model: MiniLM) -> None:
    assert model.embed("word " * (MAX_TOKENS - 2)) is not None
    assert model.embed("word " * (MAX_TOKENS - 1)) is None
