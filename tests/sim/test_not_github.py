"""not-github behaves as GitHub does where the product would notice."""

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from sim.not_github import client, example
from tests.sim.not_github import LOGIN, TOKEN, Api, commit, git, pushed_pull, running, with_token

PULL = "/repos/acme/shop/pulls/12"
REVIEWS = f"{PULL}/reviews"
SHA = "8f59663a07e825f37548059b875e71b002388a0f"
EVAL = {"path": "shop/vouchers.py", "line": 15, "side": "RIGHT", "body": "`eval`"}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("not-github")) as url:
        client.example(url)
        yield url


@pytest.fixture
def api(url: str) -> Iterator[Api]:
    api = Api(url)
    yield api
    api.close()
    client.call("DELETE", f"{url}/_sim/faults")


@pytest.fixture
def stranger(url: str) -> Iterator[Api]:
    api = Api(url, token=None)
    yield api
    api.close()


def fault(url: str, **what: Any) -> None:
    client.call("POST", f"{url}/_sim/faults", what)


def on_line(path: str, line: int, **more: object) -> dict[str, object]:
    return {"event": "COMMENT", "comments": [{"path": path, "line": line, "body": "x", **more}]}


# The example


def test_the_example_is_the_same_everywhere_and_however_often(url: str, api: Api) -> None:
    first, second = client.example(url), client.example(url)
    assert first["head"]["sha"] == second["head"]["sha"] == SHA
    assert (first["number"], first["changed_files"], first["commits"]) == (12, 5, 1)
    files = api.get(f"{PULL}/files").json()
    assert sum(file["patch"].count("@@ -") for file in files) == 11


def test_the_example_is_valid_python() -> None:
    for path, text in {**example.FILES, **example.changed_files()}.items():
        if path.endswith(".py"):
            compile(text, path, "exec")


# Tokens


@pytest.mark.parametrize("scheme", ["Bearer", "token"])
def test_both_ways_of_giving_a_token_work(stranger: Api, scheme: str) -> None:
    answer = stranger.get("/user", headers={"Authorization": f"{scheme} {TOKEN}"})
    assert answer.json()["login"] == LOGIN


def test_without_a_token_one_may_read_what_is_public_and_write_nothing(stranger: Api) -> None:
    assert stranger.get(PULL).status_code == 200
    assert stranger.get("/user").status_code == 401
    assert stranger.post(REVIEWS, {"event": "COMMENT", "body": "x"}).status_code == 401
    assert stranger.post("/repos/acme/shop/issues/12/comments", {"body": "x"}).status_code == 401


def test_a_private_repository_does_not_exist_without_a_token(url: str, api: Api, stranger: Api) -> None:
    client.call("POST", f"{url}/_sim/repos/acme/secret?private=1")
    assert api.get("/repos/acme/secret").json()["private"] is True
    assert stranger.get("/repos/acme/secret").status_code == 404
    assert stranger.get("/acme/secret/pull/1").status_code == 401


def test_every_answer_tells_its_id_and_the_rate_limit(api: Api) -> None:
    for path in ("/user", "/repos/no/body", PULL):
        headers = api.get(path).headers
        assert headers["x-github-request-id"]
        assert int(headers["x-ratelimit-limit"]) == int(headers["x-ratelimit-remaining"]) + int(
            headers["x-ratelimit-used"]
        )
        assert int(headers["x-ratelimit-reset"]) > 0


# Reading


def test_the_diff_is_what_git_says(url: str, api: Api, tmp_path: Path) -> None:
    git("clone", "--quiet", f"{url}/acme/shop.git", "clone", folder=tmp_path)
    expected = git("diff", "origin/main...origin/voucher-codes", folder=tmp_path / "clone")
    answer = api.get(PULL, headers={"Accept": "application/vnd.github.diff"})
    assert answer.headers["Content-Type"].startswith("application/vnd.github.diff")
    assert answer.text.strip() == expected


