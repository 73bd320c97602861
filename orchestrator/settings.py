"""The orchestrator's settings; each field is an environment variable of the same name in capitals."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from orchestrator.tasks import roles_with
from stack.roles import Role
from stack.secret import lines_of, newest, seen
from stack.settings import BrokerSettings


@dataclass(frozen=True)
class Policy:
    """What the owner has set for the orchestrator's own work: dollars above which a person is asked (None: never), and
    whether findings get a second look."""

    ask_above_usd: float | None = None
    check_findings: bool = True


class OrchestratorSettings(BrokerSettings):
    """Where it keeps its runs, who may call it, and the limits of a task."""

    orchestrator_host: str = Field(default="127.0.0.1", description="Address that the internal API listens on")
    orchestrator_port: int = Field(default=8001, description="Port of the internal API")
    data_dir: Path = Field(description="Folder of the database and of files that go with messages")
    database_url: str = Field(default="", description="Database of the runs; SQLite in DATA_DIR if empty")
    model_token_key: SecretStr = Field(description="Signs the tokens for model calls; shared with the proxy")
    forge_token_key: SecretStr = Field(description="Signs the tokens for git; shared with the forge")
    instance_token_key: SecretStr = Field(description="Signs the tokens of processes that register")
    api_tokens: SecretStr = Field(description="Tokens of each caller of the internal API, as a JSON object")
    proxy_url: str = Field(default="http://127.0.0.1:8003", description="Address of the model proxy")
    proxy_read_token: SecretStr = Field(description="Lets the orchestrator read what a run cost")
    task_budget_usd: float | None = Field(default=None, gt=0, description="Most that an agent's task may spend")
    task_minutes: int | None = Field(
        default=None, ge=1, le=60, description="Hard limit of one conversation with Claude"
    )
    role_limits: str = Field(default="", description="Limits by role, as JSON; the names are those of stack/roles.py")

    ask_above_usd: float | None = Field(
        default=None, ge=0, description="Ask before a review that will likely cost more; never if empty"
    )
    check_findings: bool = Field(default=True, description="Have each finding looked at a second time")

    @field_validator("role_limits")
    @classmethod
    def _are_limits(cls, text: str) -> str:
        roles_with(json.loads(text or "{}"), budget_usd=None, minutes=None)
        return text

    def roles(self) -> Mapping[str, Role]:
        """The table of roles, with what is set otherwise here."""
        return roles_with(
            json.loads(self.role_limits or "{}"), budget_usd=self.task_budget_usd, minutes=self.task_minutes
        )

    def policy(self) -> Policy:
        """What the owner has set for work that is done here."""
        return Policy(ask_above_usd=self.ask_above_usd, check_findings=self.check_findings)

    def callers(self) -> Mapping[str, Sequence[str]]:
        """The tokens of each caller that are good now, the newest first."""
        return _callers(newest(self.secret("api_tokens")))

    def secrets(self) -> list[str]:
        known = (_callers(text).values() for text in seen(self.secret("api_tokens")))
        return [*super().secrets(), *(token for callers in known for tokens in callers for token in tokens)]


@lru_cache(maxsize=8)  # it is asked for at each call, and at each line of the log
def _callers(text: str) -> Mapping[str, Sequence[str]]:
    return {str(name): lines_of(str(lines)) for name, lines in json.loads(text).items()}
