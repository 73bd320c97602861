"""What a person reads of a provider that is in order, and of each that is not."""

import json

import pytest

from native.rabbitmq import free_port
from tests.proxy.check import defects
from tests.proxy.check.running import Outcome, checked, run
from tests.proxy.check.scripted import KEY, Provider, running

TIERS = ("haiku", "sonnet", "opus")
ALL_FIT = ("fit", "fit", "fit")
LIMITED = ("fit with limits",) * 3
UNFIT = ("unfit", "unfit", "unfit")
# provider → what of it fails, and what it is worth as haiku, sonnet and opus
FOUND: dict[type[Provider], tuple[set[str], tuple[str, str, str]]] = {
    Provider: (set(), ALL_FIT),
    defects.WasBusy: (set(), ALL_FIT),
    defects.WithoutCountTokens: ({"count_tokens"}, LIMITED),
    defects.OneToolAtATime: ({"parallel tools"}, LIMITED),
    defects.SameIdForAllCalls: ({"parallel tools"}, LIMITED),
    defects.IgnoresTools: (
        {"tools", "parallel tools", "tool_choice", "web search", "thinking beside tools"},
        ("fit with limits", "unfit", "unfit"),
    ),
    defects.CallsToolsWhenForced: ({"tools", "parallel tools", "web search", "thinking beside tools"}, LIMITED),
    defects.BreaksArguments: (
        {"tools", "parallel tools", "tool_choice", "thinking beside tools"},
        ("fit with limits", "unfit", "unfit"),
    ),
    defects.WithoutMessageStop: ({"streaming", "pace"}, UNFIT),
    defects.BreaksOff: ({"streaming", "pace"}, UNFIT),
    defects.FallsSilent: ({"streaming", "pace"}, UNFIT),
    defects.NamelessEvents: ({"streaming", "pace"}, UNFIT),
    defects.NeverStreams: ({"streaming", "pace"}, UNFIT),
    defects.CountsNothing: ({"usage", "cache_control"}, LIMITED),
    defects.CountsAtTheEndAlone: ({"usage"}, LIMITED),
    defects.ErrorsWithStatus200: ({"error: wrong key", "error: unknown model", "error: malformed"}, LIMITED),
    defects.ErrorsAsWebPages: ({"error: wrong key", "error: unknown model", "error: malformed"}, LIMITED),
    defects.ErrorsInAShapeOfTheirOwn: ({"error: wrong key", "error: unknown model", "error: malformed"}, LIMITED),
    defects.TakesAnything: ({"error: wrong key", "error: unknown model", "error: malformed"}, LIMITED),
    defects.RefusesThinking: (
        {"thinking (adaptive)", "thinking (budget)", "thinking beside tools"},
        ("fit with limits", "fit with limits", "unfit"),
    ),
    defects.DoesNotThink: ({"thinking (adaptive)", "thinking (budget)"}, LIMITED),
    defects.RefusesImages: ({"images", "images from tools"}, ("fit", "fit with limits", "fit with limits")),
    defects.HangsAtImages: ({"images", "images from tools"}, ("fit", "fit with limits", "fit with limits")),
    defects.RefusesTheCache: ({"cache_control"}, UNFIT),
    defects.RefusesBetas: ({"beta features"}, LIMITED),
    defects.RefusesSystemAmongMessages: ({"system among messages"}, ("fit", "unfit", "unfit")),
    defects.GarblesText: ({"scripts and emoji"}, UNFIT),
    defects.OpensBlocksTogether: (
        {"parallel tools", "web search", "thinking (adaptive)", "thinking (budget)", "thinking beside tools"},
        ("fit with limits", "fit with limits", "unfit"),
    ),
    defects.ThinksUntilNothingIsLeft: (
        {"tools", "parallel tools", "tool_choice", "web search", "thinking beside tools", "images from tools"},
        ("fit with limits", "cannot be told", "cannot be told"),
    ),
}
# provider → a check, and what the report says of it
WORDS: list[tuple[type[Provider], str, str]] = [
    (Provider, "parallel tools", "yes 3 calls at once"),
    (
        defects.OneToolAtATime,
        "parallel tools",
        "no Claude Code will call tools one after another: slower and dearer seen: calls at once: 1",
    ),
    (defects.SameIdForAllCalls, "parallel tools", "no calls made together get each other's results"),
    (
        defects.WithoutCountTokens,
        "count_tokens",
        "no Claude Code estimates instead, roughly, how full its context is seen: 404 not_found_error: no such page",
    ),
    (
        defects.IgnoresTools,
        "tools",
        "no Claude Code can neither read a file nor run a command seen: it answers in words",
    ),
    (defects.CallsToolsWhenForced, "tools", "partly the model calls a tool only when it is forced to"),
    (
        defects.BreaksArguments,
        "tools",
        "no Claude Code can neither read a file nor run a command seen: the arguments of a",
    ),
    (
        defects.WithoutMessageStop,
        "streaming",
        "no no call gets an answer: Claude Code always streams seen: the stream ended",
    ),
    (
        defects.NamelessEvents,
        "streaming",
        "no no call gets an answer: Claude Code always streams seen: its events have no n",
    ),
    (
        defects.NeverStreams,
        "streaming",
        "no no call gets an answer: Claude Code always streams seen: it came in one piece",
    ),
    (
        defects.FallsSilent,
        "streaming",
        "no no call gets an answer: Claude Code always streams seen: it fell silent for",
    ),
    (defects.CountsNothing, "usage", "no nothing is counted: budgets and costs are guesses"),
    (defects.CountsNothing, "cache_control", "partly each turn of a conversation is paid for in full"),
    (defects.CountsAtTheEndAlone, "usage", "partly Claude Code's display of how full the context is may show nothing"),
    (
        defects.ErrorsWithStatus200,
        "error: wrong key",
        "no a key that has run out or was withdrawn shows as something else seen: an error that came",
    ),
    (defects.ErrorsWithStatus200, "error: malformed", "no what is wrong with a request is not told"),
    (
        defects.ErrorsAsWebPages,
        "error: unknown model",
        "no a wrong name of a model shows as something else, or not at all seen: 404 with a web page",
    ),
    (
        defects.ErrorsInAShapeOfTheirOwn,
        "error: wrong key",
        "no a key that has run out or was withdrawn shows as something",
    ),
    (
        defects.TakesAnything,
        "error: wrong key",
        "no a key that has run out or was withdrawn shows as something else seen: it",
    ),
    (
        defects.RefusesThinking,
        "thinking (adaptive)",
        "no calls of the sonnet and opus tiers fail, unless CLAUDE_CODE_DISABLE_THINKING=1 is set for",
    ),
    (
        defects.DoesNotThink,
        "thinking (adaptive)",
        "partly the model answers without thinking, or does not show that it",
    ),
    (
        defects.RefusesImages,
        "images",
        "no Claude Code cannot look at a screenshot that you give it seen: 400 invalid_request_error",
    ),
    (defects.HangsAtImages, "images", "unknown no answer in 1.5 s"),
    (
        defects.OpensBlocksTogether,
        "parallel tools",
        "no Claude Code will call tools one after another: slower and dearer",
    ),
    (
        defects.RefusesTheCache,
        "cache_control",
        "no every call fails: Claude Code marks each prompt for the cache seen: 400",
    ),
    (defects.GarblesText, "scripts and emoji", "no text that is not English arrives damaged"),
    (defects.ThinksUntilNothingIsLeft, "tools", "unknown it used up 1024 tokens before it came to an answer"),
]


