"""Who works: a row each. Queues, broker users, secrets, tokens, limits and native processes are made from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Tier = Literal["haiku", "sonnet", "opus"]
TokenKind = Literal["model", "forge", "egress"]


@dataclass(frozen=True, kw_only=True)
class Role:
    """A role.

    `minutes` and `budget_usd` are for one task of an agent; a task ends for good after `attempts` that ended badly.
    `at_once` limits the tasks of the role under way in the whole stack, `per_person` those of one person, `ahead` those
    that wait in the broker's queue: what stands there has lost its place in ours.
    `tiers` are the models it may use; `reach` the hosts that egress opens for it; `effects` the work with an effect
    that it may ask for itself, with a maximum in one task; `tokens` the kinds that come with its claims.
    """

    name: str
    minutes: int
    attempts: int
    at_once: int
    per_person: int
    ahead: int
    budget_usd: float = 0
    tiers: tuple[Tier, ...] = ()
    reach: tuple[str, ...] = ()
    effects: Mapping[str, int] | None = None
    tokens: tuple[TokenKind, ...] = ()

    @property
    def is_agent(self) -> bool:
        """Whether it is an agent around a model: a folder in agents/, a container of its own."""
        return bool(self.tiers)


_ROWS = (
    # git and GitHub for all the others; a first clone may take long
    Role(name="forge", minutes=60, attempts=4, at_once=16, per_person=16, ahead=8),
    Role(
        name="pr_reviewer",
        minutes=30,
        budget_usd=2.0,
        attempts=2,  # one run of the model, and one more after a fault
        at_once=16,
        per_person=8,
        ahead=2,
        tiers=("haiku", "sonnet"),  # its own, and haiku, which Claude Code takes for small things
        tokens=("model", "forge"),
    ),
)
ROLES: Mapping[str, Role] = {row.name: row for row in _ROWS}
AGENTS: tuple[str, ...] = tuple(row.name for row in _ROWS if row.is_agent)
