"""The gateway's command line: keys, the set-up in words, the check of a provider through a gateway of its own."""

import os
import subprocess
import sys
from pathlib import Path

from native.rabbitmq import free_port
from tests.proxy.running import PROVIDER_KEY, READ_TOKEN, TOKEN_KEY, request, running_proxy
from tests.proxy.upstream import ScriptedUpstream


def run(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """`python -m proxy` with these arguments, and the ledger of a proxy that runs in `folder`."""
    environment = {
        "PATH": os.environ["PATH"], "DATA_DIR": str(folder / "data"), "MODEL_TOKEN_KEY": TOKEN_KEY,
        "PROXY_READ_TOKEN": READ_TOKEN, **settings,
    }  # fmt: skip
    command = [sys.executable, "-m", "proxy", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def test_a_key_that_is_added_opens_at_once_until_it_is_revoked(upstream: ScriptedUpstream, tmp_path: Path) -> None:
    settings = {"SONNET_PROVIDER_BASE_URL": upstream.url, "SONNET_PROVIDER_API_KEY": PROVIDER_KEY}
    with running_proxy(tmp_path, **settings) as proxy:
        added = run(tmp_path, "keys", "add", "laptop", "--day", "5", "--expires", "2099-12-31")
        assert (added.returncode, added.stderr) == (0, "")
        key = added.stdout.strip()
        assert proxy.message(key).status == 200
        assert proxy.message(f"{key}x").error == (401, "authentication_error")
        listed = run(tmp_path, "keys", "list").stdout
        assert "laptop" in listed
        assert "expires 2099-12-31, $5 a day" in listed
        assert key not in listed
        assert run(tmp_path, "keys", "revoke", "laptop").returncode == 0
        assert proxy.message(key, request()).error == (401, "authentication_error")
        assert key not in proxy.log.read_text()


def test_what_cannot_be_done_is_said_in_a_line(tmp_path: Path) -> None:
    for arguments, said in (
        (("keys", "add", "Not a name"), "a name is"),
        (("keys", "revoke", "nobody"), "no key with the name nobody"),
        (("keys", "add", "x", "--day", "-1"), "dollars, more than 0"),
        (("keys", "add", "x", "--expires", "soon"), "a day, such as"),
        (("config",), "GATEWAY_FILE"),
    ):
        settings = {"GATEWAY_FILE": str(tmp_path / "missing.toml")} if arguments == ("config",) else {}
        ended = run(tmp_path, *arguments, **settings)
        assert ended.returncode != 0
        assert said in ended.stderr or "missing.toml" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_the_set_up_is_told_without_a_key(tmp_path: Path) -> None:
    told = run(tmp_path, "config", SONNET_PROVIDER="zai", SONNET_PROVIDER_API_KEY=PROVIDER_KEY, SONNET_MODEL="glm-4.7")
    assert told.returncode == 0
    assert "sonnet: glm-4.7 at zai" in told.stdout
    assert PROVIDER_KEY not in told.stdout


def test_a_provider_that_is_away_cannot_be_checked(tmp_path: Path) -> None:
    """Through the real gateway in a process of its own, which ends with the command."""
    settings = {"SONNET_PROVIDER_BASE_URL": f"http://127.0.0.1:{free_port()}", "SONNET_PROVIDER_API_KEY": PROVIDER_KEY}
    ended = run(tmp_path, "check", "anthropic", "--timeout", "5", **settings)
    assert ended.returncode == 2
    assert PROVIDER_KEY not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