@pytest.fixture(scope="module")
def reports() -> dict[type[Provider], Outcome]:
    """Each provider's report, made when it is first asked for."""
    return {}


def report(reports: dict[type[Provider], Outcome], kind: type[Provider]) -> Outcome:
    if kind not in reports:
        reports[kind] = checked(kind())
    return reports[kind]


@pytest.mark.parametrize("kind", FOUND, ids=lambda kind: kind.__name__)
def test_a_report_names_what_is_wrong_and_nothing_else(
    kind: type[Provider], reports: dict[type[Provider], Outcome]
) -> None:
    outcome = report(reports, kind)
    failing, fitness = FOUND[kind]
    assert outcome.failing() == failing
    assert tuple(outcome.verdict(tier) for tier in TIERS) == fitness
    assert outcome.status == (1 if "unfit" in fitness else 2 if "cannot be told" in fitness else 0)
    assert outcome.calls <= outcome.most_calls
    assert outcome.dollars <= outcome.most_dollars
    assert outcome.err == ""
    assert KEY not in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


@pytest.mark.parametrize(("kind", "name", "words"), WORDS)
def test_a_finding_says_what_it_means(
    kind: type[Provider], name: str, words: str, reports: dict[type[Provider], Outcome]
) -> None:
    assert report(reports, kind).row(name).startswith(words)


