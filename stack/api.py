"""The orchestrator's internal HTTP API, as its callers see it: runs for people's tools, tasks for who works on them."""

import threading
from datetime import datetime
from typing import Any, Literal, TypeVar
from uuid import UUID

import requests

from stack.errors import GiveUp, Refused, TryAgain
from stack.messages import Attachment, Priority, RunState
from stack.roles import TokenKind
from stack.secret import Secret, newest
from stack.sessions import session_with
from stack.values import Value

TIMEOUT_SECONDS = 10
FILE_TIMEOUT_SECONDS = 120
MOST_FILE_BYTES = 50 << 20  # what Telegram takes from a bot: https://core.telegram.org/bots/api#senddocument

RENEWED_TOKEN = "X-Renewed-Token"  # noqa: S105 - in an answer: takes the place of the one that a process has shown

T = TypeVar("T", bound=Value)


# --- what runs look like -----------------------------------------------------------------------------


class RunSummary(Value):
    """A run in a list. `seconds` is how long it took, or has taken until now; `place` counts from 1 in its queue."""

    id: UUID
    workflow: str
    title: str
    person: str
    state: RunState
    headline: str = ""
    priority: Priority = "normal"
    place: int | None = None
    started: datetime
    ended: datetime | None = None
    seconds: float
    cost_usd: float = 0
    model: str = ""


class TaskView(Value):
    """A task of a run. `outcome` is its report or failure once it is done."""

    id: UUID
    step: str
    role: str
    state: Literal["waiting", "sent", "claimed", "done"]
    attempt: int
    outcome: dict[str, Any] | None = None


class GateView(Value):
    """A question of a run, with its answer once there is one."""

    question: str
    text: str
    choices: tuple[str, ...]
    free: bool = False
    digest: str = ""
    asked: datetime
    until: datetime
    answer: str | None = None
    answered_by: str = ""


class EventView(Value):
    """Something that happened in a run."""

    at: datetime
    source: str
    kind: Literal["step", "hop", "log"]
    text: str
    data: dict[str, Any]


class RunDetail(RunSummary):
    """A run with all that is known of it."""

    details: tuple[str, ...] = ()
    tasks: tuple[TaskView, ...] = ()
    gates: tuple[GateView, ...] = ()
    events: tuple[EventView, ...] = ()


# --- what tasks look like ----------------------------------------------------------------------------


class Claim(Value):
    """The answer to a claim of a task.

    run: work on it as `attempt`, with these tokens; done: there is nothing to do for this message, since the task has
    ended, or waits and will come by a message of its own; cancelled: leave it; leased: another process works on it,
    look again later.
    """

    verdict: Literal["run", "done", "cancelled", "leased"]
    attempt: int = 0
    lease_seconds: float = 0
    tokens: dict[TokenKind, str] = {}  # noqa: RUF012 - pydantic copies it
    budget_usd: float = 0
    seconds: float = 0
    last: bool = False  # no further attempt follows, should this one end badly
    pieces: tuple[dict[str, Any], ...] = ()  # what earlier attempts have kept


class Renewal(Value):
    """The answer to a renewal: go on, stop because the run was cancelled, or stop because the lease was lost."""

    verdict: Literal["go", "cancelled", "lost"]


class Unknown(Refused):
    """The orchestrator does not know the token."""


class Caller:
    """Calls the orchestrator. Raises TryAgain where it is away, Refused without the right, else GiveUp."""

    def __init__(self, url: str, token: Secret) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._session = session_with("orchestrator", token)

    def _ask(self, kind: type[T], method: str, path: str, body: Any = None, **headers: str) -> T:
        return kind.model_validate_json(self._call(method, path, json=body, headers=headers).content)

    def _call(self, method: str, path: str, **request: Any) -> requests.Response:
        request.setdefault("timeout", TIMEOUT_SECONDS)
        headers = {"Authorization": f"Bearer {newest(self._token)}", **request.pop("headers", {})}
        try:
            answer = self._session.request(method, self._url + path, headers=headers, **request)
        except requests.RequestException as error:
            raise TryAgain("the orchestrator cannot be reached") from error
        if answer.status_code >= 500:
            raise TryAgain(f"the orchestrator answers {answer.status_code}")
        if answer.ok:
            return answer
        kind = {401: Unknown, 403: Refused}.get(answer.status_code, GiveUp)
        raise kind(_words(answer))


