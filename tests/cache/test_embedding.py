"""The extra `semantic` is found without being loaded."""

import subprocess
import sys

from synthlang_router.cache.embedding import refused
from synthlang_router.errors import RouterError
from synthlang_router.telemetry import counters


def test_the_extra_is_found_without_importing_any_of_it() -> None:
    script = (
        "import sys; from synthlang_router.cache.embedding import available;"
        "assert available('local') and available('provider');"
        "heavy = {'numpy', 'onnxruntime', 'splintr', 'synthlang_router_minilm'} & set(sys.modules);"
        "assert not heavy, heavy"
    )

    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_local_embedder_is_not_available_without_its_model() -> None:
    hidden = (
        "import sys; sys.modules['synthlang_router_minilm'] = None;"
        "from synthlang_router.cache import embedding;"
    )
    script = f"{hidden} assert not embedding.available('local') and embedding.available('provider')"

    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_refusal_is_one_of_our_errors_and_counted_by_its_reason() -> None:
    before = counters["embedding_refused", "too_long"]

    refusal = refused("too_long")

    assert isinstance(refusal, RouterError)
    assert refusal.reason == "too_long"
    assert counters["embedding_refused", "too_long"] == before + 1
