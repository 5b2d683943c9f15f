"""`LocalEmbedder`: the model behind the port, with every failure turned into a refusal."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator

import numpy as np
import pytest
from numpy.typing import NDArray

from synthlang_router.cache.embedding import Embedder, EmbeddingRefused
from synthlang_router.cache.embedding_local import MAX_CHARACTERS, LocalEmbedder
from synthlang_router.cache.worker import Worker


class ScriptedModel:
    """Answers one vector, refuses texts of more than ten characters, breaks on "break"."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def embed(self, text: str) -> NDArray[np.float32] | None:
        self.begun.set()
        assert self.go_on.wait(10)
        self.asked.append(text)
        if text == "break":
            raise RuntimeError("the runtime's own words")
        return None if len(text) > 10 else np.ones(1, np.float32)


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    worker = Worker("embedding", max_pending=1)
    yield worker
    await worker.close()


async def refusal(embedder: Embedder, text: str) -> str:
    with pytest.raises(EmbeddingRefused) as caught:
        await embedder.embed(text)
    return caught.value.reason


async def test_a_text_is_embedded_by_the_real_model_under_its_name(worker: Worker) -> None:
    embedder: Embedder = LocalEmbedder(worker)

    one, two, other = [await embedder.embed(text) for text in ("How are you?", "how are you?", "Buy milk.")]

    assert one.shape == (embedder.dimensions,)
    assert np.array_equal(one, two)
    assert float(one @ other) < 0.5
    assert embedder.name.startswith("all-minilm-l6-v2-int8:")


async def test_the_model_is_loaded_once_by_the_first_text(worker: Worker) -> None:
    loads: list[str] = []

    def load() -> ScriptedModel:
        loads.append(threading.current_thread().name)
        return ScriptedModel()

    embedder = LocalEmbedder(worker, load=load)
    assert loads == []

    await embedder.embed("one")
    await embedder.embed("two")

    assert loads == ["embedding"]


def test_the_runtime_is_not_imported_before_the_first_text() -> None:
    script = (
        "import sys; from synthlang_router.cache.embedding_local import LocalEmbedder;"
        "from synthlang_router.cache.worker import Worker; LocalEmbedder(Worker('test'));"
        "assert 'onnxruntime' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", script], check=True)


async def test_a_model_that_cannot_be_loaded_refuses_and_is_not_tried_again(worker: Worker) -> None:
    loads: list[int] = []

    def load() -> ScriptedModel:
        loads.append(1)
        raise OSError("no such file")

    embedder = LocalEmbedder(worker, load=load)

    assert [await refusal(embedder, "one"), await refusal(embedder, "two")] == ["failed", "failed"]
    assert len(loads) == 1


async def test_an_overlong_text_never_reaches_the_worker(worker: Worker) -> None:
    model = ScriptedModel()

    assert await refusal(LocalEmbedder(worker, load=lambda: model), "x" * (MAX_CHARACTERS + 1)) == "too_long"
    assert model.asked == []


async def test_a_text_of_too_many_tokens_is_refused_as_too_long(worker: Worker) -> None:
    assert await refusal(LocalEmbedder(worker, load=ScriptedModel), "eleven char") == "too_long"


async def test_a_failure_of_the_runtime_is_a_refusal_and_the_next_text_is_embedded(worker: Worker) -> None:
    embedder = LocalEmbedder(worker, load=ScriptedModel)

    assert await refusal(embedder, "break") == "failed"
    assert (await embedder.embed("fine")).shape == (1,)


async def test_a_text_that_is_no_unicode_is_a_refusal(worker: Worker) -> None:
    assert await refusal(LocalEmbedder(worker), "half a pair: \ud83d") == "failed"


async def test_a_full_worker_refuses_and_a_caller_that_left_is_not_embedded(worker: Worker) -> None:
    model = ScriptedModel()
    embedder = LocalEmbedder(worker, load=lambda: model)
    model.go_on.clear()
    running = asyncio.create_task(embedder.embed("running"))
    assert await asyncio.to_thread(model.begun.wait, 10)
    leaver = asyncio.create_task(embedder.embed("leaver"))
    await asyncio.sleep(0)

    assert await refusal(embedder, "third") == "busy"
    leaver.cancel()
    model.go_on.set()
    await running
    await asyncio.gather(leaver, return_exceptions=True)
    await embedder.embed("last")

    assert model.asked == ["running", "last"]


async def test_a_closed_worker_is_a_refusal(worker: Worker) -> None:
    embedder = LocalEmbedder(worker, load=ScriptedModel)

    await worker.close()

    assert await refusal(embedder, "late") == "busy"
