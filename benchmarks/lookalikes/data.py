"""JSON as interfaces answer with it, and lines of fields."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from lookalikes.words import CITIES, HOSTS, NOUNS, VERBS, ip, login, name, passage, prose, sha, stamp, uuid


def dumped(rng: random.Random, value: object) -> str:
    """In one of the three common styles."""
    style = rng.randrange(3)
    if style == 0:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return json.dumps(value, indent=None if style == 1 else 2)


def users(rng: random.Random) -> object:
    return [
        {
            "id": rng.randrange(10**6),
            "name": name(rng),
            "email": f"{login(rng)}@example.org",
            "city": rng.choice(CITIES),
            "role": rng.choice(("admin", "member", "guest")),
            "active": rng.random() < 0.8,
            "created_at": stamp(rng),
        }
        for _ in range(rng.randrange(12, 50))
    ]


def metrics(rng: random.Random) -> object:
    at = rng.randrange(10**9)
    return {
        "metric": "cpu",
        "points": [
            {"ts": at + 60 * n, "host": f"node-{n % 4}", "value": round(rng.random() * 100, 2), "unit": "%"}
            for n in range(rng.randrange(20, 80))
        ],
    }


def orders(rng: random.Random) -> object:
    return {
        "object": "list",
        "has_more": False,
        "data": [
            {
                "id": f"ord_{sha(rng, 12)}",
                "customer": {"id": f"cus_{sha(rng, 12)}", "name": name(rng)},
                "amount": rng.randrange(100, 90_000),
                "currency": rng.choice(("usd", "eur")),
                "status": rng.choice(("paid", "open", "void")),
                "items": [
                    {
                        "sku": f"SKU-{rng.randrange(999):03}",
                        "qty": rng.randrange(1, 5),
                        "price": rng.randrange(10_000),
                    }
                    for _ in range(rng.randrange(1, 4))
                ],
            }
            for _ in range(rng.randrange(8, 25))
        ],
    }


def pod(rng: random.Random, app: str) -> dict[str, Any]:
    pod_name = f"{app}-{sha(rng, 10)}-{sha(rng, 4)}"
    image = f"registry.{rng.choice(HOSTS)}/{app}:1.{rng.randrange(20)}.{rng.randrange(9)}"
    return {
        "metadata": {
            "name": pod_name,
            "namespace": rng.choice(("default", "prod", "staging")),
            "uid": uuid(rng),
            "labels": {"app": app, "pod-template-hash": sha(rng, 10)},
            "creationTimestamp": stamp(rng),
        },
        "spec": {
            "nodeName": f"node-{rng.randrange(6)}",
            "restartPolicy": "Always",
            "containers": [
                {
                    "name": app,
                    "image": image,
                    "resources": {"limits": {"cpu": "500m", "memory": "512Mi"}, "requests": {"cpu": "100m"}},
                    "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                }
            ],
        },
        "status": {
            "phase": rng.choice(("Running", "Running", "Pending")),
            "podIP": ip(rng),
            "startTime": stamp(rng),
            "conditions": [
                {"type": kind, "status": "True", "lastTransitionTime": stamp(rng), "lastProbeTime": None}
                for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
            ],
        },
    }


def pods(rng: random.Random) -> object:
    items = [pod(rng, rng.choice(("web", "worker", "cache"))) for _ in range(rng.randrange(4, 12))]
    return {"apiVersion": "v1", "kind": "PodList", "items": items, "metadata": {"resourceVersion": "12345"}}


def actor(rng: random.Random) -> dict[str, Any]:
    user = login(rng)
    base = f"https://api.example.org/users/{user}"
    return {
        "login": user,
        "id": rng.randrange(10**7),
        "node_id": sha(rng, 20),
        "avatar_url": f"https://avatars.example.com/u/{rng.randrange(10**7)}?v=4",
        "url": base,
        "html_url": f"https://git.example.net/{user}",
        "followers_url": f"{base}/followers",
        "following_url": f"{base}/following{{/other_user}}",
        "repos_url": f"{base}/repos",
        "events_url": f"{base}/events{{/privacy}}",
        "type": "User",
        "site_admin": False,
    }


def webhook(rng: random.Random) -> object:
    owner = actor(rng)
    full = f"{owner['login']}/{rng.choice(NOUNS)}-{rng.choice(NOUNS)}"
    base = f"https://api.example.org/repos/{full}"
    paths = "forks keys collaborators teams hooks issues events assignees branches tags blobs statuses languages".split()
    return {
        "action": rng.choice(("opened", "closed", "labeled")),
        "number": rng.randrange(900),
        "pull_request": {
            "url": f"{base}/pulls/{rng.randrange(900)}",
            "title": prose(rng, 1)[:70],
            "body": prose(rng, 2),
            "user": actor(rng),
            "head": {"ref": "fix", "sha": sha(rng), "user": owner, "repo": full},
            "base": {"ref": "main", "sha": sha(rng), "user": owner, "repo": full},
            "created_at": stamp(rng),
            "merged_at": None,
        },
        "repository": {
            "id": rng.randrange(10**8),
            "full_name": full,
            "owner": owner,
            "private": False,
            **{f"{path}_url": f"{base}/{path}{{/id}}" for path in paths},
        },
        "sender": actor(rng),
    }


def found(rng: random.Random) -> object:
    subject = rng.choice(NOUNS)
    return {
        "query": f"how is a {subject} {rng.choice(VERBS)}",
        "total": 5,
        "results": [
            {
                "rank": n,
                "title": f"{subject.title()} {rng.choice(NOUNS)}",
                "url": f"https://{rng.choice(HOSTS)}/{subject}/{rng.choice(NOUNS)}/{rng.randrange(9999)}",
                "score": round(0.99 - 0.07 * n - rng.random() / 20, 3),
                "published": stamp(rng)[:10],
                "snippet": passage(rng, 3)[:400],
            }
            for n in range(1, rng.randrange(5, 9))
        ],
    }


def fields(rng: random.Random) -> str:
    mark, count = rng.choice((",", "\t", "|")), rng.randrange(15, 60)
    rows = [["id", "date", "city", "customer", "status", "amount"]]
    rows += [
        [
            str(1000 + n),
            stamp(rng)[:10],
            rng.choice(CITIES),
            name(rng),
            rng.choice(("paid", "open")),
            f"{rng.random() * 900:.2f}",
        ]
        for n in range(count)
    ]
    if mark == "|":
        lines = ["| " + " | ".join(row) + " |" for row in rows]
        return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])
    return "\n".join(mark.join(row) for row in rows)


def frame(rng: random.Random) -> str:
    """As pandas prints one."""
    rows = [
        [str(n), rng.choice(CITIES), f"{rng.random() * 50:.2f}", str(rng.randrange(9))] for n in range(30)
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(4)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows
    )


def json_lines(rng: random.Random) -> str:
    level = ("debug", "info", "info", "warn", "error")
    return "\n".join(
        json.dumps(
            {
                "ts": stamp(rng),
                "level": rng.choice(level),
                "logger": f"app.{rng.choice(NOUNS)}",
                "msg": f"{rng.choice(NOUNS)} {rng.choice(VERBS)}",
                "request_id": uuid(rng),
                "ms": rng.randrange(900),
            }
        )
        for _ in range(rng.randrange(15, 50))
    )


def json_of(*makers: Callable[[random.Random], object]) -> Callable[[random.Random], str]:
    return lambda rng: dumped(rng, rng.choice(makers)(rng))
