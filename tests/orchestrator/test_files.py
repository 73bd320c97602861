"""Files that go with messages: kept under their SHA-256, with a plain name, for a month."""

import hashlib
import os
import threading
import time
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path

import pytest

from orchestrator.api import BODY_BYTES
from orchestrator.files import KEPT
from stack.api import MOST_FILE_BYTES
from stack.errors import GiveUp, NotThere
from tests.orchestrator.played import World
from tests.orchestrator.serving import Api


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.mark.parametrize("content", [b"", b"text", bytes(range(256)) * 1000])
def test_a_file_comes_back_as_it_was_kept(world: World, content: bytes) -> None:
    kept = world.files.keep("a.bin", content)
    assert (kept.id, kept.name, kept.size) == (hashlib.sha256(content).hexdigest(), "a.bin", len(content))
    assert world.files.read(kept.id) == content
    world.restart()
    assert world.files.read(kept.id) == content


def test_the_same_bytes_are_kept_once(world: World, folder: Path) -> None:
    kept = [world.files.keep(name, b"text") for name in ("a.txt", "b.txt")]
    assert kept[0].id == kept[1].id
    assert [file.name for file in kept] == ["a.txt", "b.txt"]
    assert [path.name for path in folder.iterdir()] == [kept[0].id]


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("report.txt", "report.txt"),
        ("Füße (2).tar.gz", "Füße (2).tar.gz"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("/absolute", "absolute"),
        ("..", "file"),
        ("", "file"),
        (".", "file"),
        ("a/", "file"),
        (".bashrc", "bashrc"),
        ("a\x00b\nc\u202ed", "a_b_c_d"),
        ("<b>&\"'`$;|", "_b________"),
        ("x" * 500 + ".txt", "x" * 200),
    ],
)
def test_a_name_is_only_a_name(world: World, folder: Path, name: str, plain: str) -> None:
    kept = world.files.keep(name, b"text")
    assert kept.name == plain
    assert [path.name for path in folder.iterdir()] == [kept.id]


@pytest.mark.parametrize("file_id", ["", "..", "../orchestrator.sqlite", "a" * 63, "A" * 64, "a" * 64 + "\n", "é" * 64])
def test_what_is_no_id_opens_nothing(world: World, file_id: str) -> None:
    with pytest.raises(NotThere, match="not the id of a file"):
        world.files.read(file_id)


def test_a_file_that_is_not_there_is_told(world: World) -> None:
    with pytest.raises(NotThere, match="there is no such file"):
        world.files.read("0" * 64)


def test_a_file_of_more_than_telegram_takes_is_refused(world: World, folder: Path) -> None:
    assert world.files.keep("most", b"x" * MOST_FILE_BYTES).size == MOST_FILE_BYTES
    with pytest.raises(GiveUp, match="50 are most"):
        world.files.keep("more", b"x" * (MOST_FILE_BYTES + 1))
    assert len(list(folder.iterdir())) == 1


def test_the_same_file_from_many_at_once_is_kept(world: World, folder: Path) -> None:
    together, kept = threading.Barrier(8), []

    def keep() -> None:
        together.wait(10)
        kept.append(world.files.keep("a.txt", b"text" * 100_000))

    threads = [threading.Thread(target=keep) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept) == 8
    assert [path.name for path in folder.iterdir()] == [kept[0].id]


# --- age ----------------------------------------------------------------------------------------------


def let_age(path: Path, age: timedelta) -> None:
    at = time.time() - age.total_seconds()
    os.utime(path, (at, at))


def test_files_are_kept_for_a_month(world: World, folder: Path) -> None:
    assert timedelta(days=30) == KEPT
    old, young = world.files.keep("old", b"old"), world.files.keep("young", b"young")
    let_age(folder / old.id, KEPT + timedelta(minutes=1))
    let_age(folder / young.id, KEPT - timedelta(minutes=1))
    world.files.purge()
    assert [path.name for path in folder.iterdir()] == [young.id]
    with pytest.raises(NotThere, match="it is gone"):
        world.files.read(old.id)


def test_a_file_that_is_kept_again_is_young_again(world: World, folder: Path) -> None:
    kept = world.files.keep("a", b"text")
    let_age(folder / kept.id, KEPT + timedelta(days=1))
    world.files.keep("a", b"text")
    world.files.purge()
    assert world.files.read(kept.id) == b"text"


def test_what_a_process_that_died_has_left_half_written_goes_too(world: World, folder: Path) -> None:
    (folder / "1.new").write_bytes(b"te")
    (folder / "2.new").write_bytes(b"te")
    let_age(folder / "1.new", KEPT + timedelta(days=1))
    world.files.purge()
    assert [path.name for path in folder.iterdir()] == ["2.new"]


# --- over the API -------------------------------------------------------------------------------------


@pytest.fixture
def api(world: World) -> Api:
    return Api(world)


@pytest.mark.parametrize("caller", ["bot", "cli"])
def test_a_file_goes_round(api: Api, caller: str) -> None:
    answer = api.call("POST", "/files?name=../a%20b.txt", caller, data=b"\x00\xff")
    assert answer.status_code == 201
    assert (answer.json or {})["name"] == "a b.txt"
    back = api.call("GET", f"/files/{(answer.json or {})['id']}", caller)
    assert (back.data, back.mimetype) == (b"\x00\xff", "application/octet-stream")


@pytest.mark.parametrize("path", ["/files/..%2f..%2forchestrator.sqlite", "/files/../orchestrator.sqlite", "/files/x"])
def test_no_path_leads_out_of_the_folder(api: Api, path: str) -> None:
    answer = api.call("GET", path, "bot")
    assert answer.status_code == 404
    assert set(answer.json or {}) == {"error"}


@pytest.mark.parametrize(("more", "status"), [(0, 201), (1, 409)])
def test_a_file_of_more_than_the_limit_is_refused(api: Api, more: int, status: int) -> None:
    answer = api.call("POST", "/files?name=a", "bot", data=b"x" * (MOST_FILE_BYTES + more))
    assert answer.status_code == status
    assert (status == 201) == ("error" not in (answer.json or {}))


@pytest.mark.parametrize(
    ("path", "caller", "length", "status"),
    [
        ("/files?name=a", "bot", MOST_FILE_BYTES + 1, 413),
        ("/files?name=a", "forge", BODY_BYTES + 1, 413),
        ("/runs", "cli", BODY_BYTES + 1, 413),
        ("/runs", "", 1, 401),
    ],
)
def test_a_body_is_refused_at_its_head(api: Api, path: str, caller: str, length: int, status: int) -> None:
    """None of it was sent."""
    token = api.token(caller) if caller else "nobody's"
    with api.served() as url:
        connection = HTTPConnection(url.removeprefix("http://"), timeout=5)
        connection.putrequest("POST", path)
        connection.putheader("Authorization", f"Bearer {token}")
        connection.putheader("Content-Length", str(length))
        connection.endheaders()
        assert connection.getresponse().status == status
        connection.close()
