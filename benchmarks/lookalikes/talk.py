"""What people and agents say: transcripts, passages, examples, tool observations, sessions, and prose to be left alone."""

from __future__ import annotations

import json
import random
from typing import Any

from lookalikes.words import FIRST, HOSTS, NOUNS, VERBS, passage, prose, sentences, sha


def meeting(rng: random.Random) -> str:
    people = rng.sample(FIRST, 4)
    fillers = (
        "I think",
        "you know",
        "so basically",
        "and then",
        "the thing is",
        "what we need to do is",
        "we should talk about",
    )
    topic = [f"the {rng.choice(NOUNS)} {rng.choice(NOUNS)}" for _ in range(5)]
    said = [
        f"{rng.choice(people)}: {rng.choice(fillers).capitalize()} {rng.choice(topic)}, {rng.choice(fillers)} "
        f"{rng.choice(sentences()).lower()} {rng.choice(('{disfmarker}', '{vocalsound}', '', 'Yeah.'))}"
        for _ in range(rng.randrange(30, 60))
    ]
    return "\n".join(said)


def code(rng: random.Random, lines: int) -> list[str]:
    out = [f"from app.{rng.choice(NOUNS)} import {rng.choice(NOUNS).title()}", ""]
    while len(out) < lines:
        noun, verb = rng.choice(NOUNS), rng.choice(VERBS)
        out += [
            f"def {noun}_{verb}(self, {noun}, limit={rng.randrange(99)}):",
            f'    """{rng.choice(sentences())[:70]}"""',
            f"    if {noun} is None or limit < {rng.randrange(9)}:",
            f'        raise ValueError("{noun} was not {verb}")',
            f"    for {noun}_id in self.{noun}s[:limit]:",
            f"        self.{verb}.append({noun}_id)",
            f"    return self.{verb}",
            "",
        ]
    return out[:lines]


def view(path: str, lines: list[str], first: int) -> str:
    shown = "\n".join(f"{number}:{line}" for number, line in enumerate(lines[first : first + 40], first + 1))
    return f"[File: {path} ({len(lines)} lines total)]\n({first} more lines above)\n{shown}\n({max(0, len(lines) - first - 40)} more lines below)"


def steps(rng: random.Random, count: int) -> list[tuple[str, str]]:
    """What an agent does, and what it sees."""
    path = f"/repo/src/{rng.choice(NOUNS)}/{rng.choice(NOUNS)}.py"
    file = code(rng, 90)
    out: list[tuple[str, str]] = []
    first = 0
    for _ in range(count):
        kind = rng.randrange(6)
        if kind == 0:
            first = rng.randrange(40)
            out.append((f"open {path} {first}", view(path, file, first)))
        elif kind == 1:
            file.insert(first + 10, f"    self.{rng.choice(NOUNS)} = {rng.randrange(99)}")
            out.append(
                (
                    "edit",
                    f"{view(path, file, first)}\nFile updated. Please review the changes and make sure they are correct.",
                )
            )
        elif kind == 2:
            hits = "\n".join(f"{path}:{n + 1}:{line}" for n, line in enumerate(file) if "self" in line)
            out.append(("grep -n self", f"Found matches in {path}:\n{hits[:1800]}\nEnd of matches"))
        elif kind == 3:
            rows = [
                f"-rw-r--r-- 1 root root {rng.randrange(9000):5} Jan {rng.randrange(1, 28):2} 10:{rng.randrange(60):02} {rng.choice(NOUNS)}_{n}.py"
                for n in range(14)
            ]
            out.append(("ls -la", "total 96\n" + "\n".join(rows)))
        elif kind == 4:
            tests = [
                f"tests/test_{rng.choice(NOUNS)}.py::test_{rng.choice(NOUNS)}_{rng.choice(VERBS)} {rng.choice(('PASSED', 'PASSED', 'FAILED'))}"
                for _ in range(18)
            ]
            out.append(("pytest -v", "\n".join(tests)))
        else:
            trace = "".join(
                f'  File "{path}", line {rng.randrange(90)}, in {rng.choice(VERBS)}\n    self.{rng.choice(NOUNS)}()\n'
                for _ in range(4)
            )
            out.append(
                (
                    "python reproduce.py",
                    f"Traceback (most recent call last):\n{trace}ValueError: {rng.choice(NOUNS)} was not {rng.choice(VERBS)}",
                )
            )
    return out


