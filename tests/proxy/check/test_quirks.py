"""What a person reads of a provider that answers, but not as Claude Code expects."""

import pytest

from proxy.check.basics import pace
from proxy.check.exchange import Endpoint
from proxy.check.messages_api import MessagesApi, Pace
from tests.proxy.check import quirks
from tests.proxy.check.running import checked
from tests.proxy.check.scripted import Provider

# provider → each check that says something else than yes, and how its words begin
QUIRKS: dict[type[Provider], dict[str, str]] = {
    quirks.SendsAllAtOnce: {
        "streaming": "partly Claude Code shows nothing until an answer is complete seen: all of the text came in one"
    },
    quirks.OnlyStreams: {"not streamed": "no after a stream that broke off Claude Code asks without streaming"},
    quirks.KnowsNoLimits: {
        "max_tokens": "no an answer that was cut off looks complete, and Claude Code does not go on seen: stop_reason",
        "stop sequences": "no hardly matters: Claude Code seldom uses them seen: the answer went on behind it",
    },
    quirks.DoesNotSayWhyItStops: {
        "max_tokens": "no an answer that was cut off looks complete",
        "stop sequences": "partly the answer ends there, but does not say why",
        "tools": "partly Claude Code may stop before it runs the tool seen: stop_reason was end_turn",
    },
    quirks.IgnoresBlocksOfTheSystem: {
        "system prompt": "no Claude Code's instructions do not reach the model seen: in blocks: it answered “I"
    },
    quirks.IgnoresSystemStrings: {"system prompt": "partly hardly matters: Claude Code writes it in blocks"},
    quirks.IgnoresSystemAmongMessages: {
        "system among messages": "partly it is taken and not heeded: Claude Code's reminders are lost seen: it an"
    },
    quirks.RefusesEffort: {
        "effort": "no every call of the sonnet and opus tiers fails: each says how hard to try seen: 400"
    },
    quirks.SaysSomethingElse: {
        "scripts and emoji": "partly it could not be told whether text arrives intact: the model did not repeat it"
    },
    quirks.MixesUpTypes: {
        "tools": "partly Claude Code refuses calls with wrong arguments, and the model has to try again seen: the"
    },
    quirks.IgnoresResults: {
        "tools": "no the model does not see what tools find seen: the result of the call was not heeded; it answered",
        "parallel tools": "partly the model loses some of what tools called together find",
        "thinking beside tools": "partly the model does not see what tools find while it thinks",
        "images from tools": "no Claude Code cannot look at pictures in a project",
    },
    quirks.SeesOneResult: {"parallel tools": "partly the model loses some of what tools called together find"},
    quirks.RefusesACertainTool: {
        "tool_choice": "partly a call of a certain tool cannot be forced seen: tool: 400 invalid_request_error"
    },
    quirks.CallsForbiddenTools: {
        "tool_choice": "partly calls cannot be forbidden seen: none: it called a tool all the same"
    },
    quirks.CallsOneToolAtFirst: {},
    quirks.RefusesAdaptiveThinking: {
        "thinking (adaptive)": "no calls of the sonnet and opus tiers fail, unless CLAUDE_CODE_DISABLE_THINKING=1"
    },
    quirks.RefusesItsOwnThinking: {
        "thinking beside tools": "no a turn that thinks and calls tools ends with an error seen: 4"
    },
    quirks.IsBlind: {
        "images": "no Claude Code cannot look at a screenshot that you give it seen: it was taken, but a red",
        "images from tools": "no Claude Code cannot look at pictures in a project",
        "PDF files": "partly PDF files are taken, and not read seen: it answered “It is rendered in grey.”",
    },
    quirks.CountsTenfold: {
        "usage": "partly costs and the display of how full the context is are off",
        "count_tokens": "partly Claude Code compacts too early or too late",
    },
    quirks.CountsInWords: {"count_tokens": "no Claude Code estimates instead, roughly, how full its context is"},
}


@pytest.mark.parametrize("kind", QUIRKS, ids=lambda kind: kind.__name__)
def test_a_quirk_is_named_and_nothing_else(kind: type[Provider]) -> None:
    outcome = checked(kind())
    expected = QUIRKS[kind]
    assert outcome.failing() == set(expected)
    assert {name: outcome.row(name)[: len(words)] for name, words in expected.items()} == expected
    assert outcome.calls <= outcome.most_calls
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_what_works_the_second_time_works() -> None:
    provider = quirks.CallsOneToolAtFirst()
    outcome = checked(provider)
    assert provider.asked_for_several == 2
    assert outcome.row("parallel tools") == "yes 3 calls at once"


def test_a_call_that_fails_once_is_made_again() -> None:
    outcome = checked(quirks.FailsNowAndThen())
    assert outcome.calls == outcome.planned_calls + 4
    assert outcome.failing() == set()


def test_a_model_that_overlooks_a_line_of_a_long_text_is_found_out() -> None:
    outcome = checked(quirks.Overlooks(), "--long")
    assert outcome.row("long context").startswith("partly the model overlooks things in a long conversation seen: 16")


def test_a_model_that_reads_more_than_is_sent_to_it_is_not_blamed() -> None:
    outcome = checked(quirks.ReadsMore(), "--long")
    assert outcome.row("error: too long").startswith("yes it takes 28")


@pytest.mark.parametrize(
    ("paces", "works", "seen"),
    [
        ([], "unknown", "nothing was streamed"),
        ([Pace(0.5, 1.0), Pace(0.25, 19.0)], "yes", "0.5 s at the most, the longest silence was 19.0 s"),
        ([Pace(0.5, 1.0), Pace(31.0, 31.0)], "partly", "31.0 s at the most, the longest silence was 31.0 s"),
        ([Pace(0.5, 301.0)], "no", "0.5 s at the most, the longest silence was 301.0 s"),
    ],
)
def test_silence_is_judged_by_when_claude_code_minds_it(paces: list[Pace], works: str, seen: str) -> None:
    api = MessagesApi(Endpoint("http://127.0.0.1:1", "invented-token"), "model-1", 60, paces=paces)
    finding = pace(api)
    assert finding.works == works
    assert finding.detail.endswith(seen)
    assert api.calls == 0