def test_pages_follow_the_link_header(api: Api) -> None:
    seen, path = [], f"{PULL}/files?per_page=2"
    while path:
        answer = api.get(path)
        seen += [file["filename"] for file in answer.json()]
        path = answer.links.get("next", {}).get("url", "").removeprefix(api.url)
    assert len(seen) == len(set(seen)) == 5
    assert set(answer.links) == {"first", "prev"}
    assert "Link" not in api.get(f"{PULL}/files").headers


def test_pull_requests_are_found_by_state_and_head(url: str, api: Api) -> None:
    found = api.get("/repos/acme/shop/pulls?head=acme:voucher-codes").json()
    assert [pull["number"] for pull in found] == [12]
    assert api.get("/repos/acme/shop/pulls?head=acme:main").json() == []
    wanted = {"base": "main", "head": "voucher-codes", "title": "old", "state": "closed", "number": 3}
    client.call("POST", f"{url}/_sim/repos/acme/shop/pulls", wanted)
    assert [pull["number"] for pull in api.get("/repos/acme/shop/pulls?state=closed").json()] == [3]
    client.call("PATCH", f"{url}/_sim/repos/acme/shop/pulls/3", {"state": "open"})
    assert api.get("/repos/acme/shop/pulls/3").json()["closed_at"] is None
    assert [pull["number"] for pull in api.get("/repos/acme/shop/pulls").json()] == [12, 3]


def test_files_are_listed_as_github_lists_them(url: str, api: Api, tmp_path: Path) -> None:
    lines = "".join(f"line {number}\n" for number in range(20))
    before = {"old.txt": lines.encode(), "gone.txt": b"like nothing else\n", "logo.png": b"\0\1", "é.txt": b"a\n"}
    hostile = {
        "two\nlines.txt": b"x\n",
        "--upload-pack=x": b"x",
        'quo"te.txt': b"x\n",
        "fake": b"+++ b/x\n@@ -1 +1 @@\n",
    }
    after = {"old.txt": None, "new.txt": lines.encode() + b"more\n", "gone.txt": None, "logo.png": b"\0\2"}
    large = "".join(f"{number}\n" for number in range(3_001)).encode()
    path = pushed_pull(url, "files", tmp_path / "tree", before, {**after, **hostile, "é.txt": b"b", "large": large})
    files = {file["filename"]: file for file in api.get(f"{path}/files").json()}
    assert (files["new.txt"]["status"], files["new.txt"]["previous_filename"]) == ("renamed", "old.txt")
    assert files["new.txt"]["patch"].startswith("@@ -18,3 +18,4 @@ line 16\n line 17\n")
    assert files["gone.txt"]["status"] == "removed"
    assert "patch" not in files["logo.png"]
    assert "patch" not in files["large"]
    assert files["large"]["additions"] == 3_001
    assert files["é.txt"]["patch"] == "@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file"
    assert files["fake"]["patch"] == "@@ -0,0 +1,2 @@\n++++ b/x\n+@@ -1 +1 @@"
    assert hostile.keys() <= files.keys()
    assert api.post(f"{path}/reviews", on_line("two\nlines.txt", 1)).status_code == 200
    assert api.post(f"{path}/reviews", on_line("large", 1)).status_code == 422


def test_a_change_of_type_is_one_file(url: str, api: Api, tmp_path: Path) -> None:
    path = pushed_pull(url, "types", tmp_path / "tree", {"a": b"x\n", "run": b"x\n", "z": b"1\n"}, {"z": b"2\n"})
    tree = tmp_path / "tree"
    (tree / "a").unlink()
    (tree / "a").symlink_to("z")
    (tree / "run").chmod(0o755)
    commit(tree, {})
    git("push", "--quiet", with_token(f"{url}/acme/types.git"), "change", folder=tree)
    files = api.get(f"{path}/files").json()
    assert [(file["filename"], file["status"]) for file in files] == [
        ("a", "changed"),
        ("run", "changed"),
        ("z", "modified"),
    ]
    assert files[0]["patch"] == "@@ -1 +0,0 @@\n-x\n@@ -0,0 +1 @@\n+z\n\\ No newline at end of file"


