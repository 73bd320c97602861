"""The three tiers, and the provider behind each."""

from dataclasses import dataclass, field
from typing import Any

from proxy.errors import ApiError
from proxy.prices import Price, price
from proxy.settings import ProviderName, ProxySettings, TierName
from stack.settings import refuse_real_token_at_simulator


@dataclass(frozen=True, slots=True)
class Provider:
    """An upstream that speaks Anthropic's wire: its address, and where it looks for its key."""

    base_url: str
    x_api_key: bool = False
    bearer: bool = False
    needs_key: bool = True


MOONSHOT = Provider("https://api.moonshot.ai/anthropic", bearer=True)
PROVIDERS: dict[ProviderName, Provider] = {
    "anthropic": Provider("https://api.anthropic.com", x_api_key=True),
    "zai": Provider("https://api.z.ai/api/anthropic", x_api_key=True),
    "deepseek": Provider("https://api.deepseek.com/anthropic", x_api_key=True),
    "moonshot": MOONSHOT,
    "kimi": MOONSHOT,
    "openrouter": Provider("https://openrouter.ai/api", bearer=True),
    "ollama": Provider("http://127.0.0.1:11434", bearer=True, needs_key=False),
    "custom": Provider("", x_api_key=True, bearer=True, needs_key=False),
}


@dataclass(frozen=True, slots=True)
class Tier:
    """A tier as it is set up. An empty `model` leaves the requested name as it is."""

    name: TierName
    provider: ProviderName
    base_url: str
    api_key: str = field(repr=False)
    model: str
    price: Price

    def credentials(self) -> dict[str, str]:
        """The headers that carry the provider's key. Raises ApiError where it needs one and has none."""
        provider = PROVIDERS[self.provider]
        if not self.api_key and provider.needs_key:
            setting = f"{self.name}_provider_api_key".upper()
            text = f"the {self.name} tier has no key for {self.provider}: set {setting}"
            raise ApiError(503, "api_error", text, final=True)
        headers = {}
        if self.api_key and provider.x_api_key:
            headers["x-api-key"] = self.api_key
        if self.api_key and provider.bearer:
            headers["authorization"] = f"Bearer {self.api_key}"
        return headers


def tier_of(model: str) -> TierName:
    """The tier that a model's name asks for; sonnet where it names none."""
    if "haiku" in model:
        return "haiku"
    return "opus" if "opus" in model else "sonnet"


def tiers(settings: ProxySettings) -> dict[TierName, Tier]:
    """All tiers. Raises SystemExit where a provider has no address, or a real key would go to a simulator."""
    sonnet = _tier(settings, "sonnet", None)
    found = (sonnet, _tier(settings, "haiku", sonnet), _tier(settings, "opus", sonnet))
    for tier in found:
        _check(tier)
    return {tier.name: tier for tier in found}


def _tier(settings: ProxySettings, name: TierName, sonnet: Tier | None) -> Tier:
    def own(setting: str) -> Any:
        return getattr(settings, f"{name}_{setting}")

    provider: ProviderName = own("provider") or (sonnet.provider if sonnet else "anthropic")
    alike = sonnet if sonnet and sonnet.provider == provider else None
    base_url = own("provider_base_url") or (alike.base_url if alike else PROVIDERS[provider].base_url)
    # a key goes to the address it was given for, and to no other
    shared = alike.api_key if alike and alike.base_url == base_url else ""
    api_key = own("provider_api_key").get_secret_value() or shared
    return Tier(name, provider, base_url.rstrip("/"), api_key, own("model"), price(own("price")))


def _check(tier: Tier) -> None:
    name = tier.name.upper()
    if not tier.base_url.startswith(("http://", "https://")):
        raise SystemExit(f"{name}_PROVIDER is {tier.provider}: set {name}_PROVIDER_BASE_URL to an http(s) address")
    looks_real = tier.api_key.startswith("sk-ant-")
    refuse_real_token_at_simulator(tier.api_key, looks_real, tier.base_url, f"{name}_PROVIDER_API_KEY")
