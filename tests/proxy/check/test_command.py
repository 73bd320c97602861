"""The command line: which provider and model are meant, what stops a check, what is safe to print."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from proxy.check import command
from proxy.check.catalogue import checks
from proxy.check.exchange import Endpoint
from proxy.check.finding import cleaned
from proxy.check.plan import CannotCheck, Launch, dollars, plan, set_up
from proxy.gateway import TIERS, Gateway, Provider, Route, Target
from proxy.prices import PriceTable, price
from tests.proxy.check.running import gateway_of, parsed, provider_at

ZAI = provider_at("http://127.0.0.1:1", "invented-key")
KIMI = replace(ZAI, name="kimi", key_setting="KIMI_KEY")
PRESETS = {
    "kimi": replace(KIMI, keys=()),
    "deepseek": replace(ZAI, name="deepseek"),
    "ollama": Provider("ollama", "anthropic", "http://127.0.0.1:11434", "bearer", needs_key=False),
    "custom": Provider("custom", "anthropic", "", "both", needs_key=False),
}
GLM = Target(ZAI, "glm-large", price=price("1/2"))
SMALL = Target(ZAI, "glm-small")
NAMELESS = Target(ZAI)


def gateway(*, haiku: Target, sonnet: Target, other: Target | None = None) -> Gateway:
    targets = {"haiku": haiku, "sonnet": sonnet, "opus": sonnet}
    models = {"other": Route("other", "", (other,))} if other else {}
    return Gateway({tier: Route(tier, tier, (targets[tier],)) for tier in TIERS}, models=models)


BOTH = gateway(haiku=SMALL, sonnet=GLM, other=Target(KIMI, "k3"))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("zai", GLM),
        ("zai --tier haiku", SMALL),
        ("zai --tier opus", GLM),
        ("zai --model glm-small", SMALL),
        ("zai --model glm-new", Target(ZAI, "glm-new")),
        ("kimi", Target(KIMI, "k3")),
        ("kimi --tier sonnet", Target(KIMI, "k3")),
        ("deepseek --model v4", Target(PRESETS["deepseek"], "v4")),
        ("ollama --model local", Target(PRESETS["ollama"], "local")),
    ],
)
def test_what_is_set_up_comes_before_presets(words: str, expected: Target) -> None:
    asked = parsed(*words.split())
    assert command.found(asked.provider, asked.tier, asked.model, BOTH, PRESETS) == expected


@pytest.mark.parametrize(
    ("name", "model", "why"),
    [
        ("nobody", "", "nobody is neither set up nor a preset. There are: custom, deepseek, kimi, ollama, zai"),
        ("\x1b[31mred", "", "red is neither set up nor a preset"),
        ("zai", "", "Which model of zai\\? Add --model NAME"),
        ("deepseek", "", "Which model of deepseek\\? Add --model NAME"),
        ("kimi", "k3", "There is no key for kimi: set KIMI_KEY"),
        ("custom", "any", "custom has no address of its own"),
    ],
)
def test_without_a_provider_a_model_or_a_key_nothing_is_checked(name: str, model: str, why: str) -> None:
    with pytest.raises(CannotCheck, match=f"^{why}"):
        command.found(name, None, model, gateway_of(NAMELESS), PRESETS)


@contextmanager
def broken_launch(gateway: Gateway) -> Iterator[Endpoint]:
    raise CannotCheck("the gateway does not start: the port is taken")
    yield


@contextmanager
def interrupted_launch(gateway: Gateway) -> Iterator[Endpoint]:
    raise KeyboardInterrupt
    yield


@pytest.mark.parametrize(
    ("words", "launch", "said"),
    [
        ("nobody", broken_launch, "nobody is neither set up nor a preset. There are: zai\n"),
        ("zai", broken_launch, "the gateway does not start: the port is taken\n"),
        ("zai", interrupted_launch, "stopped\n"),
    ],
)
def test_what_cannot_be_checked_ends_with_the_status_2(words: str, launch: Launch, said: str) -> None:
    err = io.StringIO()
    terminal = command.Terminal(io.StringIO(), err)
    status = command.run(parsed(words), gateway=gateway_of(GLM), presets={}, launch=launch, terminal=terminal)
    assert (status, err.getvalue()) == (2, said)


@pytest.mark.parametrize(
    ("words", "rate"),
    [
        ("zai", "$1 in and $2 out per million tokens. Long"),
        ("zai --model glm-large --long", "$1 in and $2 out per million tokens."),
        ("zai --model opus-like", "$5 in and $25 out per million tokens. Long"),
        (
            "zai --model new",
            "$5 in and $25 out per million tokens, as for any model whose price is not known here. Long",
        ),
    ],
)
def test_the_price_is_said_beforehand_and_whether_it_is_known(words: str, rate: str) -> None:
    out = io.StringIO()
    prices = PriceTable({"opus-*": price("5/25")})
    command.run(
        parsed(*words.split()), gateway=replace(gateway_of(GLM), prices=prices), presets={}, launch=broken_launch,
        terminal=command.Terminal(out, io.StringIO()),
    )  # fmt: skip
    said = " ".join(out.getvalue().split())
    assert said.startswith("Checks zai, model ")
    assert f"at the most: {rate}" in said
    assert ("Long prompts are left out" in said) == ("--long" not in words)


def test_the_help_teaches_with_examples(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as ended:
        parsed("--help")
    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert "python -m proxy check zai --model glm-4.6" in out
    assert "exit status:\n  0  each tier" in out
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("seconds", ["0", "-1", "3601", "nan", "soon"])
def test_a_time_out_that_is_none_is_refused(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("zai", "--timeout", seconds)
    assert "--timeout" in capsys.readouterr().err


def test_the_gateway_of_a_check_has_nothing_but_the_provider() -> None:
    made = set_up(ZAI, "glm-large", price("1/2"))
    for tier in TIERS:
        (target,) = made.route(f"claude-{tier}-check").targets
        assert (target.provider, target.model) == (ZAI, "glm-large")
    (wrong_key,) = made.route("check-wrong-key").targets
    (unknown,) = made.route("check-unknown-model").targets
    assert (wrong_key.model, unknown.provider.keys) == ("glm-large", ZAI.keys)
    assert not set(wrong_key.provider.keys) & set(ZAI.keys)
    assert unknown.model != "glm-large"
    assert len({target.provider.name for target in (wrong_key, unknown, GLM)}) == 3
    assert {wrong_key.provider.base_url, unknown.provider.base_url} == {ZAI.base_url}


def test_a_provider_without_a_key_is_not_asked_about_a_wrong_one() -> None:
    names = [{check.name for check in checks(long=False, needs_key=needs)} for needs in (True, False)]
    assert names[0] - names[1] == {"error: wrong key"}


def test_every_check_has_a_name_of_its_own_and_says_what_is_missing() -> None:
    every = checks(long=True, needs_key=True)
    assert len({check.name for check in every}) == len(every)
    assert all(check.missing and not set(check.needed) & set(check.wanted) for check in every)


def test_a_plan_costs_what_its_checks_cost() -> None:
    short, long = (plan(checks(long=long, needs_key=True), price("3/15")) for long in (False, True))
    assert short.calls < short.most_calls < 90
    assert short.cost < short.most_cost < 2_000_000
    assert 1_000_000 < long.cost - short.cost < 2_000_000
    assert long.calls == short.calls + 2


@pytest.mark.parametrize(
    ("micro", "said"), [(0, "$0.000"), (1_400, "$0.001"), (9_900, "$0.010"), (10_000, "$0.01"), (1_234_567, "$1.23")]
)
def test_money_is_said_to_the_cent_and_less_of_it_to_a_tenth(micro: int, said: str) -> None:
    assert dollars(micro) == said


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\r\nlines\tand  more ", "two lines and more"),
        ("\x1b[2J\x1b[1;31mred\x1b[0m \x07bell", "red bell"),
        ("\u202egnp.exe\u2066 \u200bzero", "gnp.exe zero"),
        ("\x9b31mold \x00null \ud800", "31mold null"),
        ("key invented-key-1 twice invented-key-1", "key [key] twice [key]"),
        ("key invented\u200b-key-1", "key [key]"),
        ("a" * 300, "a" * 199 + "…"),
        ("Grüße 日本語 🙂", "Grüße 日本語 🙂"),
    ],
)
def test_what_a_provider_says_is_cleaned(text: str, shown: str) -> None:
    assert cleaned(text, ["invented-key-1", "", "a"]) == shown