def test_a_diff_too_large_is_refused_as_a_diff_only(url: str, api: Api, tmp_path: Path) -> None:
    path = pushed_pull(url, "large", tmp_path / "tree", {"a": b"\n"}, {"a": b"x\n" * 20_001})
    assert api.get(path, headers={"Accept": "application/vnd.github.v3.diff"}).status_code == 406
    assert api.get(path).json()["additions"] == 20_001


# Reviews


def test_a_review_is_kept_with_its_comments_where_they_belong(api: Api) -> None:
    review = api.post(REVIEWS, {"event": "COMMENT", "body": "Hm.", "comments": [EVAL]}).json()
    assert (review["state"], review["user"]["login"]) == ("COMMENTED", LOGIN)
    assert review["commit_id"] == api.get(PULL).json()["head"]["sha"]
    (of_it,) = api.get(f"{REVIEWS}/{review['id']}/comments").json()
    assert "line" not in of_it, "GitHub tells where it stands in the list of all comments alone"
    (comment,) = (one for one in api.get(f"{PULL}/comments?per_page=100").json() if one["id"] == of_it["id"])
    assert (comment["path"], comment["line"], comment["side"]) == ("shop/vouchers.py", 15, "RIGHT")
    assert of_it["diff_hunk"].splitlines()[-1].endswith('eval(self.condition, {"total": total}))')


def test_a_position_is_the_older_way_to_name_a_line(api: Api) -> None:
    by_position = {"path": "shop/orders.py", "position": 5, "body": "why?"}
    review = api.post(REVIEWS, {"event": "COMMENT", "comments": [by_position]}).json()
    comments = api.get(f"{PULL}/comments?per_page=100").json()
    (comment,) = (one for one in comments if one["pull_request_review_id"] == review["id"])
    assert (comment["line"], comment["side"], comment["position"]) == (4, "LEFT", 5)


@pytest.mark.parametrize(
    ("path", "line", "more"),
    [
        ("shop/cart.py", 6, {}),
        ("shop/cart.py", 3, {}),
        ("shop/orders.py", 4, {"side": "LEFT"}),
        ("shop/cart.py", 46, {"start_line": 42}),
        ("shop/orders.py", 5, {"start_line": 4, "start_side": "LEFT"}),
    ],
)
def test_lines_of_the_diff_take_comments(api: Api, path: str, line: int, more: dict[str, object]) -> None:
    assert api.post(REVIEWS, on_line(path, line, **more)).status_code == 200


@pytest.mark.parametrize(
    ("path", "line", "more", "problem"),
    [
        ("shop/nothing.py", 1, {}, "Path could not be resolved"),
        ("shop/catalog.py", 1, {}, "Path could not be resolved"),
        ("shop/cart.py", 20, {}, "Line could not be resolved"),
        ("shop/cart.py", 0, {}, "Line could not be resolved"),
        ("shop/vouchers.py", 3, {"side": "LEFT"}, "Line could not be resolved"),
        ("shop/cart.py", 42, {"start_line": 6}, "must be part of the same hunk"),
        ("shop/cart.py", 42, {"start_line": 44}, "must precede the end line"),
        ("shop/cart.py", 42, {"start_line": 42}, "must precede the end line"),
        ("shop/cart.py", None, {"position": 999}, "Position could not be resolved"),
        ("shop/cart.py", None, {}, "Position could not be resolved"),
    ],
)
def test_one_comment_beside_the_diff_refuses_the_whole_review(
    api: Api, path: str, line: int, more: dict[str, object], problem: str
) -> None:
    before = len(api.get(f"{REVIEWS}?per_page=100").json())
    misplaced = {"path": path, "body": "x", "line": line, **more}
    answer = api.post(REVIEWS, {"event": "COMMENT", "body": "Hm.", "comments": [EVAL, misplaced]})
    assert answer.status_code == 422
    assert answer.json()["message"] == "Unprocessable Entity"
    assert problem in answer.json()["errors"][0]
    assert len(api.get(f"{REVIEWS}?per_page=100").json()) == before


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"event": "COMMENT"}, "Body can't be blank"),
        ({"event": "COMMENT", "body": " ", "comments": []}, "Body can't be blank"),
        ({"event": "REQUEST_CHANGES"}, "You need to leave a comment indicating the requested changes."),
        ({"event": "COMMENT", "body": "x" * 65_537}, "Body is too long (maximum is 65536 characters)"),
        ({"event": "COMMENT", "body": "x", "commit_id": "0" * 40}, "The commitOID is not part of the pull request"),
    ],
)
def test_a_review_that_says_nothing_or_of_nothing_is_refused(api: Api, body: object, problem: str) -> None:
    answer = api.post(REVIEWS, body)
    assert (answer.status_code, answer.json()["errors"]) == (422, [problem])