def test_what_is_to_be_set_for_claude_code_stands_at_the_end(reports: dict[type[Provider], Outcome]) -> None:
    assert "To be set for Claude Code: CLAUDE_CODE_DISABLE_THINKING=1." in report(reports, defects.RefusesThinking).out
    out = report(reports, defects.RefusesBetas).out
    assert "To be set for Claude Code: CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS=1." in out
    assert "To be set" not in report(reports, Provider).out


def test_a_provider_in_order_is_asked_as_often_as_was_said(reports: dict[type[Provider], Outcome]) -> None:
    outcome = report(reports, Provider)
    assert outcome.calls == outcome.planned_calls
    assert outcome.dollars > 0


def test_a_busy_provider_is_asked_again() -> None:
    provider = defects.WasBusy()
    outcome = checked(provider)
    assert provider.turned_away == 3
    assert outcome.calls == outcome.planned_calls + 3


def test_a_single_tier_is_judged_alone() -> None:
    outcome = checked(defects.RefusesSystemAmongMessages(), "--tier", "haiku")
    assert outcome.status == 0
    assert outcome.out.count("fit") == 1


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (defects.Hangs, "the provider does not answer: no answer in 1.5 s"),
        (defects.PingsAndNothingElse, "the provider does not answer: no answer in 1.5 s"),
        (defects.IsAlwaysBusy, "the provider does not answer: 529 overloaded_error: Overloaded"),
        (defects.RefusesTheKey, "the provider refuses the key: 401 authentication_error: wrong key [key] xxx"),
        (defects.WantsMoney, "the provider wants to be paid first: 400 invalid_request_error: Your credit"),
        (defects.KnowsNoModel, "the provider does not know the model, or its address is wrong: 404 not_found_error"),
        (defects.Fails, "the provider fails: 500 api_error: Internal server error"),
    ],
)
def test_what_cannot_be_checked_is_not_judged(kind: type[Provider], words: str) -> None:
    outcome = checked(kind())
    assert outcome.status == 2
    assert f"zai could not be checked: {words}" in " ".join(outcome.out.split())
    assert "As a tier" not in outcome.out
    assert KEY not in outcome.out
    assert outcome.out.replace("\n", "").isprintable()
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_a_provider_that_is_away_cannot_be_checked() -> None:
    outcome = run(f"http://127.0.0.1:{free_port()}")
    assert outcome.status == 2
    words = "zai could not be checked: the provider does not answer: 502 api_error: the provider cannot be reached"
    assert words in " ".join(outcome.out.split())


def test_long_prompts_are_left_out_until_they_are_asked_for() -> None:
    assert "long context" not in checked(Provider()).out
    outcome = checked(Provider(), "--long")
    assert outcome.row("long context").startswith("yes 16")
    assert outcome.row("error: too long") == "yes"


def test_a_prompt_that_is_too_long_is_refused_in_the_words_that_claude_code_knows() -> None:
    outcome = checked(defects.SaysTooLongInOtherWords(), "--long")
    assert outcome.row("error: too long").startswith(
        "no Claude Code does not compact when its context is full: the session ends with an error seen: 400"
    )
    assert outcome.verdict("sonnet") == "fit with limits"


def test_json_has_all_of_it_and_nothing_else_is_on_the_output() -> None:
    outcome = checked(defects.OneToolAtATime(), "--json")
    found = json.loads(outcome.out)
    assert (found["provider"], found["model"], found["obstacle"]) == ("zai", "model-1", "")
    assert found["tiers"]["opus"] == {"verdict": "fit with limits", "because": ["parallel tools"]}
    (parallel,) = [finding for finding in found["findings"] if finding["works"] != "yes"]
    assert parallel == {
        "name": "parallel tools",
        "works": "no",
        "means": "Claude Code will call tools one after another: slower and dearer",
        "detail": "calls at once: 1, where three were asked for",
    }
    assert found["calls"] == 33
    assert 0 < found["cost_usd"] < 0.05
    assert "It makes 33 calls" in outcome.err


def test_json_of_what_could_not_be_checked_says_why() -> None:
    with running(defects.RefusesTheKey()) as url:
        outcome = run(url, "--json")
    found = json.loads(outcome.out)
    assert outcome.status == 2
    assert found["obstacle"].startswith("the provider refuses the key: 401")
    assert (found["tiers"], found["findings"]) == ({}, [])
    assert KEY not in outcome.out
