"""`python -m stack rotate`, on the folder of a stack's secrets."""

import json
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stack.init import CALLERS, make_secrets
from stack.rotate import CLOCK_SECONDS, KINDS, TASK_SECONDS
from stack.topology import USERS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_secrets(tmp_path, broker="rabbitmq:5672")
    return tmp_path


def rotate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stack", "rotate", *arguments, "--folder", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def lines(folder: Path, name: str) -> list[str]:
    return (folder / name).read_text().split()


def all_lines(folder: Path) -> dict[str, list[str]]:
    files = (path for path in folder.rglob("*") if path.is_file() and "rabbitmq" not in path.parts)
    return {str(path.relative_to(folder)): path.read_text().split() for path in files}


def age(folder: Path, seconds: float) -> None:
    """As if it had been renewed so long ago."""
    for master in (folder / "init").iterdir():
        os.utime(master, (time.time() - seconds, time.time() - seconds))


def test_a_renewed_secret_stands_above_the_one_before_wherever_it_is_used(folder: Path) -> None:
    before = lines(folder, "proxy/MODEL_TOKEN_KEY")
    assert rotate(folder, "model-tokens").returncode == 0
    after = lines(folder, "proxy/MODEL_TOKEN_KEY")
    assert (len(after), after[1:]) == (2, before)
    assert lines(folder, "orchestrator/MODEL_TOKEN_KEY") == after


def test_nothing_else_changes(folder: Path) -> None:
    before = all_lines(folder)
    assert rotate(folder, "api-token", "bot").returncode == 0
    changed = {name for name, text in all_lines(folder).items() if text != before[name]}
    assert changed == {"init/api_token_bot", "bot/API_TOKEN", "orchestrator/API_TOKENS"}
    known = json.loads((folder / "orchestrator/API_TOKENS").read_text())
    assert known["bot"].split() == lines(folder, "bot/API_TOKEN")


def test_all_renews_every_secret_and_prints_none(folder: Path) -> None:
    before = all_lines(folder)
    done = rotate(folder, "all")
    after = all_lines(folder)
    assert {name for name in before if after[name] == before[name]} == {"init/broker"}
    assert done.returncode == 0
    for text in (line for both in (before, after) for name in both for line in both[name] if name != "init/broker"):
        assert text not in done.stdout + done.stderr


def test_there_is_a_name_for_every_secret_that_is_made(folder: Path) -> None:
    assert {path.name for path in (folder / "init").iterdir()} - {"broker"} == {
        master for kind in KINDS.values() for master in kind.masters.values()
    }
    assert {*KINDS["api-token"].masters} == {*CALLERS}
    assert {*KINDS["broker"].masters} == {*USERS}


def test_the_broker_is_told_of_the_newest_password_and_of_no_other(folder: Path) -> None:
    def hashes() -> dict[str, str]:
        users = json.loads((folder / "rabbitmq/definitions.json").read_text())["users"]
        return {user["name"]: user["password_hash"] for user in users}

    before = hashes()
    assert rotate(folder, "broker", "forge").returncode == 0
    assert {name for name, digest in hashes().items() if digest != before[name]} == {"forge"}
    assert len(lines(folder, "forge/BROKER_URL")) == 2


def test_the_definitions_are_the_same_for_the_same_passwords(folder: Path) -> None:
    """So that the broker has nothing to do where nothing of it was renewed."""
    before = (folder / "rabbitmq/definitions.json").read_bytes()
    assert rotate(folder, "marks").returncode == 0
    assert (folder / "rabbitmq/definitions.json").read_bytes() == before


def test_what_was_before_is_ended_when_nothing_needs_it_any_more(folder: Path) -> None:
    rotate(folder, "model-tokens")
    newest = lines(folder, "proxy/MODEL_TOKEN_KEY")[0]
    early = rotate(folder, "model-tokens", "--end")
    assert (early.returncode, len(lines(folder, "proxy/MODEL_TOKEN_KEY"))) == (1, 2)
    assert "not before" in early.stderr
    age(folder, TASK_SECONDS + 1)
    assert rotate(folder, "model-tokens", "--end").returncode == 0
    assert lines(folder, "proxy/MODEL_TOKEN_KEY") == lines(folder, "orchestrator/MODEL_TOKEN_KEY") == [newest]


def test_a_secret_that_somebody_knows_is_renewed_and_ended_at_once(folder: Path) -> None:
    before = lines(folder, "forge/FORGE_TOKEN_KEY")
    done = rotate(folder, "forge-tokens", "--now")
    assert (done.returncode, KINDS["forge-tokens"].breaks in done.stdout) == (0, True)
    assert len(after := lines(folder, "forge/FORGE_TOKEN_KEY")) == 1
    assert after != before


def test_what_signed_our_posts_is_kept_until_it_is_ended_by_its_name(folder: Path) -> None:
    rotate(folder, "all")
    age(folder, 10**8)
    assert rotate(folder, "all", "--end").returncode == 0
    assert rotate(folder, "all", "--end", "--now").returncode == 0
    assert {name for name, text in all_lines(folder).items() if len(text) > 1} == {
        "init/forge_mark_key", "forge/FORGE_MARK_KEY", "orchestrator/API_TOKENS",
    }  # fmt: skip
    assert rotate(folder, "marks", "--end").returncode == 0
    assert len(lines(folder, "forge/FORGE_MARK_KEY")) == 2
    assert rotate(folder, "marks", "--end", "--now").returncode == 0
    assert len(lines(folder, "forge/FORGE_MARK_KEY")) == 1


def test_a_renewed_key_of_ids_counts_from_a_moment_on_that_nobodys_clock_has_reached(folder: Path) -> None:
    rotate(folder, "request-ids")
    since = int(lines(folder, "bot/REQUEST_ID_KEY")[0].partition(".")[0])
    assert 0 < since - time.time() <= CLOCK_SECONDS
    rotate(folder, "request-ids", "--now")
    assert int(lines(folder, "bot/REQUEST_ID_KEY")[0].partition(".")[0]) <= time.time()


def test_what_a_killed_call_has_left_the_next_one_mends(folder: Path) -> None:
    (folder / "init/forge_token_key").write_text("not-a-key-2\nnot-a-key-1")
    assert rotate(folder, "marks").returncode == 0
    assert lines(folder, "forge/FORGE_TOKEN_KEY") == ["not-a-key-2", "not-a-key-1"]


def test_a_file_stays_its_owners_alone(folder: Path) -> None:
    if os.geteuid() == 0:
        os.chown(folder / "bot/API_TOKEN", 10001, 10002)
    before = (folder / "bot/API_TOKEN").stat()
    assert rotate(folder, "api-token").returncode == 0
    after = (folder / "bot/API_TOKEN").stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)
    assert stat.S_IMODE(after.st_mode) == 0o600


@pytest.mark.parametrize("arguments", [("api-token", "nobody"), ("marks", "forge")])
def test_whose_there_is_none_is_told_in_words(folder: Path, arguments: tuple[str, ...]) -> None:
    before = all_lines(folder)
    done = rotate(folder, *arguments)
    assert (done.returncode, "there is" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
    assert all_lines(folder) == before


def test_a_folder_without_secrets_is_told_in_words(tmp_path: Path) -> None:
    done = rotate(tmp_path, "all")
    assert (done.returncode, "has no secrets of a stack" in done.stderr) == (1, True)
    assert not list(tmp_path.iterdir())