@pytest.mark.parametrize(
    "body",
    [
        {"event": "SHOUT"},
        {"body": 3},
        {"comments": ["x"]},
        {"comments": [{"path": "shop/cart.py", "line": 1}]},
        {"comments": [{**EVAL, "side": "TOP"}]},
        {"comments": [{**EVAL, "line": "15"}]},
    ],
)
def test_a_malformed_review_is_refused(api: Api, body: object) -> None:
    answer = api.post(REVIEWS, body)
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("Invalid request.")


def test_what_is_no_json_is_refused(api: Api) -> None:
    for sent in (b"{", b"[]", b"\xff"):
        assert api.session.post(api.url + REVIEWS, data=sent, timeout=30).status_code == 400


def test_a_pending_review_is_seen_by_its_author_alone(url: str, api: Api, stranger: Api, tmp_path: Path) -> None:
    path = pushed_pull(url, "pending", tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})
    pending = {"comments": [{"path": "a", "line": 1, "body": "x"}]}
    assert api.post(f"{path}/reviews", pending).json()["state"] == "PENDING"
    assert len(api.get(f"{path}/reviews").json()) == 1
    assert stranger.get(f"{path}/reviews").json() == []
    assert api.get(f"{path}/comments").json() == []
    for again in (pending, {**pending, "event": "COMMENT"}, {"event": "APPROVE"}):
        refused = api.post(f"{path}/reviews", again)
        assert refused.status_code == 422
        assert refused.json()["errors"] == ["User can only have one pending review per pull request"]


def test_nobody_approves_their_own_pull_request(url: str, api: Api) -> None:
    wanted = {"base": "main", "head": "voucher-codes", "title": "mine", "number": 77, "user": LOGIN}
    client.call("POST", f"{url}/_sim/repos/acme/shop/pulls", wanted)
    answer = api.post("/repos/acme/shop/pulls/77/reviews", {"event": "APPROVE"})
    assert answer.json()["errors"] == ["Can not approve your own pull request"]
    assert api.post(REVIEWS, {"event": "APPROVE"}).json()["state"] == "APPROVED"


def test_comments_follow_a_pull_request_that_moves_on(url: str, api: Api, tmp_path: Path) -> None:
    after = {"a": b"2\n", "b": b"2\n"}
    path = pushed_pull(url, "moving", tmp_path / "tree", {"a": b"1\n", "b": b"1\n"}, dict(after))
    first = api.get(path).json()["head"]["sha"]
    comments = [{"path": name, "line": 1, "body": name} for name in "ab"]
    api.post(f"{path}/reviews", {"event": "COMMENT", "comments": comments})
    second = commit(tmp_path / "tree", {"b": b"3\n"})
    git("push", "--quiet", with_token(f"{url}/acme/moving.git"), "change", folder=tmp_path / "tree")
    assert api.get(path).json()["head"]["sha"] == second
    assert git("ls-remote", f"{url}/acme/moving.git", "refs/pull/1/head", folder=tmp_path).startswith(second)
    kept, outdated = api.get(f"{path}/comments").json()
    assert (kept["line"], kept["commit_id"], kept["original_commit_id"]) == (1, second, first)
    assert (outdated["line"], outdated["position"], outdated["original_line"]) == (None, None, 1)
    late = {"event": "COMMENT", "commit_id": first, "comments": [comments[0]]}
    assert api.post(f"{path}/reviews", late).json()["commit_id"] == first


