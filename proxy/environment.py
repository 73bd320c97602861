"""The simple case: a provider for each tier, from the environment alone."""

from dataclasses import replace
from typing import Any

from proxy.default_prices import default_prices
from proxy.gateway import TIERS, Gateway, Limits, Provider, Route, Target, Tier
from proxy.presets import PRESETS
from proxy.prices import PriceTable, price
from proxy.settings import ProxySettings
from stack.settings import refuse_real_token_at_simulator


def from_settings(settings: ProxySettings) -> Gateway:
    """The gateway that SONNET_PROVIDER and the like describe.

    Raises SystemExit where a provider has no address, or a real key would go to a simulator.
    """
    sonnet = _provider(settings, "sonnet", None)
    providers = [sonnet]
    for tier in ("haiku", "opus"):
        providers.append(_distinct(_provider(settings, tier, sonnet), tier, providers))
    by_tier = dict(zip(("sonnet", "haiku", "opus"), providers, strict=True))
    return Gateway(
        tiers={tier: Route(tier, tier, (_target(settings, tier, by_tier[tier]),)) for tier in TIERS},
        default=settings.proxy_default_tier,
        prices=PriceTable(default_prices()),
        limits=limits(settings),
    )


def limits(settings: ProxySettings) -> Limits:
    """The limits that LIMIT_RUN_USD and the like set."""
    return Limits(
        run_usd=settings.limit_run_usd,
        person_day_usd=settings.limit_person_day_usd,
        person_month_usd=settings.limit_person_month_usd,
        day_usd=settings.limit_day_usd,
        month_usd=settings.limit_month_usd,
    )


def _own(settings: ProxySettings, tier: Tier, setting: str) -> Any:
    return getattr(settings, f"{tier}_{setting}")


def _target(settings: ProxySettings, tier: Tier, provider: Provider) -> Target:
    text = _own(settings, tier, "price")
    return Target(provider, _own(settings, tier, "model"), price=price(text) if text else None)


def _provider(settings: ProxySettings, tier: Tier, sonnet: Provider | None) -> Provider:
    """A tier's provider; what it does not say itself is sonnet's."""
    name = _own(settings, tier, "provider") or (sonnet.name if sonnet else "anthropic")
    alike = sonnet if sonnet and sonnet.name == name else None
    base_url = _own(settings, tier, "provider_base_url").rstrip("/") or (alike or PRESETS[name]).base_url
    # a key goes to the address it was given for, and to no other
    shared = alike.keys if alike and alike.base_url == base_url else ()
    key = _own(settings, tier, "provider_api_key").get_secret_value()
    key_setting = f"{tier}_provider_api_key".upper()
    keys = (key,) if key else shared
    found = replace(PRESETS[name], base_url=base_url, keys=keys, key_setting=key_setting)
    _check(found, tier)
    return found


def _distinct(found: Provider, tier: Tier, others: list[Provider]) -> Provider:
    """The provider as another tier has it already; else one with a name of its own: names tell providers apart."""
    for other in others:
        if replace(found, name=other.name, key_setting=other.key_setting) == other:
            return other
    if found.name in (other.name for other in others):
        return replace(found, name=f"{found.name}-{tier}")
    return found


def _check(provider: Provider, tier: Tier) -> None:
    name = tier.upper()
    if not provider.base_url.startswith(("http://", "https://")):
        raise SystemExit(f"{name}_PROVIDER is {provider.name}: set {name}_PROVIDER_BASE_URL to an http(s) address")
    for key in provider.keys:
        looks_real = key.startswith("sk-ant-")
        refuse_real_token_at_simulator(key, looks_real, provider.base_url, provider.key_setting)