def _words(answer: requests.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"the orchestrator answers {answer.status_code}: {answer.text[:200]}"


class RunsApi(Caller):
    """Runs, for the bot and the command line."""

    def start(self, ask: dict[str, Any], *, key: str = "", **more: Any) -> RunSummary:
        """Begins a run: `ask` as in a Request, with its verb. With the same `key` it is begun once."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._ask(RunSummary, "POST", "/runs", {"ask": ask, **more}, **headers)

    def runs(self, *, person: str = "", limit: int = 10) -> list[RunSummary]:
        """The newest runs of a person, or of all, newest first."""
        found = self._call("GET", "/runs", params={"person": person, "limit": limit}).json()
        return [RunSummary.model_validate(run) for run in found["runs"]]

    def run(self, run_id: UUID | str) -> RunDetail:
        """One run with its tasks and events."""
        return self._ask(RunDetail, "GET", f"/runs/{run_id}")

    def cancel(self, run_id: UUID | str) -> RunSummary:
        """Stops a run. Raises GiveUp where it is too late."""
        return self._ask(RunSummary, "POST", f"/runs/{run_id}/cancel")

    def retry(self, run_id: UUID | str, *, key: str = "") -> RunSummary:
        """Has what failed of a run that has ended done again; with the same `key`, once.

        Raises GiveUp where there is nothing to do again.
        """
        headers = {"Idempotency-Key": key} if key else {}
        return self._ask(RunSummary, "POST", f"/runs/{run_id}/retry", **headers)

    def answer(self, run_id: UUID | str, question: str, choice: str, *, digest: str = "") -> RunSummary:
        """Answers a question of a run, with the `digest` of its view. Raises GiveUp where that is not what is asked."""
        said = {"question": question, "choice": choice, "digest": digest}
        return self._ask(RunSummary, "POST", f"/runs/{run_id}/answer", said)

    def keep(self, name: str, content: bytes) -> Attachment:
        """Leaves a file at the orchestrator, to go with a message. Raises GiveUp where it is too large."""
        if len(content) > MOST_FILE_BYTES:
            raise GiveUp(f"the file has {len(content) >> 20} MB, {MOST_FILE_BYTES >> 20} are most")
        answer = self._call("POST", "/files", params={"name": name}, data=content, timeout=FILE_TIMEOUT_SECONDS)
        return Attachment.model_validate_json(answer.content)

    def file(self, attachment_id: str) -> bytes:
        """The bytes of a file that goes with a message. Raises GiveUp where it is gone."""
        return self._call("GET", f"/files/{attachment_id}", timeout=FILE_TIMEOUT_SECONDS).content


class _Instance(Value):
    token: str


class TasksApi(Caller):
    """Tasks, for one process of a role: it registers with its role's token and is known by a token of its own then.

    Of several threads that find themselves unknown, one registers: a lease is held by the token that claimed it.
    """

    def __init__(self, url: str, token: Secret, *, name: str) -> None:
        super().__init__(url, token)
        self._name = name
        self._instance = ""  # the token of its own
        self._registering = threading.Lock()

    def claim(self, task_id: UUID) -> Claim:
        """Asks to work on a task."""
        return self._as_instance(Claim, f"/tasks/{task_id}/claim", {})

    def renew(self, task_id: UUID, *, attempt: int) -> Renewal:
        """Keeps the lease of a task that is being worked on."""
        return self._as_instance(Renewal, f"/tasks/{task_id}/renew", {"attempt": attempt})

    def give_back(self, task_id: UUID, *, attempt: int) -> Renewal:
        """Lets another process take a task over, at no cost."""
        return self._as_instance(Renewal, f"/tasks/{task_id}/give_back", {"attempt": attempt})

    def keep(self, task_id: UUID, *, attempt: int, piece: dict[str, Any]) -> Renewal:
        """Stores a piece of what will be the report, so that it outlives the work; the same one twice stands once."""
        return self._as_instance(Renewal, f"/tasks/{task_id}/pieces", {"attempt": attempt, "piece": piece})

    def _as_instance(self, kind: type[T], path: str, body: dict[str, Any]) -> T:
        known = self._instance or self._registered_after("")
        try:
            answer = self._as(known, path, body)
        except Unknown:  # the orchestrator was set up anew
            answer = self._as(self._registered_after(known), path, body)
        return kind.model_validate_json(answer.content)

    def _as(self, instance: str, path: str, body: dict[str, Any]) -> requests.Response:
        answer = self._call("POST", path, json=body, headers={"Authorization": f"Bearer {instance}"})
        self._instance = answer.headers.get(RENEWED_TOKEN) or self._instance
        return answer

    def _registered_after(self, known: str) -> str:
        """The token that takes the place of `known`."""
        with self._registering:
            if self._instance == known:
                self._instance = self._ask(_Instance, "POST", "/instances", {"name": self._name}).token
            return self._instance
