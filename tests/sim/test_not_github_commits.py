"""Statuses of commits, comparisons, and pull requests larger than one page or one list."""

from pathlib import Path
from typing import Any

import pytest

from sim.not_github import client
from tests.sim.checked_api import CheckedApi
from tests.sim.not_github import LOGIN, Api, commit, git, push, pushed_pull, with_token


def head_of(url: str, api: Api, name: str, tmp_path: Path) -> tuple[str, str]:
    """The path of a repository with a pull request, and the head of that."""
    pull = pushed_pull(url, name, tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})
    sha: str = api.get(pull).json()["head"]["sha"]
    return f"/repos/acme/{name}", sha


# Statuses


def test_a_status_is_said_of_a_commit_and_the_last_of_each_context_counts(
    url: str, api: CheckedApi, tmp_path: Path
) -> None:
    place, sha = head_of(url, api, "statuses", tmp_path)
    assert api.get(f"{place}/commits/{sha}/status").json()["state"] == "pending"
    first = {"state": "pending", "context": "review", "description": "reading", "target_url": "https://example.com/1"}
    answer = api.post(f"{place}/statuses/{sha}", first)
    assert answer.status_code == 201
    assert {key: answer.json()[key] for key in first} == first
    assert answer.json()["creator"]["login"] == LOGIN
    api.post(f"{place}/statuses/{sha}", {"state": "success", "context": "Review", "description": "x" * 140})
    api.post(f"{place}/statuses/{sha}", {"state": "success"})

    said = api.get(f"{place}/commits/{sha}/statuses").json()
    assert [(one["context"], one["state"]) for one in said] == [
        ("default", "success"),
        ("Review", "success"),
        ("review", "pending"),
    ]
    assert api.get(f"{place}/commits/change/statuses?per_page=1").json() == said[:1]
    assert Api(url).get(f"{place}/statuses/{sha}").json() == said
    together = api.get(f"{place}/commits/{sha}/status").json()
    assert (together["state"], together["total_count"], together["sha"]) == ("success", 2, sha)
    for state in ("pending", "failure", "error"):
        api.post(f"{place}/statuses/{sha}", {"state": state, "context": "ci"})
        expected = "pending" if state == "pending" else "failure"
        assert api.get(f"{place}/commits/{sha}/status").json()["state"] == expected


def test_a_status_stays_at_its_commit_when_the_head_moves(url: str, api: CheckedApi, tmp_path: Path) -> None:
    place, sha = head_of(url, api, "stale", tmp_path)
    api.post(f"{place}/statuses/{sha}", {"state": "success"})
    git("commit", "--quiet", "--amend", "--message", "other", folder=tmp_path / "tree")
    push(url, "stale", tmp_path / "tree", force=True)
    assert api.get(f"{place}/commits/change/status").json()["total_count"] == 0
    assert api.get(f"{place}/commits/{sha}/status").json()["total_count"] == 1
    assert api.post(f"{place}/statuses/{sha}", {"state": "failure"}).status_code == 201


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, '"state" wasn\'t supplied.'),
        ({"state": "fine"}, "fine is not a member of"),
        ({"state": 3}, "is not of the right type"),
        ({"state": "success", "description": "x" * 141}, "description is too long (maximum is 140 characters)"),
        ({"state": "success", "context": "x" * 256}, "context is too long (maximum is 255 characters)"),
        ({"state": "success", "target_url": "/run/1"}, "target_url must use http(s) scheme"),
    ],
)
def test_a_status_that_is_none_is_refused(url: str, tmp_path: Path, body: dict[str, Any], words: str) -> None:
    api = Api(url)
    place, sha = head_of(url, api, f"bad-{words.encode().hex()[:60]}", tmp_path)
    refused = api.post(f"{place}/statuses/{sha}", body)
    assert refused.status_code == 422
    assert words in refused.text.replace('\\"', '"')
    assert api.get(f"{place}/commits/{sha}/statuses").json() == []
    api.close()


