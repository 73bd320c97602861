"""What the gateway is set up to do: providers, routes, prices, limits. Frozen: a reload puts a new one in its place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from proxy.errors import ApiError
from proxy.prices import Price, PriceTable

Tier = Literal["haiku", "sonnet", "opus"]
Wire = Literal["anthropic", "openai"]
Auth = Literal["x-api-key", "bearer", "both", "none"]

MOST_NAMES = 100  # of models that an error lists
TIERS: tuple[Tier, ...] = ("haiku", "sonnet", "opus")


@dataclass(frozen=True, slots=True)
class Provider:
    """An upstream.

    `base_url` has no slash at its end; on the anthropic wire `/v1/messages` follows it, on the openai wire
    `/chat/completions`. Several `keys` are a pool: the next is taken where one is refused. `key_setting` is what to
    tell a person to set where a key is needed and there is none. `is_anthropic`: Anthropic's own servers, which alone
    understand the billing block and signed thinking. `extra_headers` are sent with every call. The two last say what a
    server of the openai wire can take: how it calls the limit of output, and whether it reads images.
    """

    name: str
    wire: Wire
    base_url: str
    auth: Auth
    keys: tuple[str, ...] = field(default=(), repr=False)
    needs_key: bool = True
    key_setting: str = ""
    is_anthropic: bool = False
    extra_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    reads_images: bool = True

    def credentials(self, key: str) -> dict[str, str]:
        """The headers that carry `key`; none where it is empty."""
        headers = {}
        if key and self.auth in ("x-api-key", "both"):
            headers["x-api-key"] = key
        if key and self.auth in ("bearer", "both"):
            headers["authorization"] = f"Bearer {key}"
        return headers


@dataclass(frozen=True, slots=True)
class Target:
    """A provider and the model to ask it for: the requested one if empty.

    `downgrade` marks a target that is worse than the one before it: a task may forbid those.
    """

    provider: Provider
    model: str = ""
    downgrade: bool = False
    price: Price | None = None

    def model_for(self, asked: str) -> str:
        """The model that the provider is asked for, where the caller asks for this one."""
        return self.model or plain(asked)


@dataclass(frozen=True, slots=True)
class Route:
    """Where the calls of a tier, or of one model name, go: the first target that answers."""

    name: str
    tier: Tier | Literal[""]
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """Dollars, beside the budget that each task's token carries; None: no limit. Days and months are those of UTC."""

    run_usd: Decimal | None = None
    person_day_usd: Decimal | None = None
    person_month_usd: Decimal | None = None
    day_usd: Decimal | None = None
    month_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Gateway:
    """All of it. `tiers` has every tier; `models` has routes for single model names; `default` serves unknown names."""

    tiers: Mapping[Tier, Route]
    models: Mapping[str, Route] = field(default_factory=dict)
    default: Tier | None = None
    prices: PriceTable = field(default_factory=PriceTable)
    limits: Limits = field(default_factory=Limits)

    def route(self, model: str) -> Route:
        """The route of a requested model: its own, that of the tier that its name holds, else the default.

        Raises ApiError (404) for a name that leads nowhere.
        """
        name = plain(model)
        if found := self.models.get(name):
            return found
        for tier in TIERS:
            if tier in name:
                return self.tiers[tier]
        if self.default:
            return self.tiers[self.default]
        known = ", ".join((*sorted(self.models)[:MOST_NAMES], "and any name with haiku, sonnet or opus in it"))
        raise ApiError(404, "not_found_error", f"model: {model[:100]!r} is not known here; known are {known}")

    def price(self, target: Target, model: str) -> Price:
        """What `model`, the one that was asked of the target's provider, costs there."""
        return target.price or self.prices.find(model)


def plain(model: str) -> str:
    """A model's name without the mark by which Claude Code asks itself for the long context."""
    return model.removesuffix("[1m]")
