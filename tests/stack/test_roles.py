"""Roles: a row each, which the rest is made from."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from stack import topology
from stack.people import RIGHTS, Person, Right, Standing
from stack.roles import AGENTS, ROLES, Role

ROOT = Path(__file__).parents[2]
# What a service that waits for work does without: web servers, workflows, databases, Telegram, Claude.
HEAVY = ("flask", "werkzeug", "waitress", "sqlalchemy", "sqlite3", "aiogram", "aiohttp", "anyio", "gevent")
of_each_role = pytest.mark.parametrize("role", ROLES.values(), ids=lambda role: role.name)


@of_each_role
def test_a_task_ends_before_the_broker_takes_its_delivery_back(role: Role) -> None:
    assert 3 * role.minutes * 60 * 1000 <= topology.CONSUMER_TIMEOUT_MS


@of_each_role
def test_what_one_person_may_have_under_way_leaves_room_for_the_others(role: Role) -> None:
    assert 1 <= role.per_person <= role.at_once
    assert role.attempts >= 1


@of_each_role
def test_who_calls_models_has_a_budget_and_a_token_and_nobody_else_has(role: Role) -> None:
    assert role.is_agent == (role.budget_usd > 0) == ("model" in role.tokens)


def test_the_agents_are_the_roles_with_a_model() -> None:
    assert "pr_reviewer" in AGENTS
    assert "forge" not in AGENTS


# --- people -------------------------------------------------------------------------------------------

MAY = {
    "viewer": {"look"},
    "requester": {"look", "start"},
    "approver": {"look", "start", "approve"},
    "admin": {"look", "start", "approve", "manage"},
}


@pytest.mark.parametrize("standing", get_args(Standing))
def test_what_a_person_may_do_follows_from_their_standing(standing: Standing) -> None:
    person = Person(id="telegram:1", standing=standing)
    assert {right for right in get_args(Right) if person.may(right)} == MAY[standing] == set(RIGHTS[standing])


def test_a_person_of_whom_nothing_is_said_may_ask() -> None:
    assert Person(id="cli").standing == "requester"


# --- what waits is small ------------------------------------------------------------------------------


def test_a_service_that_waits_for_work_has_loaded_nothing_heavy() -> None:
    """All of `stack` but its web server, which only those load that have one."""
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in sorted((ROOT / "stack").rglob("*.py"))
        if path.name != "web.py" and not path.name.startswith("__")
    ]
    script = f"import sys, {', '.join(modules)}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not {*HEAVY, "claude_agent_sdk"} & set(done.stdout.split())
