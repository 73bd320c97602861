"""gateway.toml is read again when it changes, and never half."""

import logging
import os
import time
from decimal import Decimal
from pathlib import Path

import pytest

from proxy.gateway_file import SetUpError
from proxy.reload import Watched
from tests.proxy.setup.written import KEYS, SMALL, Written, settings

OTHER = '[tiers]\nsonnet = "ollama/other"\n'
WRONG = '[tiers]\nsonnet = "nobody"\n'


def model(watched: Watched) -> str:
    return watched.gateway.tiers["sonnet"].targets[0].model


@pytest.fixture
def watched(file: Written) -> Watched:
    file.load(SMALL)
    return Watched(file.settings(), KEYS)


def looks(watched: Watched) -> list[bool]:
    """What three looks see: a change is taken at the second that sees it."""
    return [watched.look() for _ in range(3)]


def test_nothing_changes_while_the_file_does_not(watched: Watched) -> None:
    before = watched.gateway
    assert looks(watched) == [False] * 3
    assert watched.gateway is before
    assert watched.error == ""


def test_a_change_is_taken_once_two_looks_have_seen_it(file: Written, watched: Watched) -> None:
    started = watched.loaded_at
    file.path.write_text(OTHER)
    assert looks(watched) == [False, True, False]
    assert model(watched) == "other"
    assert started < watched.loaded_at <= time.time()


def test_a_file_put_in_its_place_is_taken_even_with_the_same_size_and_time(file: Written, watched: Watched) -> None:
    file.path.write_text(OTHER)
    assert looks(watched) == [False, True, False]
    before = file.path.stat()
    new = file.folder / "new"
    new.write_text(OTHER.replace("other", "third"))
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(file.path)
    assert looks(watched) == [False, True, False]
    assert model(watched) == "third"


def test_a_file_that_is_still_being_written_is_waited_for(file: Written, watched: Watched) -> None:
    """Each of its halves could be read, and would be a gateway without limits."""
    text = OTHER + '[models]\n"m" = "ollama"\n[limits]\nday = 1\n'
    file.path.write_text("")
    assert not watched.look()
    for end in range(len(OTHER), len(text), 9):
        with file.path.open("w") as half:
            half.write(text[:end])
        assert not watched.look()
        assert (model(watched), watched.error) == ("", "")
    file.path.write_text(text)
    assert looks(watched) == [False, True, False]
    assert watched.gateway.limits.day_usd == 1


