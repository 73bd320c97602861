"""What a claim grants: the tokens of the role's kinds, good for this task alone, and its limits."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf

from orchestrator.store import TaskRow
from stack import tokens
from stack.api import Claim
from stack.messages import Task, decode
from stack.roles import ROLES, Role, TokenKind
from stack.secret import Secret

LEASE_SECONDS = 15.0
# A token dies with its lease: proxy and forge ask. This is for when they cannot ask for long.
TOKEN_SECONDS = 24 * 60 * 60.0
OF_AGENTS = ("budget_usd", "minutes")  # limits that nobody keeps but an agent
MOST_MINUTES = 60  # of a task: the broker takes a delivery back after three hours (stack/topology.py)


@dataclass(frozen=True)
class Grants:
    """Makes the answer to a claim that is granted. `keys` sign the tokens, by kind."""

    keys: Mapping[TokenKind, Secret]
    roles: Mapping[str, Role]

    def __post_init__(self) -> None:
        """Raises ValueError where a role's row names a kind of token that nothing here can sign."""
        for role in self.roles.values():
            if missing := [kind for kind in role.tokens if kind not in self.keys]:
                raise ValueError(f"{role.name}: there is no key for tokens of the kind {', '.join(missing)}")

    def of(self, row: TaskRow) -> Claim:
        """The claim of this task's current attempt."""
        role, task = self.roles[row.role], decode(row.message)
        assert isinstance(task, Task)  # noqa: S101 - what we stored ourselves
        claims = tokens.Claims(
            run=row.run_id,
            task=row.id,
            person=row.person,
            role=row.role,
            attempt=row.attempt,
            budget_usd=role.budget_usd,
            expires=time.time() + TOKEN_SECONDS,
            repository=task.brief.opens(),
            tiers=role.tiers,
            writes=task.brief.writes,
        )
        return Claim(
            verdict="run",
            attempt=row.attempt,
            lease_seconds=LEASE_SECONDS,
            tokens={kind: tokens.sign(self.keys[kind], kind, claims) for kind in role.tokens},
            budget_usd=role.budget_usd,
            seconds=role.minutes * 60,
            last=row.failures + 1 >= role.attempts,
        )


def roles_with(
    changes: Mapping[str, Mapping[str, float]], *, budget_usd: float | None, minutes: int | None
) -> Mapping[str, Role]:
    """The table of roles with what the owner has set otherwise: for all agents, and by role. Raises ValueError."""
    for_agents = {k: v for k, v in {"budget_usd": budget_usd, "minutes": minutes}.items() if v is not None}
    if not isinstance(changes, dict) or not all(isinstance(change, dict) for change in changes.values()):
        raise ValueError('limits look like {"pr_reviewer": {"minutes": 20}}')
    if unknown := set(changes) - set(ROLES):
        raise ValueError(f"there is no role {', '.join(sorted(unknown))}")
    for name, change in changes.items():
        if idle := [key for key in change if key in OF_AGENTS and not ROLES[name].is_agent]:
            raise ValueError(f"{name}: only an agent's {', '.join(idle)} can be set")
        if wrong := [key for key, value in change.items() if not _is_limit(key, value)]:
            raise ValueError(f"{name}: {', '.join(wrong)} cannot be set so")
    return {
        name: replace(role, **{**(for_agents if role.is_agent else {}), **changes.get(name, {})})
        for name, role in ROLES.items()
    }


def _is_limit(name: str, value: float) -> bool:
    if name == "budget_usd":
        return type(value) in (int, float) and 0 < value < inf
    if type(value) is not int or value <= 0:  # True is an int too
        return False
    return name in ("attempts", "at_once", "per_person", "ahead") or (name == "minutes" and value <= MOST_MINUTES)
