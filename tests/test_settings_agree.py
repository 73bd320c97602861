"""What must agree: the settings classes, `.env.example`, Compose, the secrets that `stack.init` makes, the queues."""

import re
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from agents.settings import AgentSettings
from bot.settings import BotSettings
from forge.settings import ForgeSettings
from native.stack import Stack
from native.up import scaled
from orchestrator.settings import OrchestratorSettings
from proxy.settings import ProxySettings
from stack import topology
from stack.ids import dashed
from stack.init import CALLERS, PROVERS, SHARED
from stack.roles import AGENTS, ROLES, Role
from stack.settings import Settings

ROOT = Path(__file__).parent.parent
ANYWHERE = "0.0.0.0"  # noqa: S104 - in a container, on its own networks
PROXY_TIERS = ("SONNET", "HAIKU", "OPUS")
RESET = "taken away"
GATEWAY_FOLDER = "/app/config"
MODULES: dict[str, type[Settings]] = {
    "orchestrator": OrchestratorSettings,
    "forge": ForgeSettings,
    "proxy": ProxySettings,
    "bot": BotSettings,
    "agents": AgentSettings,
}
# Settings that nobody sets from outside: Compose and the native stack know them. All others stand in .env.example.
INSIDE = {
    "SERVICE_NAME", "HEARTBEAT_FILE", "DATA_DIR", "CLAUDE_CLI", "AGENT_ROLE", "AGENT_SLOT_UID", "AGENT_CONTAINED",
    "ORCHESTRATOR_HOST", "ORCHESTRATOR_PORT", "ORCHESTRATOR_URL",
    "FORGE_HOST", "FORGE_PORT", "FORGE_URL",
    "PROXY_HOST", "PROXY_PORT", "PROXY_URL",
}  # fmt: skip
# Read by `stack.settings` and `stack.health` themselves, before there are settings.
BEFORE_SETTINGS = {"SECRETS_DIR", "HEALTH_URL"}
# Read by the Compose files alone.
PUBLISHED_PORTS = {"NOT_TELEGRAM_PORT", "NOT_GITHUB_PORT", "GATEWAY_PORT"}
# Of the stack without containers alone: a container is the boundary of one slot.
NOT_OF_COMPOSE = {"AGENT_SLOTS"}


class ComposeLoader(yaml.SafeLoader):
    """Reads YAML with Compose's own tag: `!reset` takes away what the files before have."""


ComposeLoader.add_constructor("!reset", lambda _loader, _node: RESET)


def compose(name: str = "docker-compose.yml") -> dict[str, Any]:
    content: dict[str, Any] = yaml.load((ROOT / name).read_text(), ComposeLoader)  # noqa: S506 - a safe one
    return content


def services() -> dict[str, tuple[type[Settings], dict[str, Any]]]:
    """Each service that has settings: their class, and what Compose says of it."""
    found = {}
    for name, service in compose()["services"].items():
        module = service.get("command", ["", "", ""])[2]
        if module in MODULES:
            found[name] = (MODULES[module], service)
    return found


SERVICES = services()
of_each_service = pytest.mark.parametrize("service", SERVICES)


def fields(settings: type[Settings]) -> set[str]:
    return {name.upper() for name in settings.model_fields}


def made(service: str) -> set[str]:
    """The secrets that `stack.init` makes for a service."""
    names = {places[service] for places in SHARED.values() if service in places}
    names |= {"BROKER_URL"} if service in topology.USERS else set()
    names |= {"API_TOKEN"} if service in CALLERS else set()
    names |= {"PROOF_KEY"} if service in PROVERS else set()
    names |= {f"{server.upper()}_PROOF_KEY" for server in PROVERS if service in map(dashed, AGENTS)}
    return names | ({"API_TOKENS"} if service == "orchestrator" else set())


def from_outside(service: str) -> set[str]:
    settings, _ = SERVICES[service]
    return fields(settings) - INSIDE - made(service)


