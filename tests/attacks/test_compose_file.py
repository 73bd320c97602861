"""What the containers may do, as the Compose files have it: more than what is listed here takes a line here."""

from typing import Any

import pytest

from stack.ids import dashed
from stack.roles import AGENTS
from tests.test_settings_agree import compose

SERVICES: dict[str, dict[str, Any]] = {
    **compose("docker-compose.sim.yml")["services"],
    **compose()["services"],  # of those in both, what stands in the first file
}
# Rights of root, by service. An agent drops the last two before anything else runs (agents/container.sh).
RIGHTS = {
    "init": ["CHOWN"],
    "rotate": ["CHOWN"],
    **{dashed(role): ["CHOWN", "KILL", "SETGID", "SETUID", "NET_ADMIN", "SETPCAP"] for role in AGENTS},
}
WRITES_TO_ITS_IMAGE = {"rabbitmq"}  # as its makers have it
# Settings of Compose that would give a container more of the machine than its own.
NEVER = {"privileged", "pid", "ipc", "uts", "userns_mode", "devices", "device_cgroup_rules", "cgroup_parent", "sysctls"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_has_the_rights_that_are_listed_and_no_way_to_more(service: str) -> None:
    described = SERVICES[service]
    assert described["cap_drop"] == ["ALL"]
    assert described.get("cap_add", []) == RIGHTS.get(service, [])
    assert described["security_opt"] == ["no-new-privileges:true"]
    assert not NEVER & set(described)


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_sees_nothing_of_the_machine_and_changes_nothing_of_its_image(service: str) -> None:
    described = SERVICES[service]
    assert [v for v in described.get("volumes", []) if v.startswith((".", "/")) and ":" in v] == (
        ["./config:/app/config:ro"] if service == "proxy" else []
    )
    assert described.get("read_only", False) == (service not in WRITES_TO_ITS_IMAGE)
    assert described.get("network_mode", "none") == "none"


@pytest.mark.parametrize("role", AGENTS)
def test_an_agent_is_limited_and_starts_behind_its_filter(role: str) -> None:
    described = SERVICES[dashed(role)]
    assert described["entrypoint"] == ["agents/container.sh"]
    assert described["environment"]["AGENT_CONTAINED"] == "true"
    assert {"mem_limit", "pids_limit", "cpu_shares", "oom_score_adj", "shm_size"} <= set(described)
    assert all("size=" in folder for folder in described["tmpfs"])
