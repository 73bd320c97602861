"""The forge's settings."""

from pathlib import Path

import pytest

from forge.settings import ForgeSettings

REAL_LOOKING = "ghp_" + "notARealOne" * 3


def settings(**more: str) -> ForgeSettings:
    given = {
        "broker_url": "amqp://127.0.0.1", "api_token": "not-a-token", "forge_token_key": "not-a-key",
        "forge_mark_key": "not-a-key", "proof_key": "not-a-key",
        "github_token": "not-a-token",
    }  # fmt: skip
    return ForgeSettings(data_dir=Path("data"), **{**given, **more})  # type: ignore[arg-type]


def test_without_more_the_forge_works_with_the_real_github() -> None:
    found = settings(github_token=REAL_LOOKING)

    found.refuse_real_token()
    assert (found.github_api_url, found.github_url) == ("https://api.github.com", "https://github.com")


@pytest.mark.parametrize("name", ["github_url", "github_api_url"])
def test_a_token_that_looks_real_is_not_sent_to_a_simulator(name: str) -> None:
    settings(**{name: "http://127.0.0.1:8081"}).refuse_real_token()
    with pytest.raises(SystemExit, match="GITHUB_TOKEN looks real"):
        settings(github_token=REAL_LOOKING, **{name: "http://127.0.0.1:8081"}).refuse_real_token()


def test_an_address_has_no_slash_at_its_end_and_is_http() -> None:
    assert settings(github_url="https://github.com/").github_url == "https://github.com"
    with pytest.raises(ValueError, match="must begin with"):
        settings(github_url="ext::sh -c x")
