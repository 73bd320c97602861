"""The bot's settings: what is wrong is named, and no secret is shown."""

from pathlib import Path

import pytest

from bot.settings import BotSettings

GOOD = {
    "BROKER_URL": "amqp://127.0.0.1",
    "TELEGRAM_BOT_TOKEN": "123456:not-a-token",
    "ORCHESTRATOR_URL": "http://127.0.0.1:8000",
    "API_TOKEN": "not-a-token",
    "DATA_DIR": "/tmp/bot",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def test_nobody_is_allowed_unless_listed() -> None:
    settings = BotSettings.load()
    assert settings.allowed_users == frozenset()
    assert settings.telegram_api_url == "https://api.telegram.org"
    assert settings.data_dir == Path("/tmp/bot")


@pytest.mark.parametrize("text", ["1001,1002", " 1001 , 1002 ", "1001,1002,", "1002,1001,1001"])
def test_allowed_users_are_numbers_with_commas(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ALLOWED_USERS", text)
    assert BotSettings.load().allowed_users == {1001, 1002}


@pytest.mark.parametrize(
    ("text", "named"),
    [("1001,@ada", "@ada"), ("1001 1002", "1001 1002"), ("-5", "-5"), ("*", "*"), ("\u0661", "\u0661")],
)
def test_a_malformed_user_is_named(monkeypatch: pytest.MonkeyPatch, text: str, named: str) -> None:
    monkeypatch.setenv("ALLOWED_USERS", text)
    with pytest.raises(SystemExit, match="ALLOWED_USERS") as error:
        BotSettings.load()
    assert repr(named) in str(error.value)


@pytest.mark.parametrize("token", ["secret-word", "987654:", ":secret", "987654:a b"])
def test_what_is_no_token_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", token)
    with pytest.raises(SystemExit, match="TELEGRAM_BOT_TOKEN") as error:
        BotSettings.load()
    assert token not in str(error.value)


def test_a_real_token_is_not_sent_to_a_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_API_URL", "http://127.0.0.1:8082")
    BotSettings.load().refuse_real_token_at_simulator()
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "123456:" + "x" * 35)
    with pytest.raises(SystemExit, match="not https"):
        BotSettings.load().refuse_real_token_at_simulator()
