"""What the dashboard is told of the gateway's set-up: where calls go, which limits hold, if a reload was refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from proxy.gateway import TIERS, Gateway, Limits, Route
from proxy.ledger.accounts import day_and_month
from proxy.ledger.reports import AccountLimit, Kind
from proxy.prices import MICRO


@dataclass(frozen=True, slots=True)
class TargetView:
    """A provider and the model it is asked for: the requested one if empty."""

    provider: str
    model: str = ""
    downgrade: bool = False


@dataclass(frozen=True, slots=True)
class RouteView:
    """Where the calls of a tier, or of one model name, go: the first target that answers."""

    name: str
    targets: tuple[TargetView, ...]


@dataclass(frozen=True, slots=True)
class SetUpView:
    """The set-up in force.

    `source` is where it is from, such as `gateway.toml`; `loaded` is when, in seconds since the epoch. `refused` says
    why a later one was refused, with the line, at `refused_at` (0: nobody knows); empty where none was. `limits` are
    shown with what is used of them; `key_accounts` says what the accounts of a client key are called, with `*` for its
    name: `key/*`.
    """

    routes: tuple[RouteView, ...]
    source: str = ""
    loaded: float = 0
    refused: str = ""
    refused_at: float = 0
    limits: tuple[AccountLimit, ...] = ()
    key_accounts: Mapping[Kind, str] = field(default_factory=dict)

    @property
    def providers(self) -> tuple[str, ...]:
        """Every provider that calls may go to, each once."""
        return tuple(dict.fromkeys(target.provider for route in self.routes for target in route.targets))


def routes(gateway: Gateway) -> tuple[RouteView, ...]:
    """The routes of a gateway: its tiers, the dearest first, then those of single models."""
    return tuple(
        _route(route) for route in (*(gateway.tiers[tier] for tier in reversed(TIERS)), *gateway.models.values())
    )


def _route(route: Route) -> RouteView:
    targets = (TargetView(target.provider.name, target.model, target.downgrade) for target in route.targets)
    return RouteView(route.name, tuple(targets))


def account_limits(limits: Limits, at: float) -> tuple[AccountLimit, ...]:
    """The limits that are set for days and months, with the accounts of the day and the month of `at`."""
    day, month = day_and_month(at)
    found: list[tuple[str, str, Decimal | None]] = [
        ("everyone, today", f"day/{day}", limits.day_usd),
        ("everyone, this month", f"month/{month}", limits.month_usd),
        ("*, today", f"person/*/{day}", limits.person_day_usd),
        ("*, this month", f"person/*/{month}", limits.person_month_usd),
    ]
    return tuple(AccountLimit(said, account, int(usd * MICRO)) for said, account, usd in found if usd is not None)


def key_accounts(at: float) -> dict[Kind, str]:
    """What the accounts of a client key are called at that time, with `*` for its name."""
    day, month = day_and_month(at)
    return {"total": "key/*", "day": f"key/*/{day}", "month": f"key/*/{month}"}
