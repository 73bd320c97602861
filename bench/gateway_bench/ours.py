"""Our proxy as a contender: `python -m proxy` of a checkout, with everything on that a stack has on."""

import json
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from uuid import uuid4

from bench.gateway_bench.contenders import CREDENTIALS, PACED, PROVIDER_KEY, Contender
from bench.gateway_bench.running import Command, NotStarted

TOKEN_KEY = "invented-signing-key"  # noqa: S105 - invented
READ_TOKEN = "invented-read-token"  # noqa: S105 - invented
TASKS_PER_RUN = 4
# Dollars: never reached, but looked at in every call.
BUDGET_USD = 1_000_000
SECONDS = 60
SETTINGS = "from proxy.settings import ProxySettings as S; print(*(name.upper() for name in S.model_fields))"
SIGN = """
import json, sys
from stack.tokens import Claims, sign
print(*(sign(sys.argv[1], "model", Claims(**claims)) for claims in json.loads(sys.argv[2])))
"""


class Ours(Contender):
    """A checkout of ours. It must be transparent: the upstream speaks Anthropic's wire, no model is renamed."""

    transparent = True

    def __init__(self, upstream: int, folder: Path, *, name: str, checkout: Path) -> None:
        super().__init__(upstream, folder)
        self.name = name
        self.note = "python -m proxy: 2 workers, tokens of 16 tasks, ledger in SQLite on disk"
        self._checkout = checkout
        self._runs: list[str] = []

    def command(self) -> Command:
        """Every start has a new, empty ledger. Raises NotStarted where the settings cannot be read."""
        limits = [name for name in self._settings() if name.startswith("LIMIT_") and name.endswith("_USD")]
        self.note = f"{self.note.split('; limits')[0]}; limits set: {', '.join(limits) or 'those of the task alone'}"
        upstream = f"http://127.0.0.1:{self._upstream}"
        environment = {
            "PROXY_PORT": str(self.port), "PROXY_WORKERS": "2", "DATA_DIR": str(self._folder / f"data-{uuid4()}"),
            "MODEL_TOKEN_KEY": TOKEN_KEY, "PROXY_READ_TOKEN": READ_TOKEN, "NO_PROXY": "127.0.0.1",
            "SONNET_PROVIDER_BASE_URL": upstream, "SONNET_PROVIDER_API_KEY": PROVIDER_KEY,
            "HAIKU_PROVIDER_BASE_URL": upstream + PACED, "HAIKU_PROVIDER_API_KEY": PROVIDER_KEY,
            **dict.fromkeys(limits, str(BUDGET_USD)),
        }  # fmt: skip
        return Command([self._interpreter(), "-m", "proxy"], self.port, "/healthz", self._checkout, environment)

    def credentials(self) -> list[str]:
        """Tokens of new tasks, signed by the checkout's code: four runs of four tasks, each run another person's."""
        self._runs = [str(uuid4()) for _ in range(CREDENTIALS // TASKS_PER_RUN)]
        claims = [claims_of(run, str(person)) for person, run in enumerate(self._runs) for _ in range(TASKS_PER_RUN)]
        return self._python(SIGN, TOKEN_KEY, json.dumps(claims))

    def counted(self) -> int | None:
        """What the ledger says of the runs of the last credentials."""
        return sum(self._calls(run) for run in self._runs)

    def _calls(self, run: str) -> int:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", f"/usage/{run}", headers={"authorization": f"Bearer {READ_TOKEN}"})
            return int(json.loads(connection.getresponse().read())["calls"])
        finally:
            connection.close()

    def _settings(self) -> list[str]:
        """The names of the settings of this checkout: older ones have fewer."""
        return self._python(SETTINGS)

    def _python(self, *arguments: str) -> list[str]:
        """The words that a program prints, run in the checkout. Raises NotStarted where it fails."""
        command = [self._interpreter(), "-c", *arguments]
        try:
            done = subprocess.run(command, cwd=self._checkout, capture_output=True, text=True, timeout=SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotStarted(str(error)) from error
        if done.returncode:
            raise NotStarted(done.stderr.strip()[-200:])
        return done.stdout.split()

    def _interpreter(self) -> str:
        own = self._checkout / ".venv/bin/python"
        return str(own) if own.exists() else sys.executable


def claims_of(run: str, person: str) -> dict[str, object]:
    """What the token of a new task says."""
    return {
        "run": run, "task": str(uuid4()), "person": person, "role": "pr_reviewer", "attempt": 1,
        "budget_usd": BUDGET_USD, "expires": time.time() + 7200,
    }  # fmt: skip