def test_a_status_needs_a_commit(url: str, api: CheckedApi, tmp_path: Path) -> None:
    place, _ = head_of(url, api, "missing", tmp_path)
    refused = api.post(f"{place}/statuses/{'0' * 40}", {"state": "success"})
    assert (refused.status_code, refused.json()["message"]) == (422, f"No commit found for SHA: {'0' * 40}")
    refused = api.post(f"{place}/statuses/change", {"state": "success"})
    assert (refused.status_code, refused.json()["errors"][0]["message"]) == (422, "sha must be a 40 character SHA1")
    assert api.get(f"{place}/commits/{'0' * 40}/status").status_code == 422


def test_a_context_has_room_for_a_thousand(url: str, tmp_path: Path) -> None:
    api = Api(url)
    place, sha = head_of(url, api, "thousand", tmp_path)
    for _ in range(1_000):
        assert api.post(f"{place}/statuses/{sha}", {"state": "pending", "context": "x"}).status_code == 201
    refused = api.post(f"{place}/statuses/{sha}", {"state": "success", "context": "X"})
    words = "This SHA and context has reached the maximum number of statuses."
    assert (refused.status_code, refused.json()["errors"][0]["message"]) == (422, words)
    assert api.post(f"{place}/statuses/{sha}", {"state": "success", "context": "y"}).status_code == 201
    api.close()


# Comparisons


