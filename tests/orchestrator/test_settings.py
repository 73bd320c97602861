"""The orchestrator's settings: limits by role, checked at start and named where they are wrong."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from orchestrator.settings import OrchestratorSettings, Policy
from orchestrator.tasks import Grants, roles_with
from stack.roles import AGENTS, ROLES, Role

NEEDED = {
    "BROKER_URL": "amqp://orchestrator:not-a-password@127.0.0.1:1/",
    "DATA_DIR": "/nowhere",
    "MODEL_TOKEN_KEY": "not-a-model-key",
    "FORGE_TOKEN_KEY": "not-a-forge-key",
    "INSTANCE_TOKEN_KEY": "not-an-instance-key",
    "API_TOKENS": json.dumps({"bot": "not-a-token-of-bot"}),
    "PROXY_READ_TOKEN": "not-a-read-token",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OrchestratorSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
        monkeypatch.delenv(f"{name.upper()}_FILE", raising=False)
    monkeypatch.delenv("SECRETS_DIR", raising=False)
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)


def with_limits(**changes: Mapping[str, float]) -> Mapping[str, Role]:
    return roles_with(changes, budget_usd=None, minutes=None)


# --- limits of roles ----------------------------------------------------------------------------------


def test_without_settings_the_table_of_roles_counts() -> None:
    assert OrchestratorSettings.load().roles() == ROLES == with_limits()


def test_what_is_set_for_agents_counts_for_agents_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASK_BUDGET_USD", "0.5")
    monkeypatch.setenv("TASK_MINUTES", "7")
    roles = OrchestratorSettings.load().roles()
    assert {(roles[name].budget_usd, roles[name].minutes) for name in AGENTS} == {(0.5, 7)}
    assert roles["forge"] == ROLES["forge"]


def test_what_is_set_for_one_role_goes_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASK_MINUTES", "7")
    monkeypatch.setenv("ROLE_LIMITS", '{"pr_reviewer": {"minutes": 9, "at_once": 1}, "forge": {"attempts": 2}}')
    roles = OrchestratorSettings.load().roles()
    assert (roles["pr_reviewer"].minutes, roles["pr_reviewer"].at_once) == (9, 1)
    assert (roles["forge"].attempts, roles["forge"].minutes) == (2, ROLES["forge"].minutes)


@pytest.mark.parametrize("limit", ["minutes", "attempts", "at_once", "per_person", "ahead"])
def test_each_limit_can_be_set(limit: str) -> None:
    assert getattr(with_limits(pr_reviewer={limit: 3})["pr_reviewer"], limit) == 3


@pytest.mark.parametrize("limit", ["attempts", "at_once", "per_person", "ahead"])
def test_what_is_no_agent_has_limits_too(limit: str) -> None:
    assert getattr(with_limits(forge={limit: 3})["forge"], limit) == 3


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ('{"forge": {"minutes": 30}}', "forge: only an agent's minutes can be set"),
        ('{"forge": {"budget_usd": 1.5}}', "forge: only an agent's budget_usd can be set"),
        (
            '{"forge": {"attempts": 2, "minutes": 30, "budget_usd": 1}}',
            "forge: only an agent's minutes, budget_usd can be set",
        ),
    ],
)
def test_a_limit_that_would_do_nothing_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, limits: str, words: str
) -> None:
    monkeypatch.setenv("ROLE_LIMITS", limits)
    with pytest.raises(SystemExit, match=words):
        OrchestratorSettings.load()


def test_the_form_that_limits_have_is_one_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="limits look like") as refusal:
        with_limits(forge=3)  # type: ignore[arg-type]
    monkeypatch.setenv("ROLE_LIMITS", str(refusal.value).removeprefix("limits look like "))
    assert OrchestratorSettings.load().roles() != ROLES


def test_a_budget_may_be_a_fraction_and_a_count_may_not() -> None:
    assert with_limits(pr_reviewer={"budget_usd": 0.25})["pr_reviewer"].budget_usd == 0.25
    with pytest.raises(ValueError, match="forge: at_once cannot be set so"):
        with_limits(forge={"at_once": 0.5})


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ('{"nobody": {"minutes": 1}}', "there is no role nobody"),
        ('{"pr-reviewer": {"minutes": 1}}', "there is no role pr-reviewer"),
        ('{"pr_reviewer": {"minutes": 0}}', "pr_reviewer: minutes cannot be set so"),
        ('{"pr_reviewer": {"minutes": 61}}', "pr_reviewer: minutes cannot be set so"),
        ('{"pr_reviewer": {"minutes": -1}}', "pr_reviewer: minutes cannot be set so"),
        ('{"pr_reviewer": {"minutes": NaN}}', "pr_reviewer: minutes cannot be set so"),
        ('{"forge": {"at_once": Infinity}}', "forge: at_once cannot be set so"),
        ('{"pr_reviewer": {"minutes": "5"}}', "pr_reviewer: minutes cannot be set so"),
        ('{"pr_reviewer": {"minutes": true}}', "pr_reviewer: minutes cannot be set so"),
        ('{"pr_reviewer": {"minutes": null}}', "pr_reviewer: minutes cannot be set so"),
        ('{"forge": {"name": 1}}', "forge: name cannot be set so"),
        ('{"forge": {"tokens": 1}}', "forge: tokens cannot be set so"),
        ('{"forge": 3}', "ROLE_LIMITS"),
        ('["forge"]', "ROLE_LIMITS"),
        ("3", "ROLE_LIMITS"),
        ("minutes=5", "ROLE_LIMITS"),
    ],
)
def test_a_limit_that_is_none_stops_the_start_and_is_named(
    monkeypatch: pytest.MonkeyPatch, limits: str, words: str
) -> None:
    monkeypatch.setenv("ROLE_LIMITS", limits)
    with pytest.raises(SystemExit, match=words):
        OrchestratorSettings.load()


# --- callers ------------------------------------------------------------------------------------------


def test_tokens_of_callers_are_read_and_never_logged() -> None:
    settings = OrchestratorSettings.load()
    assert settings.callers() == {"bot": ("not-a-token-of-bot",)}
    assert {"not-a-token-of-bot", "not-a-model-key", "not-an-instance-key"} <= set(settings.secrets())
    assert "not-a-token-of-bot" not in repr(settings)


def test_a_role_whose_tokens_nothing_can_sign_stops_the_start() -> None:
    row = replace(ROLES["pr_reviewer"], tokens=("model", "egress"))
    with pytest.raises(ValueError, match="pr_reviewer: there is no key for tokens of the kind egress"):
        Grants({"model": "m", "forge": "f"}, {"pr_reviewer": row})


# --- what is done here ----------------------------------------------------------------------------------


def test_without_settings_nobody_is_asked_beforehand_and_findings_are_looked_at_twice() -> None:
    assert OrchestratorSettings.load().policy() == Policy(ask_above_usd=None, check_findings=True)


@pytest.mark.parametrize(("text", "checks"), [("false", False), ("0", False), ("True", True), ("", True)])
def test_what_is_set_counts(monkeypatch: pytest.MonkeyPatch, text: str, checks: bool) -> None:
    monkeypatch.setenv("ASK_ABOVE_USD", "1.5")
    monkeypatch.setenv("CHECK_FINDINGS", text)
    assert OrchestratorSettings.load().policy() == Policy(ask_above_usd=1.5, check_findings=checks)


@pytest.mark.parametrize(("name", "text"), [("ASK_ABOVE_USD", "-1"), ("ASK_ABOVE_USD", "x"), ("CHECK_FINDINGS", "hm")])
def test_what_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(SystemExit, match=name):
        OrchestratorSettings.load()
