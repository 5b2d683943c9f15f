"""What answers the question is kept, with all that the question names; else nothing is left out."""

from __future__ import annotations

from synthlang_router.synthlang.selection import LEFT_OUT, select

SUBJECTS = [
    "volcanoes of Iceland",
    "the history of tea",
    "steam engines",
    "coral reefs",
    "paper making",
    "bridges in Porto",
]


def prompt(question: str, *, label: str = "[{}] ") -> str:
    passages = [
        label.format(n) + f"This passage is about {subject}, and not about anything else. " * 5
        for n, subject in enumerate(SUBJECTS, 1)
    ]
    return "Answer from the context.\n\n" + "\n\n".join(passages) + f"\n\nQuestion: {question}\nAnswer:"


def test_the_passage_that_answers_is_kept_whole() -> None:
    text = prompt("Which engines ran on steam?")

    left = select(text, text)

    assert left is not None
    assert "This passage is about steam engines, and not about anything else. " * 5 in left
    assert left.endswith("Question: Which engines ran on steam?\nAnswer:")
    assert left.count(LEFT_OUT) == 3 and len(left) < 0.6 * len(text)


def test_labels_of_other_forms_are_known() -> None:
    for label in ("Document {}:\n", "<doc id={}>\n", "### Source {}\n"):
        text = prompt("Where are coral reefs?", label=label)

        left = select(text, text)

        assert left is not None and "about coral reefs" in left


def test_the_question_may_be_another_message() -> None:
    left = select(prompt("?"), "Tell me about paper making.")

    assert left is not None and "about paper making" in left


def test_a_question_without_spaces_finds_its_passage() -> None:
    subjects = ["茶的历史", "冰岛的火山", "蒸汽机的发明", "珊瑚礁的生态", "造纸的方法", "波尔图的桥"]
    passages = "\n\n".join(
        f"[{n}] " + f"这段文字讲的是{subject}，内容很长也很详细。" * 8
        for n, subject in enumerate(subjects, 1)
    )
    text = f"{passages}\n\n谁完成了蒸汽机的发明？"

    left = select(text, text)

    assert left is not None and "蒸汽机的发明，内容" in left and LEFT_OUT in left


def test_what_the_question_names_must_be_kept() -> None:
    question = "Compare Iceland with Porto on tea and steam and coral and paper"
    everywhere = prompt(question)

    left = select(everywhere, everywhere)

    assert left is None or ("Iceland" in left and "Porto" in left)


def test_a_negation_of_the_question_must_be_kept() -> None:
    bodies = ["Tea is grown in Assam. " * 12] * 3 + ["Rice is not grown there, note that. " * 9] * 3
    passages = "\n\n".join(f"[{n}] {body}" for n, body in enumerate(bodies, 1))

    without, with_it = (f"{passages}\n\nWhat{word} is tea of Assam?" for word in ("", " not"))

    left = select(without, without)
    assert left is not None and "not grown" not in left
    assert select(with_it, with_it) is None


def test_text_without_passages_and_few_passages_are_left_alone() -> None:
    assert select("What is the capital of France?", "What is the capital of France?") is None
    assert select("[1] One passage. " * 20 + "\n\n[2] Two. " * 20, "passage") is None
    assert select("", "") is None