def test_a_pull_request_closes_with_its_branch(url: str, api: Api, tmp_path: Path) -> None:
    path = pushed_pull(url, "closing", tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})
    git("push", "--quiet", with_token(f"{url}/acme/closing.git"), ":change", folder=tmp_path / "tree")
    assert api.get(path).json()["state"] == "closed"
    assert api.get(f"{path}/files").json()[0]["filename"] == "a"


# Git


def test_a_part_of_a_repository_and_any_commit_can_be_fetched(url: str, tmp_path: Path) -> None:
    git("clone", "--quiet", "--bare", "--depth=1", "--filter=blob:none", f"{url}/acme/shop.git", "x", folder=tmp_path)
    sha = client.example(url)["head"]["sha"]
    git("fetch", "--quiet", "origin", sha, "refs/pull/12/head", folder=tmp_path / "x")
    assert git("rev-parse", "FETCH_HEAD", folder=tmp_path / "x") == sha


def test_only_a_token_pushes_and_nobody_moves_a_pull_reference(url: str, tmp_path: Path) -> None:
    pushed_pull(url, "pushing", tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})
    address = f"{url}/acme/pushing.git"
    for wrong in (address, address.replace("://", "://x-access-token:not-this-one@")):
        with pytest.raises(RuntimeError, match=r"could not read Username|Authentication failed"):
            git("push", wrong, "main:other", folder=tmp_path / "tree")
    with pytest.raises(RuntimeError, match="deny updating a hidden ref"):
        git("push", with_token(address), "main:refs/pull/1/head", folder=tmp_path / "tree")


def test_a_private_repository_is_cloned_with_the_token_alone(url: str, tmp_path: Path) -> None:
    client.call("POST", f"{url}/_sim/repos/acme/private?private=1")
    git("clone", "--quiet", with_token(f"{url}/acme/private.git"), "with", folder=tmp_path)
    for name in ("private", "unknown"):
        with pytest.raises(RuntimeError, match="could not read Username"):
            git("clone", f"{url}/acme/{name}.git", "without", folder=tmp_path)
    with pytest.raises(RuntimeError, match="not found"):
        git("clone", with_token(f"{url}/acme/unknown.git"), "without", folder=tmp_path)