def test_two_commits_are_compared_as_a_push_left_them(url: str, api: CheckedApi, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    place, first = head_of(url, api, "compared", tmp_path)
    second = commit(tree, {"b": b"new\n"})
    push(url, "compared", tree)
    ahead = api.get(f"{place}/compare/{first}...{second}").json()
    assert (ahead["status"], ahead["ahead_by"], ahead["behind_by"], ahead["total_commits"]) == ("ahead", 1, 0, 1)
    assert [one["sha"] for one in ahead["commits"]] == [second]
    assert [one["filename"] for one in ahead["files"]] == ["b"]
    assert ahead["merge_base_commit"]["sha"] == first
    assert api.get(f"{place}/compare/change...{first}").json()["status"] == "behind"
    assert api.get(f"{place}/compare/acme:change...{second}").json()["status"] == "identical"

    git("reset", "--quiet", "--hard", "main", folder=tree)
    third = commit(tree, {"a": b"3\n"})
    push(url, "compared", tree, force=True)
    apart = api.get(f"{place}/compare/{second}...{third}").json()
    assert (apart["status"], apart["ahead_by"], apart["behind_by"]) == ("diverged", 1, 2)

    git("switch", "--quiet", "--orphan", "alone", folder=tree)
    commit(tree, {"z": b"z\n"})
    git("push", "--quiet", with_token(f"{url}/acme/compared.git"), "alone", folder=tree)
    refused = api.get(f"{place}/compare/main...alone")
    assert (refused.status_code, refused.json()["message"]) == (404, "No common ancestor between main and alone.")
    for ends in (f"{first}...{'0' * 40}", "main", "main...none"):
        assert api.get(f"{place}/compare/{ends}").status_code == 404


# Large ones


def grown(url: str, name: str, tree: Path, commits: int, files: int) -> str:
    """A pull request with so many commits, of which the last changes so many files."""
    pull = pushed_pull(url, name, tree, {"a": b"1\n"}, {"a": b"2\n"})
    parent = git("rev-parse", "change", folder=tree)
    stream = []
    for number in range(1, commits):
        origin = f"from {parent}\n" if number == 1 else ""
        stream.append(f"commit refs/heads/change\ncommitter R <r@example.com> {number} +0000\ndata 0\n{origin}")
    stream += [f"M 644 inline many/{number:05}\ndata 2\nx\n" for number in range(files - 1)]
    git("fast-import", "--quiet", "--force", folder=tree, stdin="".join(stream).encode())
    push(url, name, tree)
    return pull


def pages(api: Api, path: str) -> list[list[dict[str, Any]]]:
    """What is listed on each page, by the Link header."""
    found, after = [], path
    while after:
        answer = api.get(after)
        found.append(answer.json())
        after = answer.links.get("next", {}).get("url", "").removeprefix(api.url)
    return found


def test_many_commits_and_files_come_in_pages(url: str, api: CheckedApi, tmp_path: Path) -> None:
    pull = grown(url, "many", tmp_path / "tree", 130, 310)
    seen = api.get(pull).json()
    assert (seen["commits"], seen["changed_files"]) == (130, 310)
    commits = pages(api, f"{pull}/commits?per_page=100")
    assert [len(page) for page in commits] == [100, 30]
    assert commits[1][-1]["sha"] == seen["head"]["sha"]
    assert [len(page) for page in pages(api, f"{pull}/files?per_page=100")] == [100, 100, 100, 10]
    assert Api(url).get(pull, headers={"Accept": "application/vnd.github.diff"}).status_code == 406
    both = api.get("/repos/acme/many/compare/main...change").json()
    assert (both["total_commits"], len(both["commits"]), len(both["files"])) == (130, 130, 300)
    second = api.get("/repos/acme/many/compare/main...change?per_page=100&page=2").json()
    assert (len(second["commits"]), second["files"]) == (30, [])


def test_lists_end_where_github_ends_them(url: str, api: CheckedApi, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    pull = grown(url, "most", tree, 260, 3_010)
    seen = api.get(pull).json()
    assert (seen["commits"], seen["changed_files"]) == (260, 3_010)
    commits = [one["sha"] for page in pages(api, f"{pull}/commits?per_page=100") for one in page]
    assert (len(commits), commits[-1]) == (250, seen["head"]["sha"])
    files = [one["filename"] for page in pages(api, f"{pull}/files?per_page=100") for one in page]
    assert (len(files), len(set(files))) == (3_000, 3_000)
    assert len(api.get("/repos/acme/most/compare/main...change").json()["commits"]) == 250
    unlisted = git("rev-parse", "change~255", folder=tree)
    review = {"event": "COMMENT", "body": "x", "commit_id": unlisted}
    assert unlisted not in commits
    assert api.post(f"{pull}/reviews", review).json()["commit_id"] == unlisted


def test_a_large_file_has_no_patch_and_takes_no_comments(url: str, api: CheckedApi, tmp_path: Path) -> None:
    large = b"".join(b"%d\n" % number for number in range(3_001))
    pull = pushed_pull(url, "patchless", tmp_path / "tree", {"a": b"1\n"}, {"large": large, "small": b"x\n"})
    files = {file["filename"]: file for file in api.get(f"{pull}/files").json()}
    assert ("patch" in files["large"], "patch" in files["small"]) == (False, True)
    comments = [{"path": path, "line": 1, "body": "x"} for path in ("small", "large")]
    refused = api.post(f"{pull}/reviews", {"event": "COMMENT", "comments": comments})
    assert refused.json()["errors"] == ["Pull request review thread path diff too large"]
    assert api.get(f"{pull}/comments").json() == []


def test_a_draft_takes_reviews(url: str, api: CheckedApi, tmp_path: Path) -> None:
    pull = pushed_pull(url, "drafts", tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})
    assert api.get(pull).json()["draft"] is False
    client.call("PATCH", f"{url}/_sim{pull}", {"draft": True})
    assert api.get(pull).json()["draft"] is True
    assert api.get("/repos/acme/drafts/pulls").json()[0]["draft"] is True
    assert api.post(f"{pull}/reviews", {"event": "COMMENT", "body": "x"}).status_code == 200
    wanted = {"base": "main", "head": "change", "title": "x", "draft": True}
    assert client.call("POST", f"{url}/_sim/repos/acme/drafts/pulls", wanted)["draft"] is True
