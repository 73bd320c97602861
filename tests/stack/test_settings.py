"""Settings: from the environment or from files, checked once, and named where they are wrong."""

from pathlib import Path

import pytest
from pydantic import Field, SecretStr

from stack.settings import Settings, refuse_real_token_at_simulator


class ShopSettings(Settings):
    """A service's settings."""

    shop_token: SecretStr
    shop_key: SecretStr = SecretStr("")
    shop_port: int = Field(default=80, ge=1)


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SHOP_TOKEN", "SHOP_TOKEN_FILE", "SHOP_KEY", "SHOP_PORT", "SECRETS_DIR", "LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)


def test_a_setting_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "not-a-token")
    monkeypatch.setenv("SHOP_PORT", "8080")
    settings = ShopSettings.load()
    assert (settings.shop_token.get_secret_value(), settings.shop_port) == ("not-a-token", 8080)


def test_a_secret_comes_from_the_file_that_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("  not-a-token\n")
    monkeypatch.setenv("SHOP_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("SHOP_TOKEN", "another")
    assert ShopSettings.load().shop_token.get_secret_value() == "not-a-token"


def test_a_secret_comes_from_the_folder_of_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "SHOP_TOKEN").write_text("not-a-token")
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    assert ShopSettings.load().shop_token.get_secret_value() == "not-a-token"


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(SystemExit, match=r"SHOP_TOKEN: Field required"):
        ShopSettings.load()


def test_all_settings_in_the_wrong_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PORT", "none-of-your-business")
    with pytest.raises(SystemExit, match=r"(?s)SHOP_TOKEN.*SHOP_PORT") as error:
        ShopSettings.load()
    assert "none-of-your-business" not in str(error.value)


def test_an_empty_setting_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "")
    with pytest.raises(SystemExit, match="SHOP_TOKEN"):
        ShopSettings.load()
    monkeypatch.setenv("SHOP_TOKEN", "not-a-token")
    monkeypatch.setenv("SHOP_PORT", "")
    assert ShopSettings.load().shop_port == 80


def test_an_empty_file_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "SHOP_TOKEN").write_text(" \n")
    for name, value in (("SHOP_TOKEN_FILE", tmp_path / "SHOP_TOKEN"), ("SECRETS_DIR", tmp_path)):
        with monkeypatch.context() as patched:
            patched.setenv(name, str(value))
            patched.setenv("SHOP_TOKEN", "not-this-one-then")
            with pytest.raises(SystemExit, match=r"SHOP_TOKEN_FILE: .* is empty"):
                ShopSettings.load()


@pytest.mark.parametrize("what", ["missing", "folder"])
def test_a_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, what: str) -> None:
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("SHOP_TOKEN_FILE", str(tmp_path / what))
    with pytest.raises(SystemExit, match=rf"SHOP_TOKEN_FILE: .*{what}"):
        ShopSettings.load()


def test_the_secrets_are_the_values_that_no_log_may_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "not-a-token")
    settings = ShopSettings.load()
    assert settings.secrets() == ["not-a-token"]
    assert "not-a-token" not in repr(settings)


def test_settings_do_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "not-a-token")
    with pytest.raises(ValueError, match="frozen"):
        ShopSettings.load().__setattr__("shop_port", 1)


def test_a_real_token_is_not_sent_to_a_simulator() -> None:
    with pytest.raises(SystemExit, match=r"A_TOKEN looks real.*127\.0\.0\.1") as error:
        refuse_real_token_at_simulator("not-a-token", True, "http://127.0.0.1:1", "A_TOKEN")
    assert "not-a-token" not in str(error.value)


@pytest.mark.parametrize(
    ("token", "looks_real", "url"),
    [
        ("not-a-token", True, "https://api.example"),
        ("not-a-token", False, "http://127.0.0.1:1"),
        ("", True, "http://x"),
    ],
)
def test_other_tokens_and_addresses_are_fine(token: str, looks_real: bool, url: str) -> None:
    refuse_real_token_at_simulator(token, looks_real, url, "A_TOKEN")
