"""The secrets inside the stack: made once, each for those who need it."""

import json
import stat
from pathlib import Path

import pytest

from stack import topology
from stack.ids import dashed
from stack.init import PROVERS, make_secrets
from stack.proof import of_agents
from stack.roles import AGENTS, ROLES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_secrets(tmp_path, broker="rabbitmq:5672")
    return tmp_path


def read_all(folder: Path) -> dict[str, str]:
    files = (p for p in folder.rglob("*") if p.is_file() and "rabbitmq" not in p.parts)
    return {str(p.relative_to(folder)): p.read_text() for p in files}


def test_a_second_run_changes_no_secret(folder: Path) -> None:
    before = read_all(folder)
    make_secrets(folder, broker="rabbitmq:5672")
    assert read_all(folder) == before


def test_every_secret_is_for_its_owner_alone(folder: Path) -> None:
    for name in read_all(folder):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name


def test_a_key_is_shared_by_those_who_need_it_and_by_nobody_else(folder: Path) -> None:
    secrets = {name: text for name, text in read_all(folder).items() if not name.startswith("init/")}
    holders: dict[str, set[str]] = {}
    for name, text in secrets.items():
        holders.setdefault(text, set()).add(name)
    shared = {frozenset(names) for names in holders.values() if len(names) > 1}
    assert shared == {
        frozenset({"orchestrator/MODEL_TOKEN_KEY", "proxy/MODEL_TOKEN_KEY"}),
        frozenset({"orchestrator/PROXY_READ_TOKEN", "proxy/PROXY_READ_TOKEN"}),
        frozenset({"orchestrator/FORGE_TOKEN_KEY", "forge/FORGE_TOKEN_KEY"}),
    }


def test_each_caller_of_the_orchestrators_api_has_a_token_of_its_own_and_the_orchestrator_has_all(folder: Path) -> None:
    known = json.loads((folder / "orchestrator/API_TOKENS").read_text())
    assert set(known) == {"bot", "cli", "proxy", *map(dashed, ROLES)}
    assert len(set(known.values())) == len(known)
    for caller, token in known.items():
        assert (folder / caller / "API_TOKEN").read_text() == token
    assert not (folder / "orchestrator/API_TOKEN").exists()


@pytest.mark.parametrize(("service", "name"), [("orchestrator", "INSTANCE_TOKEN_KEY"), ("bot", "REQUEST_ID_KEY")])
def test_a_key_of_one_service_it_alone_can_read(folder: Path, service: str, name: str) -> None:
    assert [str(p.relative_to(folder)) for p in folder.rglob(name)] == [f"{service}/{name}"]


def test_the_secrets_of_an_earlier_version_are_kept(folder: Path) -> None:
    """It had a token for all agents together, and files that nobody reads any more."""
    before = (folder / "pr-reviewer/BROKER_URL").read_text()
    (folder / "init/api_token_agent").write_text("not-a-token")
    (folder / "orchestrator/API_TOKEN_AGENT").write_text("not-a-token")
    make_secrets(folder, broker="rabbitmq:5672")
    assert (folder / "pr-reviewer/BROKER_URL").read_text() == before
    assert "not-a-token" not in (folder / "orchestrator/API_TOKENS").read_text()


@pytest.mark.parametrize("role", AGENTS)
def test_an_agent_holds_its_broker_user_its_api_token_and_what_is_proven_to_it_alone(folder: Path, role: str) -> None:
    names = {p.name for p in (folder / dashed(role)).iterdir()}
    assert names == {"BROKER_URL", "API_TOKEN", "FORGE_PROOF_KEY", "PROXY_PROOF_KEY"}


@pytest.mark.parametrize("server", PROVERS)
def test_an_agent_cannot_pass_for_a_server_to_another(folder: Path, server: str) -> None:
    key = (folder / server / "PROOF_KEY").read_text()
    for role in AGENTS:
        own = (folder / dashed(role) / f"{server.upper()}_PROOF_KEY").read_text()
        assert own != key
        assert own in of_agents(key)


def test_every_user_of_the_broker_has_an_address_of_its_own(folder: Path) -> None:
    for user in topology.USERS:
        address = (folder / user / "BROKER_URL").read_text()
        assert address.startswith(f"amqp://{user}:")
        assert address.endswith("@rabbitmq:5672/%2F")


def test_the_definitions_are_for_the_broker_to_read_and_hold_no_secret(folder: Path) -> None:
    path = folder / "rabbitmq/definitions.json"
    definitions = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert {user["name"] for user in json.loads(definitions)["users"]} == set(topology.USERS)
    assert not any(text in definitions for text in read_all(folder).values())
