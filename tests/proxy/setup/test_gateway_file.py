"""What gateway.toml can say, and what comes of it."""

from decimal import Decimal
from pathlib import Path

import pytest

from proxy.gateway import Limits, Target
from proxy.presets import PRESETS
from proxy.prices import UNKNOWN, Price, price
from proxy.providers import providers, secrets
from tests.proxy.setup.written import ANTHROPIC, EXAMPLE, KEYS, SMALL, Written

ZAI = '[providers.zai]\nkeys = ["env:ZAI_API_KEY"]\n'
TWO = ANTHROPIC + ZAI


def test_the_example_can_be_used_as_it_stands(file: Written) -> None:
    (file.folder / "zai.key").write_text("invented-zai-key\n")
    gateway = file.load(EXAMPLE.read_text())
    haiku, first, second = (*gateway.tiers["haiku"].targets, *gateway.tiers["sonnet"].targets)
    assert (haiku.provider.name, haiku.model, haiku.provider.keys) == ("zai", "glm-4.5-air", ("invented-zai-key",))
    assert first.provider.keys == (KEYS["ANTHROPIC_API_KEY"], KEYS["ANTHROPIC_API_KEY_2"])
    assert (second.model, second.downgrade, first.downgrade) == ("glm-4.7", True, False)
    assert gateway.default == "sonnet"
    local = gateway.route("local").targets[0]
    assert (local.provider.wire, local.provider.base_url) == ("openai", "http://192.168.1.20:8000/v1")
    assert gateway.price(local, "qwen3-coder") == price("0/0")
    assert gateway.limits == Limits(Decimal(5), Decimal(20), Decimal(200), Decimal(50), Decimal(500))


def test_the_smallest_file_serves_every_tier(file: Written) -> None:
    gateway = file.load(SMALL)
    for tier in ("haiku", "sonnet", "opus"):
        route = gateway.route(f"claude-{tier}-9")
        assert (route.name, route.tier) == (tier, tier)
        assert route.targets == gateway.tiers["sonnet"].targets
    assert gateway.default is None
    assert gateway.limits == Limits()


def test_a_preset_says_all_but_the_key(file: Written) -> None:
    provider = file.load(SMALL).tiers["opus"].targets[0].provider
    assert (provider.base_url, provider.auth, provider.wire) == ("https://api.anthropic.com", "x-api-key", "anthropic")
    assert provider.is_anthropic
    assert provider.credentials(provider.keys[0]) == {"x-api-key": KEYS["ANTHROPIC_API_KEY"]}


@pytest.mark.parametrize(
    ("target", "provider", "model"),
    [
        ('"zai"', "zai", ""),
        ('"zai/glm-4.7"', "zai", "glm-4.7"),
        ('"zai/vendor/model:free"', "zai", "vendor/model:free"),
        ('["zai/glm-4.7"]', "zai", "glm-4.7"),
        ('{ provider = "zai" }', "zai", ""),
        ('[{ provider = "zai", model = "glm-4.7" }]', "zai", "glm-4.7"),
    ],
)
def test_a_target_is_a_text_a_table_or_a_list(file: Written, target: str, provider: str, model: str) -> None:
    (found,) = file.load(f"{ZAI}[tiers]\nsonnet = {target}\n").tiers["sonnet"].targets
    assert (found.provider.name, found.model) == (provider, model)


def test_targets_may_be_written_one_after_the_other(file: Written) -> None:
    text = f'{TWO}[[tiers.sonnet]]\nprovider = "anthropic"\n[[tiers.sonnet]]\nprovider = "zai"\ndowngrade = true\n'
    assert [(t.provider.name, t.downgrade) for t in file.load(text).tiers["sonnet"].targets] == [
        ("anthropic", False), ("zai", True),
    ]  # fmt: skip


def test_a_provider_that_needs_no_key_needs_no_table(file: Written) -> None:
    (target,) = file.load('[tiers]\nsonnet = "ollama/qwen3-coder"\n').tiers["sonnet"].targets
    assert target == Target(PRESETS["ollama"], "qwen3-coder")


def test_a_second_account_is_a_provider_of_its_own(file: Written) -> None:
    other = '[providers.anthropic-team]\npreset = "anthropic"\nkeys = ["env:ANTHROPIC_API_KEY_2"]\n'
    gateway = file.load(f'{ANTHROPIC}{other}[tiers]\nsonnet = ["anthropic", "anthropic-team"]\n')
    assert [provider.name for provider in providers(gateway)] == ["anthropic", "anthropic-team"]
    assert {provider.is_anthropic for provider in providers(gateway)} == {True}


