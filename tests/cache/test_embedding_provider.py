"""`ProviderEmbedder`: what a provider answers becomes a vector of length one, or a refusal."""

from collections.abc import Sequence

import numpy as np
import pytest

from synthlang_router.cache.embedding import Embedder, EmbeddingRefused
from synthlang_router.cache.embedding_provider import MAX_CHARACTERS, ProviderEmbedder
from synthlang_router.errors import ProviderUnavailable


class Endpoint:
    """Answers the given vector, or raises when there is none."""

    def __init__(self, answer: Sequence[float] | None) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def __call__(self, text: str) -> Sequence[float]:
        self.asked.append(text)
        if self.answer is None:
            raise ProviderUnavailable("down")
        return self.answer


async def test_an_answer_becomes_a_read_only_vector_of_length_one() -> None:
    endpoint = Endpoint([3.0, 0.0, 4.0])
    embedder: Embedder = ProviderEmbedder(endpoint, "text-embedding-ada-002", dimensions=3)

    vector = await embedder.embed("as written")

    assert vector.tolist() == pytest.approx([0.6, 0.0, 0.8])
    assert vector.dtype == np.float32
    assert not vector.flags.writeable
    assert endpoint.asked == ["as written"]


def test_the_name_tells_models_and_sizes_apart() -> None:
    endpoint = Endpoint([])
    names = {ProviderEmbedder(endpoint, model, dimensions=size).name for model in "ab" for size in (2, 3)}

    assert len(names) == 4


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        [1.0, 2.0],
        [0.0, 0.0, 0.0],
        [float("nan"), 1.0, 1.0],
        [float("inf"), 1.0, 1.0],
        [1e308, 1e308, 1e308],
    ],
    ids=["down", "empty", "short", "zero", "nan", "infinite", "overflowing"],
)
async def test_what_is_no_direction_of_the_right_size_is_refused(answer: Sequence[float] | None) -> None:
    with pytest.raises(EmbeddingRefused) as caught:
        await ProviderEmbedder(Endpoint(answer), "model", dimensions=3).embed("text")

    assert caught.value.reason == "failed"


async def test_an_overlong_text_is_not_sent() -> None:
    endpoint = Endpoint([1.0])

    with pytest.raises(EmbeddingRefused) as caught:
        await ProviderEmbedder(endpoint, "model", dimensions=1).embed("x" * (MAX_CHARACTERS + 1))

    assert caught.value.reason == "too_long"
    assert endpoint.asked == []