def test_large_pushes_arrive_in_pieces(url: str, tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(3_000_000)  # noqa: S311 - only incompressible
    pushed_pull(url, "noise", tmp_path / "tree", {"a": b"1\n"}, {"noise": noise})
    git("clone", "--quiet", f"{url}/acme/noise.git", "--branch=change", "clone", folder=tmp_path)
    assert (tmp_path / "clone" / "noise").read_bytes() == noise


def test_a_fetch_with_much_in_common_is_compressed_and_understood(url: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    pushed_pull(url, "long", tree, {"a": b"1\n"}, {"a": b"2\n"})
    stream = "".join(
        f"commit refs/heads/long\ncommitter R <r@example.com> {second} +0000\ndata 0\n" for second in range(1, 200)
    )
    git("fast-import", "--quiet", folder=tree, stdin=stream.encode())
    git("push", "--quiet", with_token(f"{url}/acme/long.git"), "long", folder=tree)
    git("clone", "--quiet", f"{url}/acme/long.git", "clone", folder=tmp_path)
    sha = commit(tree, {"a": b"3\n"})
    git("push", "--quiet", with_token(f"{url}/acme/long.git"), "change", folder=tree)
    git("-c", "protocol.version=0", "fetch", "--quiet", "origin", folder=tmp_path / "clone")
    assert git("rev-parse", "origin/change", folder=tmp_path / "clone") == sha


@pytest.mark.parametrize("name", ["--upload-pack=x", "a/b;c", "größe", "$(id)"])
def test_hostile_branch_names_are_only_names(url: str, api: Api, tmp_path: Path, name: str) -> None:
    repository = f"hostile-{name.encode().hex()}"
    pushed_pull(url, repository, tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})
    address = with_token(f"{url}/acme/{repository}.git")
    git("push", "--quiet", address, f"change:refs/heads/{name}", folder=tmp_path / "tree")
    wanted = {"base": "main", "head": name, "title": "x"}
    number = client.call("POST", f"{url}/_sim/repos/acme/{repository}/pulls", wanted)["number"]
    assert api.get(f"/repos/acme/{repository}/pulls/{number}/files").json()[0]["filename"] == "a"
    assert name in [branch["name"] for branch in api.get(f"/repos/acme/{repository}/branches").json()]
    quoted = requests.utils.quote(name, safe="")  # type: ignore[attr-defined]
    assert api.get(f"/repos/acme/{repository}/branches/{quoted}").json()["name"] == name


@pytest.mark.parametrize("name", ["..", "-x/y", "a%20b/c", "acme/..", "acme/x.git", "acme/%2e%2e", "_sim/x"])
def test_names_that_github_does_not_allow_are_refused(url: str, name: str) -> None:
    with pytest.raises(client.Refused) as refused:
        client.call("POST", f"{url}/_sim/repos/{name if '/' in name else 'acme/' + name}")
    assert refused.value.status in (404, 405, 422)


# Faults and the log


def test_a_reply_can_get_lost_after_the_comment_was_posted(url: str, api: Api) -> None:
    comments = "/repos/acme/shop/issues/12/comments"
    before = len(api.get(comments).json())
    fault(url, method="POST", path_regex="/issues/12/comments$", status=502, when="after")
    assert api.post(comments, {"body": "once"}).status_code == 502
    assert len(api.get(comments).json()) == before + 1
    assert api.post(comments, {"body": "twice"}).status_code == 201


def test_a_fault_before_has_no_effect_and_carries_its_headers(url: str, api: Api) -> None:
    body = {"message": "You have exceeded a secondary rate limit."}
    fault(url, path_regex="/reviews$", status=403, headers={"retry-after": "7"}, body=body, count=2)
    before = len(api.get(f"{PULL}/comments").json())
    for _ in range(2):
        answer = api.post(REVIEWS, {"event": "COMMENT", "comments": [EVAL]})
        assert (answer.status_code, answer.headers["retry-after"], answer.json()) == (403, "7", body)
        assert "x-ratelimit-remaining" in answer.headers
    assert len(api.get(f"{PULL}/comments").json()) == before
    assert api.post(REVIEWS, {"event": "COMMENT", "comments": [EVAL]}).status_code == 200


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_can_break_without_an_answer(url: str, api: Api, when: str) -> None:
    comments = "/repos/acme/shop/issues/12/comments"
    before = len(api.get(comments).json())
    fault(url, method="POST", path_regex="comments", drop=True, when=when)
    with pytest.raises(requests.ConnectionError):
        api.post(comments, {"body": "?"})
    assert len(api.get(comments).json()) == before + (when == "after")


def test_faults_strike_git_too_and_are_forgotten_on_demand(url: str, tmp_path: Path) -> None:
    fault(url, path_regex="git-upload-pack|info/refs", status=503, count=9)
    with pytest.raises(RuntimeError, match="503"):
        git("ls-remote", f"{url}/acme/shop.git", folder=tmp_path)
    client.call("DELETE", f"{url}/_sim/faults")
    assert git("ls-remote", f"{url}/acme/shop.git", folder=tmp_path)


@pytest.mark.parametrize("what", [{"path_regex": "("}, {"stauts": 500}, {"when": "never"}, {"status": "500"}])
def test_a_fault_that_is_not_understood_is_refused(url: str, what: dict[str, Any]) -> None:
    with pytest.raises(client.Refused, match="422"):
        fault(url, **what)


def test_the_log_tells_what_was_asked_without_secrets(url: str, api: Api, tmp_path: Path) -> None:
    api.get("/repos/acme/shop/pulls/987")
    git("ls-remote", with_token(f"{url}/acme/shop.git"), folder=tmp_path)
    log = client.call("GET", f"{url}/_sim/requests")
    entry = next(entry for entry in log if entry["path"].endswith("/987"))
    assert (entry["method"], entry["status"]) == ("GET", 404)
    assert log[-1]["path"] in ("/acme/shop.git/info/refs", "/acme/shop.git/git-upload-pack")
    assert TOKEN not in str(log)


# The page


def test_the_page_shows_reviews_under_their_lines_and_escapes_everything(url: str, api: Api, tmp_path: Path) -> None:
    path = pushed_pull(url, "page", tmp_path / "tree", {"a.py": b"1\n"}, {"a.py": b"x = '<script>'\n"})
    body = "<!-- marker-7 -->\n<script>alert(1)</script>\n\n- **first**\n\n```\n<b>\n```\n</details>"
    comment = {"path": "a.py", "line": 1, "body": "look <img>"}
    api.post(f"{path}/reviews", {"event": "COMMENT", "body": body, "comments": [comment]})
    page = api.get(path.removeprefix("/repos").replace("/pulls/", "/pull/")).text
    assert "not-github: a simulator" in page
    assert "<li><b>first</b></li>" in page
    assert "<pre>&lt;b&gt;\n</pre>" in page
    assert "marker-7" not in page
    assert "<script>" not in page
    assert page.index("x = &#39;&lt;script&gt;&#39;") < page.index("look &lt;img&gt;")
    assert page.count("<details") == page.count("</details>")


# Its life


def test_a_restart_keeps_everything(tmp_path: Path) -> None:
    seen: list[list[Any]] = []
    for first in (True, False):
        with running(tmp_path / "data") as url:
            api = Api(url)
            if first:
                client.example(url)
                api.post(REVIEWS, {"event": "COMMENT", "body": "Hm.", "comments": [EVAL]})
                api.post("/repos/acme/shop/issues/12/comments", {"body": "once"})
            paths = (REVIEWS, f"{PULL}/comments", "/repos/acme/shop/issues/12/comments", f"{PULL}/files")
            seen.append([len(api.get(path).json()) for path in paths])
            seen.append([git("ls-remote", f"{url}/acme/shop.git", folder=tmp_path)])
            api.close()
    assert seen[0] == [1, 1, 1, 5]
    assert seen[:2] == seen[2:]


def test_a_change_from_elsewhere_is_imported_as_often_as_one_likes(url: str, api: Api, tmp_path: Path) -> None:
    for number in (1, 2):
        folder = _bundle(tmp_path / str(number), number)
        first, second = client.import_pull(url, folder), client.import_pull(url, folder)
        assert first == second
        assert first["base"]["repo"]["full_name"] == "acme/imported"
        assert first["number"] == number
    ends = [(pull["base"]["ref"], pull["head"]["ref"]) for pull in api.get("/repos/acme/imported/pulls").json()]
    assert ends == [("main-2", "change-2"), ("main", "change")]


def _bundle(folder: Path, number: int) -> Path:
    folder.mkdir()
    git("init", "--quiet", "--initial-branch=main", folder=folder)
    commit(folder, {"a": b"%d\n" % number})
    git("switch", "--quiet", "--create", "change", folder=folder)
    commit(folder, {"a": b"changed\n"})
    git("bundle", "create", "--quiet", "repo.bundle", "main", "change", folder=folder)
    about = '{"repository": "imported", "number": %d, "title": "x", "body": "", "base": "main", "head": "change"}'
    (folder / "pull.json").write_text(about % number)
    return folder


def test_what_is_no_bundle_is_refused(url: str) -> None:
    for body in (b"gitdir: /elsewhere\n", b"# v2 git bundle\n%040d refs/heads/main\n\nnonsense" % 7):
        with pytest.raises(client.Refused, match="the bundle was not taken in"):
            client.call("POST", f"{url}/_sim/repos/acme/nonsense", body)


def test_the_help_teaches() -> None:
    command = [sys.executable, "-m", "sim.not_github", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "--example" in text
    assert "/_sim/" in text


def test_the_example_can_be_there_from_the_start(tmp_path: Path) -> None:
    for _ in range(2):  # and again over the same data
        with running(tmp_path, "--example") as url:
            assert requests.get(f"{url}/repos/acme/shop/pulls/12", timeout=30).json()["state"] == "open"