def test_a_server_of_ones_own_says_its_wire(file: Written) -> None:
    text = """
[providers.own]
wire = "openai"
base_url = "https://models.example/v1/"
auth = "both"
keys = ["env:ZAI_API_KEY"]
headers = { X-Team = "reviews", X-Route-Token = "env:ZHIPU_API_KEY" }
max_tokens_field = "max_completion_tokens"
reads_images = false
[tiers]
sonnet = "own/m"
"""
    gateway = file.load(text)
    (own,) = providers(gateway)
    assert (own.wire, own.base_url, own.auth, own.needs_key) == ("openai", "https://models.example/v1", "both", False)
    assert (own.max_tokens_field, own.reads_images, own.is_anthropic) == ("max_completion_tokens", False, False)
    assert own.extra_headers == {"x-team": "reviews", "x-route-token": KEYS["ZHIPU_API_KEY"]}
    assert secrets(gateway) == [KEYS["ZAI_API_KEY"], KEYS["ZHIPU_API_KEY"]]
    assert not [key for key in KEYS.values() if key in repr(gateway)]


def test_a_model_has_a_route_before_the_tier_in_its_name(file: Written) -> None:
    gateway = file.load(f'{TWO}[models]\n"claude-haiku-9" = "zai/glm-4.7"\n[tiers]\nsonnet = "anthropic"\n')
    assert gateway.route("claude-haiku-9[1m]").targets[0].model == "glm-4.7"
    assert gateway.route("claude-haiku-9").tier == "haiku"
    assert gateway.route("claude-haiku-8").targets[0].provider.name == "anthropic"


def test_the_prices_of_a_file_come_before_all_others(file: Written) -> None:
    text = """[prices]
"glm-4*" = "0/0"
"claude-opus-5" = { input = 0.1, output = 1e1, cache_read = 0.01, cache_write = 2, cache_write_1h = 3 }
"*-mini" = "7/8"
"""
    table = file.load(SMALL + text).prices
    assert table.find("glm-4.7") == price("0/0")
    exact = Price(Decimal("0.1"), Decimal(10), Decimal("0.01"), Decimal(2), Decimal(3))
    assert table.find("claude-opus-5") == exact
    assert table.find("gpt-5.4-mini") == price("7/8")
    assert table.find("claude-opus-4-8") == price("5/25")
    assert table.find("unheard-of") == UNKNOWN


def test_a_price_of_a_target_comes_before_that_of_its_provider(file: Written) -> None:
    text = """[providers.own]
wire = "anthropic"
base_url = "https://models.example"
price = "1/2"
[tiers]
sonnet = ["own/a", { provider = "own", model = "b", price = "3/4" }, { provider = "own", model = "c" }]
"""
    assert [t.price for t in file.load(text).tiers["sonnet"].targets] == [price("1/2"), price("3/4"), price("1/2")]


def test_keys_may_stand_in_files_beside_it_or_anywhere(file: Written, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("secrets") / "key"
    elsewhere.write_text("invented-far-key\n")
    (file.folder / "keys").mkdir()
    (file.folder / "keys/near").write_text("  invented-near-key\r\n")
    text = f'[providers.zai]\nkeys = ["file:keys/near", "file:{elsewhere}"]\n[tiers]\nsonnet = "zai"\n'
    assert file.load(text).tiers["sonnet"].targets[0].provider.keys == ("invented-near-key", "invented-far-key")


def test_a_file_as_windows_saves_it_is_read(file: Written) -> None:
    gateway = file.load(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert gateway.tiers["sonnet"].targets


@pytest.mark.parametrize(
    "url",
    [
        "https://models.example", "https://models.example:8443/base/", "http://localhost:1", "http://127.0.0.1:1",
        "http://[::1]:1", "http://10.1.2.3", "http://192.168.0.9:8000", "http://gpu:8000", "http://gpu.lan",
        "http://host.docker.internal:11434", "http://100.64.0.1",
    ],
)  # fmt: skip
def test_an_address_may_be_https_or_near(file: Written, url: str) -> None:
    gateway = file.load(f'[providers.own]\nwire = "anthropic"\nbase_url = "{url}"\n[tiers]\nsonnet = "own"\n')
    assert providers(gateway)[0].base_url == url.rstrip("/")


def test_what_a_key_comes_from_is_never_a_part_of_the_gateway(file: Written, tmp_path: Path) -> None:
    gateway = file.load(SMALL)
    assert "env:" not in repr(gateway)
    assert str(tmp_path) not in repr(gateway)
