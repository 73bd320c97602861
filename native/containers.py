"""The stack in containers, seen from the host. Compose learns its files and the project's name from the environment."""

import json
import subprocess
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from stack.api import RunDetail

ROOT = Path(__file__).parent.parent
# Asks as the command line would. Runs inside, because the orchestrator is published nowhere.
NEWEST_RUN = """
import json, os, sys
from pathlib import Path
from stack.api import RunsApi
tokens = json.loads(Path(os.environ["SECRETS_DIR"], "API_TOKENS").read_text())
api = RunsApi("http://127.0.0.1:8001", tokens["cli"].split()[0])
print(api.run(api.runs(person=sys.argv[1], limit=1)[0].id).model_dump_json())
"""


class Containers:
    """A running project. Each method raises RuntimeError with Docker's words where it does not work out."""

    def newest_run(self, person: str) -> RunDetail:
        """The newest run of a person, as the orchestrator's API shows it."""
        return RunDetail.model_validate_json(self.run("orchestrator", "python", "-c", NEWEST_RUN, person))

    def run(self, service: str, *command: str, user: str = "", index: int = 1) -> str:
        """What a command prints that runs beside a service, as the service's user or as `user`."""
        options = ["--index", str(index), *(["--user", user] if user else [])]
        return _output("docker", "compose", "exec", "-T", *options, service, *command)

    def start(
        self, service: str, script: str, *, before: Sequence[str] = (), index: int = 1
    ) -> "subprocess.Popen[str]":
        """Starts a Python script beside a service, as root, and returns once it has written a line.

        `before` is a command that starts it as somebody else.
        """
        options = ["--index", str(index), "--user", "root"]
        process = subprocess.Popen(
            ["docker", "compose", "exec", "-T", *options, service, *before, "python", "-c", script],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout  # noqa: S101 - asked for above
        process.stdout.readline()
        return process

    @cached_property
    def services(self) -> dict[str, Any]:
        """Each service as Compose understands it, with all settings filled in."""
        services: dict[str, Any] = json.loads(_output("docker", "compose", "config", "--format", "json"))["services"]
        return services

    def inspected(self, service: str) -> list[dict[str, Any]]:
        """What Docker tells of each container of a service."""
        ids = _output("docker", "compose", "ps", "--quiet", service).split()
        found: list[dict[str, Any]] = json.loads(_output("docker", "inspect", *ids))
        return found

    def environments(self, service: str) -> list[str]:
        """NAME=value of each container of a service, as Docker passes it."""
        return [pair for container in self.inspected(service) for pair in container["Config"]["Env"]]

    def compose(self, *arguments: str) -> str:
        """What `docker compose` prints."""
        return _output("docker", "compose", *arguments)


def _output(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:5])} …: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout
