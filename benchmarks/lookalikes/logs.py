"""Log lines as servers write them, stack traces included."""

from __future__ import annotations

import random

from lookalikes.words import NOUNS, VERBS, ip, login, moment, sha, uuid

LEVELS = ("INFO", "INFO", "INFO", "DEBUG", "WARN", "ERROR")


def times(rng: random.Random, count: int) -> list[tuple[str, str]]:
    at = rng.randrange(200 * 86_400)
    out = []
    for _ in range(count):
        at += rng.choice((0, 0, 1, 2, 7))
        out.append(moment(at))
    return out


def nginx(rng: random.Random) -> str:
    paths = [f"/api/v1/{rng.choice(NOUNS)}/{rng.randrange(99)}" for _ in range(9)]
    agent = (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36"
    )
    return "\n".join(
        f"{ip(rng)} - - [{day[8:]}/Jan/2031:{time} +0000] "
        f'"{rng.choice(("GET", "GET", "POST"))} {rng.choice(paths)} HTTP/1.1" {rng.choice((200, 200, 304, 404, 500))} '
        f'{rng.randrange(9000)} "-" "{rng.choice((agent, "curl/8.1.2", "kube-probe/1.27"))}"'
        for day, time in times(rng, 60)
    )


def syslog(rng: random.Random) -> str:
    kinds = (
        lambda: (
            f"sshd[{rng.randrange(999, 30_000)}]: Failed password for invalid user {login(rng)} from {ip(rng)} port {rng.randrange(1024, 65_000)} ssh2"
        ),
        lambda: (
            f"sshd[{rng.randrange(999, 30_000)}]: Accepted publickey for {login(rng)} from {ip(rng)} port {rng.randrange(1024, 65_000)} ssh2"
        ),
        lambda: (
            f"CRON[{rng.randrange(999, 30_000)}]: (root) CMD (cd / && run-parts --report /etc/cron.hourly)"
        ),
        lambda: f"systemd[1]: Started Session {rng.randrange(900)} of user {login(rng)}.",
        lambda: f"kernel: [{rng.random() * 99_999:.6f}] eth0: link up, 1000Mbps, full-duplex",
    )
    return "\n".join(
        f"Jan {int(day[8:]):2} {time} web-1 {rng.choice(kinds)()}" for day, time in times(rng, 70)
    )


def java(rng: random.Random) -> str:
    lines: list[str] = []
    classes = [f"com.example.{rng.choice(NOUNS)}.{rng.choice(NOUNS).title()}Service" for _ in range(5)]
    for day, time in times(rng, 45):
        level, cls = rng.choice(LEVELS), rng.choice(classes)
        lines.append(
            f"{day} {time},{rng.randrange(1000):03} {level:5} [http-nio-8080-exec-{rng.randrange(12)}] {cls} - "
            f"{rng.choice(NOUNS).title()} {rng.randrange(10**6)} {rng.choice(VERBS)} in {rng.randrange(900)} ms"
        )
        if level == "ERROR":
            lines.append(f"java.lang.IllegalStateException: {rng.choice(NOUNS)} {sha(rng, 8)} is closed")
            lines += [
                f"\tat {rng.choice(classes)}.{rng.choice(VERBS)}({rng.choice(classes).rsplit('.', 1)[1]}.java:{rng.randrange(400)})"
                for _ in range(rng.randrange(4, 9))
            ]
            lines.append(f"\t... {rng.randrange(9, 60)} more")
    return "\n".join(lines)


def python(rng: random.Random) -> str:
    lines: list[str] = []
    for day, time in times(rng, 40):
        level = rng.choice(LEVELS)
        lines.append(
            f"{day} {time},{rng.randrange(1000):03} - app.{rng.choice(NOUNS)} - {level} - "
            f"{rng.choice(NOUNS)} {uuid(rng)} {rng.choice(VERBS)} by {login(rng)}"
        )
        if level == "ERROR":
            lines.append("Traceback (most recent call last):")
            for _ in range(3):
                file = rng.choice(NOUNS)
                lines.append(
                    f'  File "/srv/app/{file}.py", line {rng.randrange(300)}, in {rng.choice(VERBS)}'
                )
                lines.append(f"    return self.{rng.choice(NOUNS)}.{rng.choice(VERBS)}({rng.choice(NOUNS)})")
            lines.append(f"ValueError: {rng.choice(NOUNS)} must not be empty")
    return "\n".join(lines)


def klog(rng: random.Random) -> str:
    return "\n".join(
        f"{rng.choice('IIIWE')}{day[5:7]}{day[8:]} {time}.{rng.randrange(10**6):06}       1 controller.go:{rng.randrange(400)}] "
        f'"{rng.choice(VERBS).title()} {rng.choice(NOUNS)}" pod="prod/{rng.choice(NOUNS)}-{sha(rng, 8)}" node="node-{rng.randrange(5)}"'
        for day, time in times(rng, 50)
    )


def build(rng: random.Random) -> str:
    steps = [
        f"#{n} [{n}/9] RUN pip install {rng.choice(NOUNS)}=={rng.randrange(9)}.{rng.randrange(20)}"
        for n in range(1, 9)
    ]
    lines = []
    for day, time in times(rng, 50):
        lines.append(
            f"{day}T{time}.{rng.randrange(10**7):07}Z {rng.choice(steps)} {rng.random() * 9:.1f}s done"
        )
    return "\n".join(lines)


ALL = (nginx, syslog, java, python, klog, build)
