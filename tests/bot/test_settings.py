"""The bot's settings: what is wrong is named, and no secret is shown."""

from pathlib import Path

import pytest

from bot.settings import BotSettings

GOOD = {
    "BROKER_URL": "amqp://127.0.0.1",
    "TELEGRAM_BOT_TOKEN": "123456:not-a-token",
    "ORCHESTRATOR_URL": "http://127.0.0.1:8000",
    "API_TOKEN": "not-a-token",
    "REQUEST_ID_KEY": "not-a-key-of-the-bot",
    "DATA_DIR": "/tmp/bot",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_nobody_is_allowed_unless_listed() -> None:
    settings = BotSettings.load()
    assert settings.allowed_users == settings.admin_users == frozenset()
    assert settings.github_url == "https://github.com"
    assert settings.telegram_api_url == "https://api.telegram.org"
    assert settings.data_dir == Path("/tmp/bot")


@pytest.mark.parametrize("text", ["1001,1002", " 1001 , 1002 ", "1001,1002,", "1002,1001,1001"])
def test_allowed_users_are_numbers_with_commas(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ALLOWED_USERS", text)
    monkeypatch.setenv("ADMIN_USERS", text)
    settings = BotSettings.load()
    assert settings.allowed_users == settings.admin_users == {1001, 1002}


@pytest.mark.parametrize(
    ("text", "named"),
    [("1001,@ada", "@ada"), ("1001 1002", "1001 1002"), ("-5", "-5"), ("*", "*"), ("\u0661", "\u0661")],
)
@pytest.mark.parametrize("setting", ["ALLOWED_USERS", "ADMIN_USERS"])
def test_a_malformed_user_is_named(monkeypatch: pytest.MonkeyPatch, setting: str, text: str, named: str) -> None:
    monkeypatch.setenv(setting, text)
    with pytest.raises(SystemExit, match=setting) as error:
        BotSettings.load()
    assert repr(named) in str(error.value)


@pytest.mark.parametrize(
    ("url", "read"),
    [("https://git.acme.example/", "https://git.acme.example"), ("http://127.0.0.1:8081", "http://127.0.0.1:8081")],
)
def test_the_address_of_github_is_a_host(monkeypatch: pytest.MonkeyPatch, url: str, read: str) -> None:
    monkeypatch.setenv("GITHUB_URL", url)
    assert BotSettings.load().github_url == read


@pytest.mark.parametrize("url", ["github.com", "ftp://github.com", "https://a@github.com", "https://github.com/acme"])
def test_what_is_no_address_of_a_host_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("GITHUB_URL", url)
    with pytest.raises(SystemExit, match="GITHUB_URL"):
        BotSettings.load()


@pytest.mark.parametrize("token", ["secret-word", "987654:", ":secret", "987654:a b"])
def test_what_is_no_token_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", token)
    with pytest.raises(SystemExit, match="TELEGRAM_BOT_TOKEN") as error:
        BotSettings.load()
    assert token not in str(error.value)


def test_a_short_key_of_ids_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUEST_ID_KEY", "short-key")
    with pytest.raises(SystemExit, match="REQUEST_ID_KEY") as error:
        BotSettings.load()
    assert "short-key" not in str(error.value)


def test_a_real_token_is_not_sent_to_a_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_API_URL", "http://127.0.0.1:8082")
    BotSettings.load().refuse_real_token_at_simulator()
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123456:" + "x" * 35)
    with pytest.raises(SystemExit, match="not https"):
        BotSettings.load().refuse_real_token_at_simulator()
