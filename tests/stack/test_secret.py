"""A secret that is renewed while it is used: who shows it follows its file, and who verifies takes those before too."""

import json
import logging
import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from forge.marks import Marks
from orchestrator.callers import Callers
from orchestrator.settings import OrchestratorSettings
from stack import logs, tokens
from stack.errors import Refused
from stack.ids import secret_id
from stack.secret import SecretFile, accepted, newest
from stack.settings import Settings


class ShopSettings(Settings):
    shop_key: SecretStr = SecretStr("")


def put(path: Path, *lines: str) -> None:
    """As `rotate` does: whole or not at all."""
    path.with_name("new").write_text("\n".join(lines))
    path.with_name("new").replace(path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    put(tmp_path / "SHOP_KEY", "not-a-key-1")
    return tmp_path / "SHOP_KEY"


CLAIMS = tokens.Claims(run="r", task="t", person="p", role="x", attempt=1, budget_usd=1, expires=1e12)


def test_a_secret_follows_its_file(file: Path) -> None:
    secret = SecretFile(file)
    assert (newest(secret), accepted(secret)) == ("not-a-key-1", ("not-a-key-1",))
    put(file, "not-a-key-2", "not-a-key-1")
    assert (newest(secret), accepted(secret)) == ("not-a-key-2", ("not-a-key-2", "not-a-key-1"))


def test_a_file_that_cannot_be_read_for_a_moment_changes_nothing(file: Path) -> None:
    secret = SecretFile(file)
    file.unlink()
    assert newest(secret) == "not-a-key-1"
    put(file, "not-a-key-2")
    assert newest(secret) == "not-a-key-2"


def test_it_is_read_again_only_when_it_has_changed(file: Path) -> None:
    secret, stamp = SecretFile(file), os.stat(file)
    file.write_text("not-a-key-7")  # in place, as long, and of the same time: nobody writes so
    os.utime(file, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert newest(secret) == "not-a-key-1"


def test_a_setting_is_renewed_where_its_file_is_and_the_environment_is_needed_no_more(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRETS_DIR", str(file.parent))
    settings = ShopSettings.load()
    monkeypatch.delenv("SECRETS_DIR")
    put(file, "not-a-key-2", "not-a-key-1")
    assert accepted(settings.secret("shop_key")) == ("not-a-key-2", "not-a-key-1")
    assert {*settings.secrets()} == {"not-a-key-2", "not-a-key-1"}


def test_a_setting_of_the_environment_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "not-a-key-1")
    assert accepted(ShopSettings.load().secret("shop_key")) == ("not-a-key-1",)


def test_of_a_renewed_secret_a_service_starts_with_the_newest(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(file, "not-a-key-2", "not-a-key-1")
    monkeypatch.setenv("SECRETS_DIR", str(file.parent))
    settings = ShopSettings.load()
    assert settings.shop_key.get_secret_value() == newest(settings.secret("shop_key")) == "not-a-key-2"


def test_no_log_shows_a_renewed_secret_nor_the_one_before(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SECRETS_DIR", str(file.parent))
    settings = ShopSettings.load()
    logs.set_up("shop", level="info", secrets=settings.secrets)
    for number in (2, 3, 4):
        put(file, f"not-a-key-{number}")
        if number == 2:
            newest(settings.secret("shop_key"))
    logging.getLogger("shop").info("the keys not-a-key-1, not-a-key-2 and not-a-key-4")
    said = json.loads(capsys.readouterr().err)["message"]
    assert said == "the keys [hidden], [hidden] and [hidden]"


def test_a_token_of_the_key_before_is_good_until_that_is_ended(file: Path) -> None:
    key = SecretFile(file)
    before = tokens.sign(key, "model", CLAIMS)
    put(file, "not-a-key-2", "not-a-key-1")
    after = tokens.sign(key, "model", CLAIMS)
    assert tokens.verify(key, "model", before) == tokens.verify(key, "model", after) == CLAIMS
    put(file, "not-a-key-2")
    assert tokens.verify(key, "model", after) == CLAIMS
    with pytest.raises(Refused):
        tokens.verify(key, "model", before)


def test_what_a_former_key_has_signed_on_github_stays_ours(file: Path) -> None:
    marks = Marks(SecretFile(file))
    before = marks.line({"is": "review"})
    put(file, "not-a-key-2", "not-a-key-1")
    after = marks.line({"is": "review"})
    assert before != after
    assert [*marks.read(f"{before}\n{after}")] == [{"is": "review"}] * 2
    put(file, "not-a-key-2")
    assert [*marks.read(f"{before}\n{after}")] == [{"is": "review"}]


def test_the_orchestrator_takes_both_tokens_of_a_caller_until_one_is_ended(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = file.parent
    for name in ("BROKER_URL", "MODEL_TOKEN_KEY", "FORGE_TOKEN_KEY", "INSTANCE_TOKEN_KEY", "PROXY_READ_TOKEN"):
        put(folder / name, "not-a-secret")
    monkeypatch.setenv("SECRETS_DIR", str(folder))
    monkeypatch.setenv("DATA_DIR", str(folder))
    good: list[str] = []
    for lines in ("not-a-token-1", "not-a-token-2\nnot-a-token-1", "not-a-token-2"):
        put(folder / "API_TOKENS", json.dumps({"bot": lines}))
        settings = OrchestratorSettings.load()
        callers = Callers(settings.callers, instance_key="k")
        assert {callers.of(token).name for token in lines.split()} == {"bot"}
        good = list(settings.callers()["bot"])
        assert set(good) <= set(settings.secrets())
    assert good == ["not-a-token-2"]


def test_a_process_of_a_role_is_handed_a_renewed_token_with_the_id_that_it_has(file: Path) -> None:
    callers = Callers(lambda: {"forge": ("not-a-token",)}, instance_key=SecretFile(file))
    token = callers.register(callers.of("not-a-token"), "forge 1")
    assert callers.of(token).renewed == ""
    put(file, "not-a-key-2", "not-a-key-1")
    known = callers.of(token)
    renewed = callers.of(known.renewed)
    assert (renewed.instance, renewed.renewed) == (known.instance, "")


def test_what_happened_before_a_renewal_keeps_its_id(file: Path) -> None:
    """The same update, delivered again after it, asks for the same run."""
    key = SecretFile(file)
    ids = [secret_id(key, "update 7", milliseconds=at) for at in (1_000_000, 2_000_000)]
    put(file, "1500.not-a-key-2", "not-a-key-1")
    assert secret_id(key, "update 7", milliseconds=1_000_000) == ids[0]
    assert secret_id(key, "update 7", milliseconds=2_000_000) != ids[1]
    assert secret_id(key, "update 7", milliseconds=2_000_000) == secret_id(
        "1500.not-a-key-2", "update 7", milliseconds=2_000_000
    )
