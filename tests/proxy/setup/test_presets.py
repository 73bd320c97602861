"""What is known of providers by name."""

import pytest

from proxy.addresses import why_not
from proxy.presets import PRESETS
from proxy.providers import secrets
from tests.proxy.setup.written import SMALL, Written


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_provider_that_could_be_written_in_the_file(name: str) -> None:
    preset = PRESETS[name]
    assert preset.name == name
    assert preset.keys == ()
    if name.startswith("custom"):
        assert preset.base_url == ""
    else:
        assert why_not(preset.base_url, preset.wire) == ""
        assert not preset.base_url.endswith("/")


def test_only_anthropic_is_anthropic() -> None:
    assert [name for name, preset in PRESETS.items() if preset.is_anthropic] == ["anthropic"]


@pytest.mark.parametrize(
    ("name", "headers"),
    [
        ("anthropic", {"x-api-key": "k"}), ("zai", {"x-api-key": "k"}), ("deepseek", {"x-api-key": "k"}),
        ("moonshot", {"authorization": "Bearer k"}), ("kimi", {"authorization": "Bearer k"}),
        ("openrouter", {"authorization": "Bearer k"}), ("ollama", {"authorization": "Bearer k"}),
        ("vllm", {"authorization": "Bearer k"}), ("openai", {"authorization": "Bearer k"}),
        ("gemini", {"authorization": "Bearer k"}), ("custom-openai", {"authorization": "Bearer k"}),
        ("custom", {"authorization": "Bearer k", "x-api-key": "k"}),
    ],
)  # fmt: skip
def test_each_provider_gets_its_key_where_it_looks_for_it(name: str, headers: dict[str, str]) -> None:
    assert PRESETS[name].credentials("k") == headers
    assert PRESETS[name].credentials("") == {}


def test_a_name_is_known_to_the_file_as_it_is_to_the_settings(file: Written) -> None:
    for name, preset in PRESETS.items():
        address = 'base_url = "https://models.example"\n' if not preset.base_url else ""
        text = f'[providers.{name}]\nkeys = "env:ZAI_API_KEY"\n{address}[tiers]\nsonnet = "{name}"\n'
        (target,) = file.load(text).tiers["sonnet"].targets
        assert (target.provider.wire, target.provider.auth) == (preset.wire, preset.auth)
        assert target.provider.max_tokens_field == preset.max_tokens_field


def test_secrets_are_those_of_providers_that_are_used(file: Written) -> None:
    assert secrets(file.load(SMALL)) == ["invented-first-key"]
