"""The verifier serves surface variants, and nothing that could mean something else."""

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthlang_router.cache.verifier import LONGEST_TEXT, Verdict, verify

SAME = [
    ("What is the capital of Peru?", "what's the capital of peru"),
    ("How do I boil an egg?", "how do i boil an egg??"),
    ("Could you please tell me how to fold a fitted sheet?", "How do I fold a fitted sheet?"),
    ("Write a short poem about the sea.", "Hi! Write a short poem about the sea, please. Thanks!"),
    ("I can't log in to my account.", "I cannot log in to my account"),
    ("List three side effects of aspirin.", "List 3 side effects of aspirin"),
    ("Is it 25% of 360?", "Is it twenty-five percent of 360?"),
    ("What colour is it?", "What color is it?"),
    ("How do I organise a fire drill?", "how do I organize a fire drill"),
    ("What is photosynthesis used for?", "What is photosythesis used for?"),
    ("How do I set up a back-up?", "How do I setup a backup?"),
    ("Send an e-mail on 1 July", "Send an email on July 1st"),
    ("Move it to 3 p.m.", "Move it to 15:00"),
    ("It costs $1,200 to fix", "It costs 1200 dollars to fix"),
    ("What does G.D.P. stand for?", "what does GDP stand for"),
    ("What time does the New York Stock Exchange open?", "What time does the NYSE open?"),
    ("What is a key performance indicator (KPI)?", "What is a KPI?"),
    ("What is the difference between ale and lager?", "difference between lager and ale?"),
    ("In Bash, how do I read a file?", "How do I read a file in Bash?"),
    ("¿Por qué se celebra el Día de Muertos?", "por que se celebra el dia de muertos"),
    ("三斤等于多少克?", "3斤等于多少克"),
    ("Where is my order?", "Could you tell me where my order is?"),
    ("He said “go”", 'He said "go"'),
    ("WHERE IS MY ORDER NOW", "where is my order, now?"),
    ("What does `ls -la` show?", "What does ls -la show?"),
    ("Does it take 5 kilograms of rice?", "Does it take 5kg of rice?"),
    ("Fix it:\ndef f(a,b):\n  return a+b", "fix it:\n\ndef f(a, b):\n    return a + b"),
    ("What is the population of India?", "What is India's population?"),
    ("Where is the school's front gate?", "Where is the front gate of the school?"),
    ("Flask: how do I read a JSON body?", "In Flask, how do I read a JSON body?"),
    ("What is the plural of 'cactus'?", "what's the plural of cactus"),
    ("Kannst du mir bitte sagen, wie spät es ist?", "Wie spät es ist?"),
    ("Est-ce que le musée ferme à midi ? Merci beaucoup d'avance", "Est-ce que le musée ferme à midi ?"),
    ("How would one fold a map?", "How do I fold a map?"),
    ("Please check if the shop is open.", "please check whether the shop is open"),
    ("Are you sure that the shop is open?", "Are you sure the shop is open?"),
    ("What size of shoe do I need?", "Which size of shoe do I need?"),
    ("Can a dog see when it's dark?", "can a dog see when its dark"),
    ("着物の着方を教えていただけますか?", "着物の着方を教えて"),
    ("프린터에서 종이를 어떻게 빼는지 알려 주시겠어요?", "프린터에서 종이를 어떻게 빼는지 알려줘"),
    ("What does 'yolo' mean?", "Could you please tell me what 'yolo' means?"),
    ("What does HEAD~2 mean?", "What's the meaning of HEAD~2?"),
    ("What does the word ennui mean?", "explain: what does the word ennui mean"),
    ("Explain what a mutex is.", "Ok so could you explain to me what a mutex is?"),
    (
        "What's the difference between a crow and a raven?",
        "Hello, can you explain the difference between a raven and a crow?",
    ),
    ("What is a mutex?", "um, what exactly is a mutex?"),
    ("Do I have to sign it?", "do i have to sign it, or not?"),
    ("How long do I boil it?", "how long do i boil it lol"),
    ("Who approves travel to the USA?", "Who approves travel to the United States?"),
    ("Qu'est-ce que la glycémie ?", "C'est quoi la glycémie ?"),
    ("Che cos'è la tachicardia?", "cos'è la tachicardia"),
    ("Quantos quilos pesa um gato?", "quantos kg pesa um gato?"),
    ("Сколько километров до Луны?", "сколько км до луны?"),
    ("Wie lange dauern fünfzehn Minuten Pause?", "wie lange dauern 15 min Pause?"),
    ("Do I need a permit in Austin, TX?", "Do I need a permit in Austin, Texas?"),
    ("Where do I enter a promo code?", "Where do I enter a promotional code?"),
    ("Is there an app for the exam?", "Is there an application for the examination?"),
    ("Why doesn't my printer print?", "why dosent my printer print"),
    ("Should I tell him that the shop is open?", "shud I tell him tht the shop is open?"),
    ("Any idea how I fold a map? Any help is appreciated!", "Any idea how I fold a map?"),
    ("Why?\nselect a from t where b = 1;", "Why?\nSELECT a\nFROM t\nWHERE b = 1"),
]

