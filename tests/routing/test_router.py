"""Which model answers, and why."""

from __future__ import annotations

from typing import Any

import pytest

from synthlang_router.errors import InvalidRequest, ModelNotFound, PermissionDenied
from synthlang_router.models import Wishes
from synthlang_router.routing import SPECIFICATION_RULES, Condition, Rule
from tests.routing.houses import ANYBODY, caller, model, new_facts, request, router, served

TWO = {"openai": ["gpt-4o", "gpt-4o-mini", "o3-mini", "gpt-4o-search-preview"], "local": ["llama3", "gpt-4o"]}


def test_a_configured_name_wins_over_a_pinned_and_a_listed_one() -> None:
    by = router([model("gpt-4o", "local/llama3"), model("openai/x", "local/llama3")], TWO)

    assert served(by, "gpt-4o") == "local/llama3 (configured)"
    assert served(by, "openai/x") == "local/llama3 (configured)"


def test_provider_slash_model_is_pinned_whether_listed_or_not() -> None:
    by = router(lists=TWO)

    assert served(by, "local/gpt-4o") == "local/gpt-4o (pinned)"
    assert served(by, "openai/brand/new:1") == "openai/brand/new:1 (pinned)"


def test_a_listed_name_is_served_by_the_first_provider_that_lists_it() -> None:
    by = router(lists=TWO)

    assert served(by, "gpt-4o") == "openai/gpt-4o (listed)"
    assert served(by, "llama3") == "local/llama3 (listed)"


def test_a_sole_provider_without_a_list_serves_every_name() -> None:
    assert served(router(), "whatever-1") == "openai/whatever-1 (sole provider)"
    assert served(router(lists={"openai": []}), "whatever-1") == "openai/whatever-1 (sole provider)"