def test_a_mistake_keeps_what_was_there_and_is_logged_once(
    file: Written, watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    before, since = watched.gateway, watched.loaded_at
    file.path.write_text(WRONG)
    assert looks(watched) == [False] * 3
    assert (watched.gateway, watched.loaded_at) == (before, since)
    assert watched.error == "gateway.toml:2: tiers.sonnet: there is no [providers.nobody]; known are ollama, vllm"
    file.path.write_text(WRONG + "# saved again\n")
    assert looks(watched) == [False] * 3
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    file.path.write_text(OTHER)
    assert looks(watched) == [False, True, False]
    assert (model(watched), watched.error) == ("other", "")


def test_a_file_that_goes_is_an_error_until_it_is_back(file: Written, watched: Watched) -> None:
    file.path.rename(file.folder / "away")
    assert looks(watched) == [False] * 3
    assert "cannot be read (No such file or directory)" in watched.error
    assert model(watched) == ""
    (file.folder / "away").rename(file.path)
    before = watched.gateway
    assert looks(watched) == [False] * 3  # it says what it said before
    assert (watched.gateway, watched.error) == (before, "")


def test_a_comment_changes_nothing_that_calls_would_notice(file: Written, watched: Watched) -> None:
    before = watched.gateway
    file.path.write_text(SMALL + "# a comment\n")
    assert looks(watched) == [False] * 3
    assert watched.gateway is before


def test_a_key_in_a_file_is_read_again_too(file: Written) -> None:
    key = file.folder / "zai.key"
    key.write_text("invented-old-key")
    file.path.write_text('[providers.zai]\nkeys = "file:zai.key"\n[tiers]\nsonnet = "zai"\n')
    watched = Watched(file.settings(), {})
    key.write_text("invented-new-key-2")
    assert looks(watched) == [False, True, False]
    assert watched.gateway.tiers["opus"].targets[0].provider.keys == ("invented-new-key-2",)
    key.unlink()
    assert looks(watched) == [False] * 3
    assert "zai.key cannot be read" in watched.error
    key.write_text("invented-third-key")
    assert looks(watched) == [False, True, False]
    assert watched.error == ""


def test_a_key_that_was_missing_is_found_when_it_comes(file: Written, watched: Watched) -> None:
    file.path.write_text('[providers.zai]\nkeys = "file:later"\n[tiers]\nsonnet = "zai/later"\n')
    assert looks(watched) == [False] * 3
    (file.folder / "later").write_text("invented-late-key")
    assert looks(watched) == [False, True, False]
    assert (model(watched), watched.error) == ("later", "")


def test_a_folder_that_is_swapped_for_another_is_noticed(file: Written) -> None:
    """As Kubernetes mounts a file: a link to a folder that is replaced as a whole."""
    for name, text in (("one", OTHER), ("two", OTHER.replace("other", "third"))):
        (file.folder / name).mkdir()
        (file.folder / name / "gateway.toml").write_text(text)
    link = file.folder / "current"
    link.symlink_to("one")
    watched = Watched(settings(gateway_file=link / "gateway.toml"), KEYS)
    (file.folder / "next").symlink_to("two")
    (file.folder / "next").replace(link)
    assert looks(watched) == [False, True, False]
    assert model(watched) == "third"


def test_it_does_not_start_with_a_file_that_is_wrong(file: Written) -> None:
    file.path.write_text(WRONG)
    with pytest.raises(SetUpError, match=r"^gateway.toml:2: "):
        Watched(file.settings(), KEYS)


def test_what_must_not_be_logged_is_told_before_it_is_used(file: Written) -> None:
    hidden: list[list[str]] = []
    file.path.write_text(SMALL)
    watched = Watched(file.settings(), KEYS, hide=hidden.append)
    file.path.write_text(SMALL.replace("ANTHROPIC_API_KEY", "ZAI_API_KEY"))
    assert looks(watched) == [False, True, False]
    file.path.write_text(WRONG)
    looks(watched)
    assert hidden == [[KEYS["ANTHROPIC_API_KEY"]], [KEYS["ZAI_API_KEY"]]]


def test_without_a_file_the_environment_alone_counts(file: Written) -> None:
    watched = Watched(settings(sonnet_model="glm-4.7"), {})
    assert (model(watched), watched.said) == ("glm-4.7", "the environment")
    file.load(SMALL)
    assert Watched(file.settings(), KEYS).said == "gateway.toml"
    assert looks(watched) == [False] * 3


def test_with_a_file_the_tiers_of_the_environment_do_not_count(file: Written) -> None:
    file.path.write_text(OTHER)
    assert model(Watched(file.settings(sonnet_model="glm-4.7", sonnet_provider="custom"), KEYS)) == "other"


def test_a_limit_in_the_environment_holds_where_the_file_has_none(file: Written) -> None:
    file.path.write_text(SMALL + "[limits]\nday = 7\n")
    watched = Watched(file.settings(limit_day_usd="3", limit_run_usd="2"), KEYS)
    assert (watched.gateway.limits.day_usd, watched.gateway.limits.run_usd) == (Decimal(7), Decimal(2))
    file.path.write_text(SMALL)
    assert looks(watched) == [False, True, False]
    assert watched.gateway.limits.day_usd == 3


def test_no_key_is_in_what_is_logged(file: Written, watched: Watched, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    file.path.write_text(
        '[providers.zai]\nkeys = ["invented-literal-key", "env:ZAI_API_KEY"]\n[tiers]\nsonnet = "zai"\n'
    )
    looks(watched)
    file.path.write_text(OTHER)
    looks(watched)
    assert len(caplog.records) == 2
    assert "invented" not in caplog.text
    assert "invented" not in watched.error


def test_a_file_that_cannot_be_opened_is_no_reason_to_stop(file: Written, watched: Watched, tmp_path: Path) -> None:
    file.path.unlink()
    file.path.symlink_to(file.path)
    assert looks(watched) == [False] * 3
    assert "cannot be read (Too many levels of symbolic links)" in watched.error