def observations(rng: random.Random) -> str:
    return "\n\n\n".join(
        f"Observation {n}:\n{seen}" for n, (_, seen) in enumerate(steps(rng, rng.randrange(8, 16)))
    )


def session(rng: random.Random) -> list[dict[str, Any]]:
    """A conversation with tools."""
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "You are a careful engineer. " + prose(rng, 4)},
        {
            "role": "user",
            "content": f"Please find out why the {rng.choice(NOUNS)} is not {rng.choice(VERBS)}.",
        },
    ]
    for number, (command, seen) in enumerate(steps(rng, rng.randrange(8, 20))):
        call = {
            "id": f"call_{number}",
            "type": "function",
            "function": {"name": "bash", "arguments": json.dumps({"command": command})},
        }
        messages.append({"role": "assistant", "content": rng.choice(sentences()), "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": f"call_{number}", "content": seen})
    return messages


def fewshot(rng: random.Random) -> str:
    task = f"Decide whether the {rng.choice(NOUNS)} was {rng.choice(VERBS)}, and say why. {rng.choice(sentences())}"
    kinds = rng.sample(NOUNS, 4)
    out = []
    for _ in range(rng.randrange(4, 9)):
        noun, verb, other = rng.choice(kinds), rng.choice(VERBS), rng.choice(kinds)
        out.append(
            f"Q: The {noun} with the number {rng.randrange(999)} was {verb} after the {other}. Was the {noun} {verb}?\n"
            "Options:\n- Yes\n- No\n"
            f"A: Let's think step by step.\nThe {noun} comes after the {other}. We know that the {other} was {verb} first, "
            f"so the {noun} must have been {verb} as well. So the answer is {rng.choice(('Yes', 'No'))}."
        )
    return "\n\n".join([task, *out, f"Q: The {rng.choice(kinds)} was not {rng.choice(VERBS)}. Was it?"])


def rag(rng: random.Random, *, overlap: bool) -> dict[str, Any]:
    """Passages and a question; the answer is a figure that one of them holds."""
    answer = f"{rng.randrange(10**4, 10**5)} {rng.choice(NOUNS)}s"
    wanted = f"{rng.choice(FIRST)} {rng.choice(VERBS)}"
    start, step = rng.randrange(len(sentences()) - 60), 3 if overlap else 6
    bodies = [" ".join(sentences()[start + step * n : start + step * n + 6]) for n in range(6)]
    place = rng.randrange(6)
    bodies[place] += f" In that year {wanted} {answer}."
    label = rng.choice(("[{}] ", "Document {}: ", "<doc id={}>\n"))
    shown = "\n\n".join(label.format(n) + body for n, body in enumerate(bodies, 1))
    text = f"Answer from the passages only.\n\n{shown}\n\nQuestion: how many has {wanted}?"
    return {"text": text, "answers": [answer], "overlapping_chunks": overlap}


def system(rng: random.Random) -> str:
    rules = "\n".join(f"- {rng.choice(sentences())}" for _ in range(8))
    return f"# Identity\n{prose(rng, 2)}\n\n# Steps\n{rules}\n\n# Output\nUse `{rng.choice(NOUNS)}` and {{{{input}}}}; see https://{rng.choice(HOSTS)}/{rng.choice(NOUNS)}. Never write {sha(rng, 6)}."


def instruction(rng: random.Random) -> str:
    return f"Rewrite this in simpler words and keep every number: {passage(rng, 3)}"


def chat(rng: random.Random) -> str:
    return f"{prose(rng, 2)} Can you help me with {rng.choice(NOUNS)} {rng.randrange(99)}?"


def program(rng: random.Random) -> str:
    return "What does this do?\n\n```python\n" + "\n".join(code(rng, 60)) + "\n```"
