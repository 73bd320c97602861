"""The simple case: what SONNET_PROVIDER and the like come to."""

from decimal import Decimal
from typing import get_args

import pytest
from pydantic import SecretStr, ValidationError

from proxy.environment import from_settings
from proxy.errors import ApiError
from proxy.gateway import TIERS, Gateway, Limits, Provider, Tier
from proxy.presets import PRESETS
from proxy.prices import price
from proxy.providers import providers, secrets
from proxy.settings import ProviderName, ProxySettings
from tests.proxy.setup.written import settings


def gateway(**changes: object) -> Gateway:
    return from_settings(settings(**changes))


def provider(found: Gateway, tier: Tier) -> Provider:
    (target,) = found.tiers[tier].targets
    return target.provider


def test_nothing_set_is_anthropic_at_the_prices_of_the_table() -> None:
    found = gateway()
    (only,) = providers(found)
    assert (only.base_url, only.keys, only.key_setting) == ("https://api.anthropic.com", (), "SONNET_PROVIDER_API_KEY")
    assert [found.price(found.tiers[tier].targets[0], f"claude-{tier}-4-5") for tier in TIERS] == [
        price("1/5"), price("3/15"), price("5/25"),
    ]  # fmt: skip
    assert (found.default, found.limits, found.models) == (None, Limits(), {})


def test_settings_know_every_preset_and_no_other() -> None:
    assert set(get_args(ProviderName)) == set(PRESETS)


@pytest.mark.parametrize("name", sorted(set(PRESETS) - {"custom", "custom-openai"}))
def test_each_preset_can_serve_a_tier(name: str) -> None:
    found = provider(gateway(haiku_provider=name, haiku_provider_api_key="invented"), "haiku")
    assert (found.base_url, found.wire, found.auth) == (
        PRESETS[name].base_url, PRESETS[name].wire, PRESETS[name].auth,
    )  # fmt: skip
    assert found.keys == ("invented",)


def test_tiers_without_a_provider_of_their_own_share_sonnets() -> None:
    found = gateway(sonnet_provider="zai", sonnet_provider_api_key="invented", opus_provider_api_key="own")
    assert provider(found, "haiku") == provider(found, "sonnet")
    assert provider(found, "opus").base_url == provider(found, "sonnet").base_url == "https://api.z.ai/api/anthropic"
    assert provider(found, "opus").credentials("own") == {"x-api-key": "own"}
    assert provider(found, "opus").keys == ("own",)


@pytest.mark.parametrize(
    ("changes", "shared"),
    [
        ({}, True),
        ({"haiku_provider": "zai"}, True),
        ({"haiku_provider_base_url": "https://api.z.ai/api/anthropic/"}, True),
        ({"haiku_provider": "kimi"}, False),
        ({"haiku_provider_base_url": "https://elsewhere.invalid"}, False),
        ({"haiku_provider": "zai", "haiku_provider_base_url": "https://elsewhere.invalid"}, False),
    ],
)
def test_a_key_goes_only_to_the_provider_and_address_it_was_given_for(changes: dict[str, object], shared: bool) -> None:
    found = gateway(sonnet_provider="zai", sonnet_provider_api_key="invented", **changes)
    assert provider(found, "haiku").keys == (("invented",) if shared else ())


def test_an_address_of_sonnets_own_is_shared_with_the_key() -> None:
    found = gateway(sonnet_provider_base_url="https://relay.invalid/", sonnet_provider_api_key="invented")
    assert (provider(found, "opus").base_url, provider(found, "opus").keys) == ("https://relay.invalid", ("invented",))


def test_providers_that_differ_have_names_that_differ() -> None:
    found = gateway(haiku_provider_api_key="a", opus_provider_api_key="a", sonnet_provider_api_key="b")
    assert [provider(found, tier).name for tier in TIERS] == ["anthropic-haiku", "anthropic", "anthropic-haiku"]
    found = gateway(haiku_provider_api_key="a", opus_provider_api_key="c", sonnet_provider_api_key="b")
    assert [provider(found, tier).name for tier in TIERS] == ["anthropic-haiku", "anthropic", "anthropic-opus"]
    assert len(providers(found)) == 3


def test_a_tier_without_a_key_says_which_setting_it_lacks() -> None:
    found = gateway(opus_provider="deepseek")
    assert provider(found, "opus").key_setting == "OPUS_PROVIDER_API_KEY"
    assert provider(found, "haiku").key_setting == "SONNET_PROVIDER_API_KEY"


def test_a_model_and_a_price_belong_to_their_tier_alone() -> None:
    found = gateway(haiku_model="glm-4.5-air", haiku_price="0.27/1.10")
    (haiku,), (opus,) = found.tiers["haiku"].targets, found.tiers["opus"].targets
    assert (haiku.model, found.price(haiku, haiku.model)) == ("glm-4.5-air", price("0.27/1.10"))
    assert (opus.model, opus.price) == ("", None)


def test_unknown_names_are_refused_unless_a_tier_is_set_for_them() -> None:
    with pytest.raises(ApiError):
        gateway().route("gpt-x")
    assert gateway(proxy_default_tier="opus").route("gpt-x").name == "opus"


def test_limits_are_dollars() -> None:
    found = gateway(limit_run_usd="5", limit_day_usd="0.5", limit_month_usd="100")
    assert found.limits == Limits(run_usd=Decimal(5), day_usd=Decimal("0.5"), month_usd=Decimal(100))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("limit_day_usd", "0"), ("limit_run_usd", "-1"), ("limit_month_usd", "nan"), ("limit_person_day_usd", "much"),
        ("limit_person_month_usd", "inf"), ("haiku_price", "3"), ("sonnet_price", "-1/2"), ("opus_price", "nan/1"),
        ("sonnet_provider", "unheard-of"), ("proxy_default_tier", "fable"),
    ],
)  # fmt: skip
def test_a_setting_that_makes_no_sense_is_refused(setting: str, value: str) -> None:
    with pytest.raises(ValidationError, match=setting):
        settings(**{setting: value})


def test_a_custom_provider_needs_an_address() -> None:
    for name in ("custom", "custom-openai"):
        with pytest.raises(SystemExit, match="HAIKU_PROVIDER_BASE_URL"):
            gateway(haiku_provider=name)
        assert provider(gateway(haiku_provider=name, haiku_provider_base_url="http://gpu:1"), "haiku").keys == ()


def test_a_key_that_looks_real_is_not_sent_without_tls() -> None:
    with pytest.raises(SystemExit, match="SONNET_PROVIDER_API_KEY looks real"):
        gateway(sonnet_provider_api_key="sk-ant-invented", sonnet_provider_base_url="http://127.0.0.1:1")
    with pytest.raises(SystemExit, match="OPUS_PROVIDER_API_KEY looks real"):
        gateway(opus_provider="ollama", opus_provider_api_key="sk-ant-invented")


def test_what_must_not_be_logged_is_known_to_the_settings_and_to_the_gateway() -> None:
    given = {"sonnet_provider_api_key": "invented-a", "opus_provider_api_key": "invented-b"}
    more = {"ledger_url": "postgresql://u:invented-c@h/n", "dashboard_password": "invented-d"}
    found: ProxySettings = settings(**given, **more)
    assert {*given.values(), *more.values(), "k", "r"} == set(found.secrets())
    assert set(secrets(from_settings(found))) == set(given.values())
    assert not [value for value in given.values() if value in repr(from_settings(found))]
    assert isinstance(found.ledger_url, SecretStr)
