"""Callers: a service by its token, a process by the one that it got as it registered; each process its own."""

import pytest
from itsdangerous import URLSafeSerializer

from orchestrator.callers import INSTANCE_VERBS, VERBS, Callers, Unknown
from orchestrator.store import TaskRow
from stack.ids import dashed
from stack.roles import ROLES
from stack.topology import USERS
from tests.orchestrator.serving import GOOD, INSTANCE_KEY, TOKENS


@pytest.fixture
def callers() -> Callers:
    return Callers(lambda: GOOD, instance_key=INSTANCE_KEY)


def test_a_token_is_its_callers(callers: Callers) -> None:
    for name, verbs in VERBS.items():
        found = callers.of(TOKENS[name])
        assert (found.name, found.verbs - {"alive"}, found.role, found.instance) == (name, verbs - {"alive"}, "", "")


def test_every_role_has_a_token_and_so_has_every_caller_that_asks(callers: Callers) -> None:
    assert {dashed(role) for role in ROLES} <= VERBS.keys()
    assert VERBS.keys() - {dashed(role) for role in ROLES} == {"bot", "cli", "proxy"}
    assert {dashed(role) for role in ROLES} <= USERS.keys()


def test_proxy_and_forge_ask_whether_a_token_lives_and_nobody_else_does(callers: Callers) -> None:
    assert {name for name in TOKENS if "alive" in callers.of(TOKENS[name]).verbs} == {"proxy", "forge"}


def test_a_caller_of_the_settings_that_the_table_does_not_know_may_do_nothing(callers: Callers) -> None:
    assert callers.of(TOKENS["scheduler"]).verbs == frozenset()


@pytest.mark.parametrize("role", ROLES)
def test_each_process_that_registers_is_somebody_else(callers: Callers, role: str) -> None:
    by_role = callers.of(TOKENS[dashed(role)])
    processes = [callers.of(callers.register(by_role, "the same name")) for _ in range(20)]
    assert {process.role for process in processes} == {role}
    assert {process.verbs for process in processes} == {INSTANCE_VERBS}
    assert len({process.instance for process in processes}) == 20
    assert all(process.instance.startswith("the same name/") for process in processes)


def test_a_long_or_strange_name_of_a_process_fits(callers: Callers) -> None:
    room = TaskRow.__table__.c.instance.type.length  # type: ignore[attr-defined]
    for name in ("x" * 5000, "ü🎨\x00/../", ""):
        token = callers.register(callers.of(TOKENS["forge"]), name)
        assert token.isascii()
        assert len(callers.of(token).instance) <= room


def test_a_token_outlives_a_restart(callers: Callers) -> None:
    token = callers.register(callers.of(TOKENS["forge"]), "one")
    assert Callers(lambda: GOOD, instance_key=INSTANCE_KEY).of(token) == callers.of(token)


def test_a_token_of_another_key_is_nobodys(callers: Callers) -> None:
    other = Callers(lambda: GOOD, instance_key="another key")
    with pytest.raises(Unknown):
        callers.of(other.register(other.of(TOKENS["forge"]), "one"))


@pytest.mark.parametrize(
    "content", [["a-role-that-is-gone", "x"], ["forge"], ["forge", "a", "b"], "forge", 7, None, []]
)
def test_a_token_of_ours_that_names_no_role_of_today_is_nobodys(callers: Callers, content: object) -> None:
    token = URLSafeSerializer(INSTANCE_KEY, salt="claude-stack.instance").dumps(content)
    with pytest.raises(Unknown):
        callers.of(str(token))


@pytest.mark.parametrize("token", ["", "x", "é", "\x00", ".", "W10.x", "not-a-token-of-cli ", "not-a-token-of-"])
def test_what_is_no_token_is_nobodys(callers: Callers, token: str) -> None:
    with pytest.raises(Unknown, match="needs a caller's token"):
        callers.of(token)
