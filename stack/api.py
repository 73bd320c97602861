"""The orchestrator's internal HTTP API, as its callers see it."""

from typing import Any, Literal
from uuid import UUID

import requests

from stack.errors import GiveUp, Refused, TryAgain
from stack.messages import Value

TIMEOUT_SECONDS = 10


class Claim(Value):
    """The answer to a claim of a task.

    run: work on it as `attempt`, with these tokens; done: it has a stored result; cancelled: leave it; leased:
    another process works on it, look again later.
    """

    verdict: Literal["run", "done", "cancelled", "leased"]
    attempt: int = 0
    lease_seconds: float = 0
    model_token: str = ""
    forge_token: str = ""
    budget_usd: float = 0
    seconds: float = 0


class Renewal(Value):
    """The answer to a renewal: go on, stop because the run was cancelled, or stop because the lease was lost."""

    verdict: Literal["go", "cancelled", "lost"]


class OrchestratorApi:
    """Calls the orchestrator. Raises TryAgain where it is away, Refused without the right, else GiveUp."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def claim(self, task_id: UUID, *, holder: str, instance: str) -> Claim:
        """Asks to work on a task. `holder` survives a restart of the process, `instance` does not."""
        answer = self._call("POST", f"/tasks/{task_id}/claim", {"holder": holder, "instance": instance})
        return Claim.model_validate(answer)

    def renew(self, task_id: UUID, *, attempt: int) -> Renewal:
        """Keeps the lease of a task that is being worked on."""
        return Renewal.model_validate(self._call("POST", f"/tasks/{task_id}/renew", {"attempt": attempt}))

    def runs(self, *, person: str, limit: int = 10) -> list[dict[str, Any]]:
        """The newest runs of a person, newest first."""
        answer = self._call("GET", f"/runs?person={person}&limit={limit}")
        return list(answer["runs"])

    def run(self, run_id: UUID | str) -> dict[str, Any]:
        """One run with its tasks and events."""
        return self._call("GET", f"/runs/{run_id}")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            answer = self._session.request(method, self._url + path, json=body, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise TryAgain("the orchestrator cannot be reached") from error
        if answer.status_code >= 500:
            raise TryAgain(f"the orchestrator answers {answer.status_code}")
        if answer.status_code in (401, 403):
            raise Refused(f"the orchestrator refuses: {answer.text[:200]}")
        if not answer.ok:
            raise GiveUp(f"the orchestrator answers {answer.status_code}: {answer.text[:200]}")
        try:
            result: dict[str, Any] = answer.json()
        except ValueError as error:
            raise TryAgain("the orchestrator's answer cannot be read") from error
        return result