DIFFERENT = [
    ("You did it.", "You did it?"),
    ("Flights from Lisbon to Dublin", "Flights from Dublin to Lisbon"),
    ("What's 1.5 + 2?", "What's 15 + 2?"),
    ("What is 12 ÷ 4 + 2?", "What is 12 ÷ (4 + 2)?"),
    ("Set the volume to -5", "Set the volume to 5"),
    ("Python 3.1 release date", "Python 3.10 release date"),
    ("Pay 5.000 euros", "Pay 5000 euros"),
    ("What happened on 3/4/2021?", "What happened on 4/3/2021?"),
    ("Remind me at 9 am", "Remind me at 9 pm"),
    ("How big is 100 MB?", "How big is 100 Mb?"),
    ("What is 5 lb in euros", "What is £5 in euros"),
    ("Can I take it?", "Can't I take it?"),
    ("Is it legal?", "Is it illegal?"),
    ("What is IT?", "What is it?"),
    ("Can you help us with visas?", "Can you help US with visas?"),
    ("Is the Polish remover good?", "Is the polish remover good?"),
    ("How do I cook Turkey?", "How do I cook turkey?"),
    ("Who is the brother of Ann's boss?", "Who is the boss of Ann's brother?"),
    ("Is it the king's son?", "Is it the son's king?"),
    ("If the shop is open, what can I buy?", "Whether the shop is open, what can I buy?"),
    ("Which is the best phone of them?", "What is the best phone of them?"),
    ("Is that dog dangerous?", "Is dog dangerous?"),
    ("How should I fold a map?", "How do I fold a map?"),
    ("How do you use my data?", "How do I use my data?"),
    ("Translate: where is it?", "Translate: could you tell me where it is?"),
    ("Could you tell me where it is? Translate that to Thai.", "Where is it? Translate that to Thai."),
    ("What exactly is he doing?", "What is exactly he doing?"),
    ("What does it mean?", "What does it means?"),
    ("Is it red or not red?", "Is it red?"),
    ("Git: how do I undo it?", "Mercurial: how do I undo it?"),
    ("What is Celexa for?", "What is Celebrex for?"),
    ("my son jon is ill", "my son john is ill"),
    ("How do I resign?", "How do I re-sign?"),
    ("I need a few ideas", "I need few ideas"),
    ("What is the affect of sleep?", "What is the effect of sleep?"),
    ("Give me a tip", "Give me tips"),
    ("How do you say thank you in Korean?", "How do you say please in Korean?"),
    ("Translate: thank you", "Translate: please"),
    ("Hello in French", "Hi in French"),
    ("Spell colour", "Spell color"),
    ("Is it colour or color?", "Is it color or colour?"),
    ('Translate "I can\'t go"', 'Translate "I can not go"'),
    ('Is "You did it." right?', 'Is "You did it?" right?'),
    ("Let's eat, grandma: fix the punctuation", "Let's eat grandma: fix the punctuation"),
    ("What does the -a flag of ls do?", "What does the -A flag of ls do?"),
    ("rm -rf /tmp", "rm -rf / tmp"),
    ("foo_bar meaning", "foobar meaning"),
    ("Is 5 > 3?", "Is 5 < 3?"),
    ("Open https://x.com/a", "Open https://x.com/A"),
    ("Mail a@b.com", "Mail a@b.co"),
    ("What is C++?", "What is C?"),
    ("was heißt schon auf Englisch", "was heißt schön auf Englisch"),
    ("Mujer de 30 años", "Mujer de 30 anos"),
    ("Sort this: b a c", "Sort this: a b c"),
    ("Run:\nif [ $a ]; then b; fi", "Run:\nif [$a]; then b; fi"),
    ("Fix:\nfor x in y:\n    a()\n    b()", "Fix:\nfor x in y:\n    a()\nb()"),
    ("YAML:\na:\n  b: 1\n  c: 2", "YAML:\na:\n  b: 1\nc: 2"),
    ("What does 🙂 mean?", "What does 🙃 mean?"),
    ("Summarise this.", "Summarise this.\n\nIn French."),
    ("hello", "hi"),
    ("", "x"),
]