@pytest.mark.parametrize(
    "name", ["gpt-4o-minni", "other/gpt-4o", "", "openai/", "/gpt-4o", "x" * 1_000_000, "a b", "gpt\r\nx: 1"]
)
def test_any_other_name_is_not_found(name: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        served(router(lists=TWO), name)

    assert caught.value.param == "model"
    assert len(caught.value.message) < 400
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("name", ["a b", "a\nb", "x" * 201])
def test_a_name_that_no_header_could_carry_is_not_found_even_by_a_provider_that_serves_everything(
    name: str,
) -> None:
    for asked in (name, f"openai/{name}"):
        with pytest.raises(ModelNotFound):
            served(router(), asked)
        with pytest.raises(ModelNotFound):
            served(router(lists={"openai": ["x"]}, rules=[]), asked)
    with pytest.raises(ModelNotFound):
        served(router(), "")


def test_the_nearest_names_are_told_but_only_those_the_key_may_use() -> None:
    by = router([model("fast", "openai/gpt-4o"), model("fastest", "openai/gpt-4o")], TWO)

    with pytest.raises(ModelNotFound, match=r"Did you mean fast, fastest\?"):
        served(by, "fasst")
    with pytest.raises(ModelNotFound, match=r"Did you mean fastest\?"):
        served(by, "fasst", caller("fasst", "fastest"))


def test_a_huge_list_does_not_make_an_unknown_name_expensive() -> None:
    names = [f"model-{n}" for n in range(5_000)]

    with pytest.raises(ModelNotFound, match="Did you mean"):
        served(router(lists={"a": names, "b": None}), "model-49999")


def test_the_specifications_rules_decide_over_unknown_names_only() -> None:
    by = router(lists=TWO, rules=SPECIFICATION_RULES)

    assert served(by, "gpt-4o-mini") == "openai/gpt-4o-mini (listed)"
    assert (
        served(by, "my-gpt-4o-x")
        == "openai/gpt-4o-search-preview (rule 1: *gpt-4o* -> gpt-4o-search-preview)"
    )
    assert served(by, "claude") == "openai/o3-mini (rule 2: always -> o3-mini)"


def test_apply_to_all_is_the_specification_literally() -> None:
    by = router([model("gpt-4o-mini", "local/llama3")], TWO, SPECIFICATION_RULES, "all")

    assert served(by, "gpt-4o-mini").startswith("openai/gpt-4o-search-preview (rule 1")
    assert served(by, "llama3").startswith("openai/o3-mini (rule 2")
    assert served(by, "o3-mini").startswith("openai/o3-mini (rule 2")


def test_a_pinned_name_stays_pinned_under_apply_to_all() -> None:
    assert (
        served(router(lists=TWO, rules=SPECIFICATION_RULES, apply_to="all"), "local/llama3")
        == "local/llama3 (pinned)"
    )


def test_no_rules_means_an_unknown_name_goes_unchanged_to_the_sole_provider() -> None:
    assert served(router(lists={"openai": ["a"]}, rules=[]), "new") == "openai/new (sole provider)"
    with pytest.raises(ModelNotFound):
        served(router(lists=TWO, rules=[]), "new")


def test_where_no_rule_matches_it_is_as_if_there_were_none() -> None:
    rules = [Rule(use="a", when=Condition(models=("x*",)))]

    assert served(router(lists={"openai": ["a"]}, rules=rules), "new") == "openai/new (sole provider)"
    assert served(router(lists=TWO, rules=rules, apply_to="all"), "llama3") == "local/llama3 (listed)"


def test_rules_are_for_chat() -> None:
    by = router(lists=TWO, rules=SPECIFICATION_RULES, apply_to="all")

    assert served(by, "llama3", kind="embeddings") == "local/llama3 (listed)"
    with pytest.raises(ModelNotFound):
        served(by, "ada-002", kind="embeddings")
    assert served(by, "claude", kind="messages").startswith("openai/o3-mini")


def test_a_rule_whose_name_nobody_serves_says_so() -> None:
    by = router(lists={"local": ["llama3"]}, rules=SPECIFICATION_RULES)

    with pytest.raises(ModelNotFound, match="Rule 2 sends it to o3-mini, which nobody serves"):
        served(by, "claude")


def test_a_rule_may_lead_to_a_configured_and_to_a_pinned_name() -> None:
    by = router([model("fast", "local/llama3")], TWO, [Rule("fast", Condition(stream=True)), Rule("local/x")])

    assert served(by, "u", stream=True) == "local/llama3 (rule 1: stream=true -> fast)"
    assert served(by, "u") == "local/x (rule 2: always -> local/x)"


@pytest.mark.parametrize(("at", "target"), [(0.0, "a"), (0.24, "a"), (0.26, "b"), (0.999, "b"), (1.0, "b")])
def test_targets_share_by_weight_at_the_given_point(at: float, target: str) -> None:
    by = router([model("m", ("p/a", 1), ("p/b", 3), ("p/never", 0))], {"p": None}, at=at)

    assert served(by, "m") == f"p/{target} (configured)"


def test_alternatives_are_the_other_targets_then_the_fallbacks_each_once() -> None:
    models = [
        model(
            "m",
            ("openai/a", 1),
            ("local/off", 0),
            ("local/b", 1),
            fallbacks=("gpt-4o", "other", "local/b", "nobody"),
        ),
        model("other", "local/c", "openai/a", fallbacks=("m",)),
    ]
    by = router(models, TWO)

    route = by.choose_model(request("m"), ANYBODY, Wishes(), new_facts())

    assert [f"{target.provider}/{target.model}" for target in route.alternatives] == [
        "local/b",
        "local/off",
        "openai/gpt-4o",
        "local/c",
    ]


def test_a_key_may_ask_only_for_what_its_globs_allow() -> None:
    by = router([model("fast", "openai/gpt-4o")], TWO)

    assert served(by, "fast", caller("fa*")) == "openai/gpt-4o (configured)"
    for name in ("gpt-4o", "does-not-exist", "openai/gpt-4o", "x" * 1_000_000):
        with pytest.raises(PermissionDenied):
            served(by, name, caller("fa*"))


def test_a_rule_does_not_lead_a_key_past_its_globs() -> None:
    by = router(lists=TWO, rules=SPECIFICATION_RULES)

    assert served(by, "cheap", caller("cheap", "o3-*")).startswith("openai/o3-mini")
    with pytest.raises(PermissionDenied, match="serves this request"):
        served(by, "cheap", caller("cheap"))


def test_a_fallback_that_the_key_may_not_use_is_left_out() -> None:
    by = router([model("m", "local/a", "local/b", fallbacks=("gpt-4o", "o3-mini"))], TWO)

    route = by.choose_model(request("m"), caller("m", "o3*"), Wishes(), new_facts())

    assert [(target.provider, target.model) for target in route.alternatives] == [
        ("local", "b"),
        ("openai", "o3-mini"),
    ]


def test_the_names_shown_are_the_configured_ones_else_those_listed() -> None:
    configured = router([model("b", "openai/x"), model("a", "openai/x")], TWO)
    listed = router(lists=TWO)

    assert configured.public_models(ANYBODY) == ("b", "a")
    assert configured.public_models(caller("a")) == ("a",)
    assert listed.public_models(caller("gpt*", "llama?")) == (
        "gpt-4o",
        "gpt-4o-mini",
        "gpt-4o-search-preview",
        "llama3",
    )


def test_the_facts_know_model_route_and_reason() -> None:
    facts = new_facts()

    route = router([model("fast", "openai/gpt-4o")], TWO).choose_model(
        request("fast"), ANYBODY, Wishes(), facts
    )

    assert (facts.model, facts.route, facts.route_reason, facts.dropped) == (
        "gpt-4o",
        route,
        "configured",
        (),
    )


def test_the_policy_changes_with_what_is_configured_under_a_name() -> None:
    def policy(*targets: str, fallbacks: tuple[str, ...] = ()) -> str:
        by = router([model("m", *targets, fallbacks=fallbacks)], TWO)
        return by.choose_model(request("m"), ANYBODY, Wishes(), new_facts()).policy

    assert policy("openai/a") == policy("openai/a")
    assert (
        len({policy("openai/a"), policy("local/a"), policy("openai/b"), policy("openai/a", fallbacks=("x",))})
        == 4
    )


def test_the_policy_is_the_same_whichever_target_answers() -> None:
    models = [model("m", "openai/a", "openai/b")]

    policies = {
        router(models, TWO, at=at).choose_model(request("m"), ANYBODY, Wishes(), new_facts()).policy
        for at in (0.0, 0.9)
    }

    assert len(policies) == 1


SAMPLED: dict[str, Any] = {"temperature": 0.2, "top_p": 1, "n": 2, "stop": ["x"], "seed": 1, "max_tokens": 5}


def test_what_the_chosen_model_cannot_take_is_dropped_and_named() -> None:
    by = router(lists=TWO, rules=SPECIFICATION_RULES)
    facts = new_facts()

    route = by.choose_model(request("claude", **SAMPLED), ANYBODY, Wishes(), facts)

    assert route.dropped == facts.dropped == ("temperature", "top_p", "n")
    assert route.renamed == (("max_tokens", "max_completion_tokens"),)
    search = by.choose_model(request("x-gpt-4o", **SAMPLED, tools=[{}]), ANYBODY, Wishes(), new_facts())
    assert search.dropped == ("temperature", "top_p", "n", "stop", "seed", "tools")
    assert search.renamed == ()


def test_strictness_forbids_to_drop() -> None:
    by = router([model("smart", "openai/o3-mini")], TWO)
    strict = Wishes(strict=True)

    with pytest.raises(InvalidRequest, match="temperature, n") as caught:
        served(by, "smart", wishes=strict, temperature=1, n=2)
    assert (caught.value.param, caught.value.error_code) == ("temperature", "unsupported_parameter")
    assert served(by, "smart", wishes=strict, max_tokens=5) == "openai/o3-mini (configured)"


@pytest.mark.parametrize("name", ["o3-mini", "openai/o3-mini"])
def test_who_asks_for_a_model_by_name_gets_what_was_sent(name: str) -> None:
    route = router(lists=TWO).choose_model(
        request(name, **SAMPLED), ANYBODY, Wishes(strict=True), new_facts()
    )

    assert (route.dropped, route.renamed) == ((), ())


def test_a_model_without_refusals_keeps_its_prepared_route() -> None:
    by = router([model("fast", "openai/gpt-4o")], TWO)

    first = by.choose_model(request("fast", **SAMPLED), ANYBODY, Wishes(), new_facts())

    assert by.choose_model(request("fast", **SAMPLED), ANYBODY, Wishes(), new_facts()) is first
    assert first.dropped == ()


def test_a_name_is_served_where_a_request_for_it_would_go_out_under_it() -> None:
    sole = router(lists={"openai": ["a"]}, rules=[])

    assert sole.serves("new", ANYBODY)
    assert not sole.serves("new", caller("fa*"))
    assert not router(lists=TWO, rules=[Rule(use="gpt-4o")]).serves("new", ANYBODY)
    assert not sole.serves("x" * 1_000_000, ANYBODY)


def test_targets_with_a_weight_share_the_load_and_the_others_stand_in() -> None:
    by = router([model("fast", ("openai/a", 3), ("local/b", 1), ("local/c", 0), fallbacks=("gpt-4o",))], TWO)

    route = by.choose_model(request("fast"), ANYBODY, Wishes(), new_facts())

    assert (route.weight, route.peers) == (3.0, 1)
    assert [target.model for target in route.alternatives] == ["b", "c", "gpt-4o"]
