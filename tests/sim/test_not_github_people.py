"""What people do on not-github beside the product: start reviews, lock conversations, archive repositories."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.not_github import client
from sim.not_github.store import ADDED
from tests.sim.not_github import TOKEN, Api, commit, git, pushed_pull, running, with_token


@pytest.fixture
def api(url: str) -> Iterator[Api]:
    api = Api(url)
    yield api
    api.close()


def test_a_person_starts_a_review_and_submits_or_discards_it(url: str, api: Api, tmp_path: Path) -> None:
    path = pushed_pull(url, "started", tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})
    comment, pending = {"event": "COMMENT", "body": "x"}, f"{url}/_sim{path}/pending"

    client.call("POST", pending, {"body": "half of a tho"})
    assert [one["state"] for one in api.get(f"{path}/reviews").json()] == ["PENDING"]
    assert api.post(f"{path}/reviews", comment).status_code == 422
    with pytest.raises(client.Refused):
        client.call("POST", pending)
    client.call("PATCH", pending)
    assert [one["state"] for one in api.get(f"{path}/reviews").json()] == ["COMMENTED"]
    assert api.post(f"{path}/reviews", comment).status_code == 200

    client.call("POST", pending)
    client.call("DELETE", pending)
    assert len(api.get(f"{path}/reviews").json()) == 2
    assert api.post(f"{path}/reviews", comment).status_code == 200
    with pytest.raises(client.Refused):
        client.call("PATCH", pending)


def test_anothers_started_review_is_seen_by_nobody_and_in_nobodys_way(url: str, api: Api, tmp_path: Path) -> None:
    path = pushed_pull(url, "others", tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})

    client.call("POST", f"{url}/_sim{path}/pending", {"user": "robin"})

    assert api.get(f"{path}/reviews").json() == []
    assert api.post(f"{path}/reviews", {"event": "COMMENT", "body": "x"}).status_code == 200


def test_a_locked_conversation_takes_reviews_of_those_alone_who_may_write(url: str, api: Api, tmp_path: Path) -> None:
    path = pushed_pull(url, "locked", tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})
    place, comment = path.rpartition("/pulls")[0], {"event": "COMMENT", "body": "x"}

    client.call("PATCH", f"{url}/_sim{path}", {"locked": True})
    assert api.get(path).json()["locked"] is True
    assert api.get(place).json()["permissions"]["push"] is True
    assert api.post(f"{path}/reviews", comment).status_code == 200

    client.call("PATCH", f"{url}/_sim{place}", {"permission": "read"})
    assert api.get(place).json()["permissions"]["push"] is False
    assert api.post(f"{path}/reviews", comment).json()["errors"] == ["lock prevents review"]
    assert _comment(api, path) == (403, "Unable to create comment because issue is locked.")
    client.call("PATCH", f"{url}/_sim{path}", {"locked": False})
    assert _comment(api, path)[0] == 201
    assert api.post(f"{path}/reviews", comment).status_code == 200


def test_an_archived_repository_takes_neither_reviews_nor_pushes(url: str, api: Api, tmp_path: Path) -> None:
    path = pushed_pull(url, "archived", tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})
    place = path.rpartition("/pulls")[0]

    client.call("PATCH", f"{url}/_sim{place}", {"archived": True})

    assert api.get(path).json()["base"]["repo"]["archived"] is True
    refused = api.post(f"{path}/reviews", {"event": "COMMENT", "body": "x"})
    assert (refused.status_code, refused.json()["errors"]) == (422, ["lock prevents review"])
    assert _comment(api, path) == (403, "Repository was archived so is read-only.")
    commit(tmp_path / "tree", {"a": b"3\n"})
    with pytest.raises(RuntimeError, match="403"):
        git("push", with_token(f"{url}/acme/archived.git"), "change", folder=tmp_path / "tree")
    with pytest.raises(client.Refused):
        client.call("PATCH", f"{url}/_sim{place}", {"permission": "all"})


def _comment(api: Api, pull: str) -> tuple[int, str]:
    """What comes of a comment on a pull request: the status, and what GitHub says."""
    answer = api.post(f"{pull.replace('/pulls/', '/issues/')}/comments", {"body": "x"})
    return answer.status_code, answer.json().get("message", "")


def test_a_store_of_an_earlier_version_is_opened(tmp_path: Path) -> None:
    with running(tmp_path / "data") as url:
        client.example(url)
    file = sqlite3.connect(tmp_path / "data" / "not-github.sqlite")
    for table, column, _ in ADDED:
        file.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    file.commit()
    file.close()

    with running(tmp_path / "data") as url:
        pull = client.call("GET", f"{url}/repos/acme/shop/pulls/12")
        api = Api(url, TOKEN)
        assert (pull["locked"], pull["base"]["repo"]["archived"]) == (False, False)
        assert api.post("/repos/acme/shop/pulls/12/reviews", {"event": "COMMENT", "body": "x"}).status_code == 200
        api.close()