@pytest.mark.parametrize(("stored", "asked"), SAME)
def test_a_surface_variant_is_served_in_both_directions(stored: str, asked: str) -> None:
    assert verify(stored, asked).serve
    assert verify(asked, stored).serve


@pytest.mark.parametrize(("stored", "asked"), DIFFERENT)
def test_a_difference_that_may_mean_something_is_refused_in_both_directions(stored: str, asked: str) -> None:
    assert not verify(stored, asked).serve
    assert not verify(asked, stored).serve


@pytest.mark.parametrize(
    ("stored", "asked", "reason"),
    [
        ("Is 5 prime?", "Is 7 prime?", "number"),
        ("Is a cat nice?", "Is a dog nice?", "word"),
        ("Does x_1 run?", "Does x_2 run?", "exact"),
        ("Is a cat nice?", "Is a cat nice? Why?", "break"),
        ("You won.", "You won?", "question mark"),
    ],
)
def test_a_refusal_names_the_kind_of_difference_and_no_text(stored: str, asked: str, reason: str) -> None:
    assert verify(stored, asked).reason == reason


def test_a_served_variant_names_what_differed() -> None:
    verdict = verify("What colour is the Eiffel Tower?", "whats the color... what color is the eiffel tower")
    plain = verify("What colour is the Eiffel Tower?", "what color is the eiffel tower")

    assert not verdict.serve
    assert plain == Verdict(True, "surface", ("case", "variant"))


def test_a_verdict_cannot_be_changed() -> None:
    verdict = verify("a", "a")

    with pytest.raises(FrozenInstanceError):
        verdict.serve = False  # type: ignore[misc]


def test_a_text_beyond_the_limit_is_served_only_to_its_equal() -> None:
    long = "word " * (LONGEST_TEXT // 5)

    assert verify(long + "end", long + "end").serve
    assert verify(long + "end", long + "end?").reason == "length"


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=300, deadline=None)
def test_no_text_makes_it_raise_and_direction_does_not_matter(one: str, other: str) -> None:
    assert verify(one, one).serve
    assert verify(one, other).serve == verify(other, one).serve


WORDS = st.lists(
    st.sampled_from("how do i cook rice in a big pot for ten people at home".split()), min_size=3, max_size=12
)


@given(WORDS, st.data())
@settings(deadline=None)
def test_one_exchanged_content_word_is_always_refused(words: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(words) - 1))
    other = [*words[:at], "zebra", *words[at + 1 :]]

    assert not verify(" ".join(words), " ".join(other)).serve


@given(st.integers(2, 999_999), st.integers(2, 999_999))
@settings(deadline=None)
def test_two_numbers_are_the_same_only_if_they_are_equal(one: int, other: int) -> None:
    served = verify(f"How far is {one} miles?", f"how far is {other:,} miles").serve

    assert served == (one == other)


def test_hostile_repetition_is_decided_in_linear_work() -> None:
    for piece in (
        "'a ",
        "(",
        "twenty ",
        "一",
        "`a",
        "a-",
        "a.",
        "{a;\n",
        "x\n",
        "speling ",
        "the ",
        "(KPI) ",
    ):
        text = piece * (LONGEST_TEXT // len(piece))

        assert not verify(text, text[:-1] + "q").serve