def env_example() -> dict[str, tuple[str, bool]]:
    """Each variable with its value, and whether it stands alone: what is commented out shows a default."""
    lines = re.findall(r"^(# )?([A-Z][A-Z0-9_]*)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert len(lines) == len({name for _, name, _ in lines})
    return {name: (value, not comment) for comment, name, value in lines}


def default(name: str) -> str:
    """The default of a setting as it would stand in a file, where a class has the setting."""
    values = {
        cls.model_fields[name.lower()].get_default() for cls, _ in SERVICES.values() if name.lower() in cls.model_fields
    }
    assert len(values) == 1
    value = values.pop()
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return str(value) if value else ""


def test_every_service_of_the_stack_has_settings() -> None:
    assert {cls for cls, _ in SERVICES.values()} == set(MODULES.values())


def test_env_example_has_every_setting_from_outside_and_nothing_else() -> None:
    assert set(env_example()) == set().union(*map(from_outside, SERVICES)) | PUBLISHED_PORTS


@pytest.mark.parametrize("name", sorted(set(env_example()) - PUBLISHED_PORTS))
def test_env_example_shows_the_default_of_a_setting_unless_it_must_be_set(name: str) -> None:
    value, must_be_set = env_example()[name]
    assert value == ("" if must_be_set else default(name))


def test_what_must_be_set_is_marked_in_env_example() -> None:
    text = (ROOT / ".env.example").read_text()
    for name, (_, must_be_set) in env_example().items():
        comment = text[: text.index(f"{name}=")].removesuffix("# ").splitlines()[-1]
        assert comment.startswith("# "), f"{name} is not explained"
        assert comment.endswith("MUST BE SET") == must_be_set, name


@of_each_service
def test_a_setting_without_a_default_is_made_inside_passed_by_compose_or_marked(service: str) -> None:
    settings, described = SERVICES[service]
    marked = {name for name, (_, must_be_set) in env_example().items() if must_be_set}
    required = {name.upper() for name, field in settings.model_fields.items() if field.is_required()}
    assert required - from_outside(service) <= made(service) | set(described["environment"])
    assert required & from_outside(service) <= marked


@of_each_service
def test_a_service_gets_each_of_its_settings_from_outside_as_it_stands(service: str) -> None:
    environment = SERVICES[service][1]["environment"]
    passed = {name: value for name, value in environment.items() if "$" in str(value)}
    assert passed == {name: f"${{{name}:-}}" for name in from_outside(service) - NOT_OF_COMPOSE}


@of_each_service
def test_the_stack_without_containers_passes_on_the_same_settings(service: str, tmp_path: Path) -> None:
    """And no others: each secret goes to the one service that holds it."""
    process = Stack(tmp_path, outside=dict.fromkeys(env_example(), "x")).services[service]
    assert set(process.environment) & set(env_example()) == from_outside(service)
    assert Path(process.environment["SECRETS_DIR"]) == tmp_path / "secrets" / service


@of_each_service
def test_compose_sets_nothing_that_a_service_does_not_read(service: str) -> None:
    settings, described = SERVICES[service]
    assert set(described["environment"]) <= fields(settings) | BEFORE_SETTINGS
    assert not set(described["environment"]) & made(service)


@of_each_service
def test_the_simulated_world_changes_only_settings_that_a_service_reads(service: str) -> None:
    changed = compose("docker-compose.sim.yml")["services"].get(service, {}).get("environment", {})
    assert set(changed) <= from_outside(service)


@of_each_service
def test_no_token_key_or_address_of_the_real_world_gets_into_the_simulated_one(service: str) -> None:
    changed = compose("docker-compose.sim.yml")["services"].get(service, {}).get("environment", {})
    tiers = "|".join(PROXY_TIERS)
    real = re.compile(rf"(TELEGRAM|GITHUB)_.*|ALLOWED_USERS|GATEWAY_FILE|LEDGER_URL|({tiers})_(PROVIDER.*|MODEL)")
    assert set(filter(real.fullmatch, from_outside(service))) <= set(changed)


@of_each_service
def test_the_proxy_alone_gets_the_keys_of_the_gateways_file(service: str) -> None:
    """The example says where they stand; none of it is in git, and an agent sees nothing of it."""
    described = SERVICES[service][1]
    mounted = [volume for volume in described["volumes"] if volume.startswith(".")]
    expected = ([f"./config:{GATEWAY_FOLDER}:ro"], [{"path": "config/gateway.env", "required": False}])
    assert (mounted, described.get("env_file")) == (expected if service == "proxy" else ([], None))


def test_nothing_of_the_gateways_file_gets_into_the_simulated_world() -> None:
    proxy = compose("docker-compose.sim.yml")["services"]["proxy"]
    assert proxy["env_file"] == RESET
    assert proxy["volumes"] == [f"not-config:{GATEWAY_FOLDER}:ro"]


def test_what_lies_in_config_is_not_for_git() -> None:
    assert (ROOT / "config/.gitignore").read_text().splitlines()[1:] == ["*", "!.gitignore"]
    assert "config" not in (ROOT / ".dockerignore").read_text()


@of_each_service
def test_addresses_inside_are_those_that_the_services_listen_on(service: str) -> None:
    ports = {name: cls.model_fields[f"{name}_port"].default for name, (cls, _) in SERVICES.items() if listens(name)}
    addresses = {f"{name.upper()}_URL": f"http://{name}:{port}" for name, port in ports.items()}
    environment = SERVICES[service][1]["environment"]
    assert {name: value for name, value in environment.items() if name in addresses}.items() <= addresses.items()
    assert environment.get(f"{service.upper()}_HOST") == (ANYWHERE if listens(service) else None)


def listens(service: str) -> bool:
    return f"{service}_port" in SERVICES[service][0].model_fields


@pytest.mark.parametrize("service", [*SERVICES, topology.OPERATOR])
def test_a_service_mounts_its_own_secrets_alone_and_cannot_write_them(service: str) -> None:
    whole = compose()
    described = whole["services"][service]
    mounted = [volume for volume in described["volumes"] if volume.startswith("secrets")]
    assert mounted == [f"secrets-{service}:/secrets:ro"]
    assert described["environment"]["SECRETS_DIR"] == "/secrets"
    assert f"secrets-{service}:/secrets/{service}" in whole["services"]["init"]["volumes"], "init fills it"
    assert f"secrets-{service}" in whole["volumes"]


def test_init_fills_a_volume_for_each_of_those_who_have_secrets_and_no_other() -> None:
    mounted = {volume.split(":")[0] for volume in compose()["services"]["init"]["volumes"]}
    secretive = {"orchestrator", "rabbitmq", *CALLERS, *topology.USERS}
    assert mounted == {"secrets", *(f"secrets-{service}" for service in secretive)}
    assert mounted == {volume for volume in compose()["volumes"] if volume.startswith("secrets")}


def test_the_command_line_is_started_by_who_uses_it_alone() -> None:
    described = compose()["services"][topology.OPERATOR]
    assert described["profiles"] == [topology.OPERATOR]
    assert (described["entrypoint"], described["networks"]) == (["python", "-m", "stack"], ["inside"])


def test_what_renews_secrets_has_what_makes_them_and_no_network() -> None:
    made, described = compose()["services"]["init"], compose()["services"]["rotate"]
    assert described["entrypoint"] == ["python", "-m", "stack", "rotate", "--folder", made["command"][3]]
    same = ("image", "user", "read_only", "cap_drop", "cap_add", "security_opt", "network_mode", "volumes")
    assert {name: described[name] for name in same} == {name: made[name] for name in same}
    assert described["profiles"] == ["rotate"]


# --- roles --------------------------------------------------------------------------------------------


def test_each_queue_has_a_service_that_consumes_it() -> None:
    assert {queue for consumed, _, _ in topology.USERS.values() for queue in consumed} == set(topology.QUEUES)
    assert set(topology.USERS) - {topology.OPERATOR} == {name for name in SERVICES if "BROKER_URL" in made(name)}


def test_each_agents_role_has_a_service_and_the_other_way_round() -> None:
    roles = {
        described["environment"]["AGENT_ROLE"]: name for name, (_, described) in SERVICES.items() if is_agent(name)
    }
    assert roles == {role: dashed(role) for role in AGENTS}


@pytest.mark.parametrize("role", AGENTS)
def test_an_agent_is_the_template_with_its_role_and_its_secrets(role: str) -> None:
    """So that a new one is a few lines, and what holds for one holds for all."""
    template, described = compose()["x-agent"], compose()["services"][dashed(role)]
    environment = {**template["environment"], "AGENT_ROLE": role}
    volumes = ["/data", f"secrets-{dashed(role)}:/secrets:ro"]
    whole = {**template, "environment": environment, "volumes": volumes}
    if "build" in described:  # one of them builds the image, for all
        whole |= {"build": {"context": ".", "target": "agent"}, "pull_policy": "missing"}
    assert described == whole
    assert template["networks"] == ["inside"]


@pytest.mark.parametrize("role", AGENTS)
def test_without_containers_there_are_as_many_of_a_role_as_one_says(role: str, tmp_path: Path) -> None:
    name = dashed(role)
    assert name in Stack(tmp_path).services
    services = Stack(tmp_path, agents=dict([scaled(f"{name}=3")])).services
    some = [services[f"{name}-{n}"].environment for n in (1, 2, 3)]
    assert {e["AGENT_ROLE"] for e in some} == {role}
    assert {e["SECRETS_DIR"] for e in some} == {str(tmp_path / "secrets" / name)}
    for own in ("AGENT_SLOT_UID", "DATA_DIR", "SERVICE_NAME"):
        assert len({e[own] for e in some}) == 3


@pytest.mark.parametrize("text", ["", "nobody=1", "pr-reviewer", "pr-reviewer=", "pr-reviewer=0", "pr-reviewer=two"])
def test_how_many_is_said_in_words_or_refused_in_words(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match=r"there is no agent|how many\?"):
        scaled(text)


@pytest.mark.parametrize("image", ["service", "agent"])
def test_each_image_is_built_once(image: str) -> None:
    """Each build would give it another id."""
    using = [service for service in compose()["services"].values() if service["image"].endswith(f"-{image}")]
    building = [service for service in using if "build" in service]
    assert [service["build"]["target"] for service in building] == [image]
    assert {service["pull_policy"] for service in using if service not in building} <= {"never"}


@pytest.mark.parametrize("role", ROLES.values(), ids=lambda role: role.name)
def test_a_role_has_its_service_its_queue_its_token_and_time_to_give_back_what_it_does(role: Role) -> None:
    service = dashed(role.name)
    assert service in SERVICES
    assert topology.work_queue(role.name) in topology.QUEUES
    assert {"BROKER_URL", "API_TOKEN"} <= made(service)
    grace = compose()["services"][service]["stop_grace_period"]
    assert int(grace.removesuffix("s")) >= 60


@of_each_service
def test_an_agent_alone_has_no_way_out_and_runs_the_image_with_claude_code(service: str) -> None:
    described = SERVICES[service][1]
    assert described["image"].endswith("-agent" if is_agent(service) else "-service")
    assert "inside" in described["networks"]
    assert not (is_agent(service) and described["networks"] != ["inside"])
    assert compose()["networks"]["inside"]["internal"] is True


def is_agent(service: str) -> bool:
    return SERVICES[service][0] is AgentSettings


def test_secrets_belong_to_the_user_that_services_run_as() -> None:
    user = re.search(r"useradd --uid (\d+)", (ROOT / "Dockerfile").read_text())
    command = compose()["services"]["init"]["command"]
    assert user
    assert command[command.index("--owner") + 1] == user[1]


def test_only_pages_and_the_gateway_are_published_and_on_this_machine_alone() -> None:
    example = env_example()

    def published(name: str) -> dict[str, list[str]]:
        return {
            name: service["ports"]
            for name, service in compose(name)["services"].items()
            if service.get("ports", RESET) != RESET
        }

    def on_loopback(variable: str) -> list[str]:
        return [f"127.0.0.1:${{{variable}:-{example[variable][0]}}}:{example[variable][0]}"]

    assert published("docker-compose.yml") == {"proxy": on_loopback("GATEWAY_PORT")}
    assert published("docker-compose.sim.yml") == {
        "not-telegram": on_loopback("NOT_TELEGRAM_PORT"), "not-github": on_loopback("NOT_GITHUB_PORT"),
    }  # fmt: skip
