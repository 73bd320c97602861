"""The threads of a pull request over GraphQL: held against GitHub's published schema, and what is refused."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    build_schema,
)

from sim.not_github import client
from sim.not_github.graphql_schema import SCHEMA
from tests.sim.graphql_schema import published
from tests.sim.not_github import LOGIN, Api, commit, git, pushed_pull, with_token
from tests.sim.not_github_threads import READ, RESOLVE, ask, remark, threads

SECONDS = 30  # to read and compare the published schema: it takes about one


@pytest.fixture
def api(url: str) -> Iterator[Api]:
    api = Api(url)
    yield api
    api.close()


# The schema


def members(kind: GraphQLNamedType) -> dict[str, str]:
    """What a type has, each with its type as it is written; arguments are members like `reviewThreads(first)`."""
    if isinstance(kind, GraphQLEnumType):
        return dict.fromkeys(kind.values, "")
    if isinstance(kind, GraphQLInputObjectType):
        return {name: f"{field.type} {field.default_value}" for name, field in kind.fields.items()}
    if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        return {}
    found = {name: str(field.type) for name, field in kind.fields.items()}
    for name, field in kind.fields.items():
        found |= {f"{name}({of})": f"{one.type} {one.default_value}" for of, one in field.args.items()}
    return found


@pytest.mark.timeout(SECONDS)
def test_what_is_answered_is_a_part_of_the_published_schema() -> None:
    own = {name: kind for name, kind in build_schema(SCHEMA).type_map.items() if not name.startswith("__")}
    theirs = published().type_map
    assert own.keys() <= theirs.keys()
    for name, kind in own.items():
        assert type(kind) is type(theirs[name]), name
        assert members(kind).items() <= members(theirs[name]).items(), name


@pytest.mark.timeout(SECONDS)
def test_what_must_be_given_at_github_is_known_here_too() -> None:
    """Else a request that GitHub refuses would be answered here."""
    own = build_schema(SCHEMA).type_map
    for name, kind in own.items():
        theirs = members(published().type_map[name])
        needed = {member for member, of in theirs.items() if "(" in member and of.split()[0].endswith("!")}
        assert {one for one in needed if one.partition("(")[0] in members(kind)} <= members(kind).keys(), name


@pytest.mark.timeout(SECONDS)
def test_a_request_that_github_does_not_know_is_found(api: Api) -> None:
    query = (
        'query { repository(owner: "a", name: "b") { pullRequest(number: 1) { reviewThreads(first: 1) { dreams } } } }'
    )
    with pytest.raises(AssertionError, match="Cannot query field 'dreams'"):
        ask(api, query)
    told = api.post("/graphql", {"query": query})
    assert told.status_code == 200
    assert "dreams" in told.json()["errors"][0]["message"]
    assert "data" not in told.json()


# Threads


def test_threads_are_read_and_resolved(url: str, api: Api, tmp_path: Path) -> None:
    pull = pushed_pull(url, "threads", tmp_path / "tree", {"a": b"1\n2\n3\n"}, {"a": b"1\nx\ny\n"})
    ours = {"path": "a", "line": 3, "start_line": 2, "body": "Hm."}
    api.post(f"{pull}/reviews", {"event": "COMMENT", "comments": [ours]})
    theirs = remark(url, pull, "robin", path="a", line=2, side="LEFT")

    first, second = threads(api, "threads")

    assert first == {
        "id": first["id"], "isResolved": False, "isOutdated": False, "resolvedBy": None, "path": "a", "line": 3,
        "startLine": 2, "diffSide": "RIGHT", "comments": {"nodes": [{"databaseId": theirs["id"] - 1}]},
    }  # fmt: skip
    assert (second["line"], second["startLine"], second["diffSide"]) == (2, None, "LEFT")
    assert second["comments"] == {"nodes": [{"databaseId": theirs["id"]}]}

    told = ask(api, RESOLVE, thread=first["id"]).json()
    assert told == {"data": {"resolveReviewThread": {"thread": {"id": first["id"], "isResolved": True}}}}
    client.call("PATCH", f"{url}/_sim{pull}/threads/{theirs['id']}", {"resolved": True, "user": "robin"})
    assert [one["resolvedBy"] for one in threads(api, "threads")] == [{"login": LOGIN}, {"login": "robin"}]
    assert ask(api, RESOLVE, thread=second["id"]).json()["data"]["resolveReviewThread"]["thread"]["isResolved"]
    assert threads(api, "threads")[1]["resolvedBy"] == {"login": "robin"}
    client.call("PATCH", f"{url}/_sim{pull}/threads/{theirs['id']}", {"resolved": False})
    assert [one["isResolved"] for one in threads(api, "threads")] == [True, False]


def test_a_thread_whose_line_was_changed_is_outdated_and_on_no_line(url: str, api: Api, tmp_path: Path) -> None:
    pull = pushed_pull(url, "outdated", tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})
    remark(url, pull, "robin", path="a", line=1)
    commit(tmp_path / "tree", {"a": b"3\n"})
    git("push", "--quiet", with_token(f"{url}/acme/outdated.git"), "change", folder=tmp_path / "tree")
    (thread,) = threads(api, "outdated")
    assert (thread["isOutdated"], thread["line"], thread["isResolved"]) == (True, None, False)
    query = READ.replace("line startLine", "line startLine originalLine")
    told = ask(api, query, owner="acme", name="outdated", number=1).json()
    assert told["data"]["repository"]["pullRequest"]["reviewThreads"]["nodes"][0]["originalLine"] == 1


def test_threads_come_in_pages(url: str, api: Api, tmp_path: Path) -> None:
    lines = b"".join(b"%d\n" % number for number in range(130))
    pull = pushed_pull(url, "pages", tmp_path / "tree", {"a": b"x\n"}, {"b": lines})
    comments = [{"path": "b", "line": number, "body": "x"} for number in range(1, 131)]
    api.post(f"{pull}/reviews", {"event": "COMMENT", "comments": comments})
    seen, after, pages = [], None, 0
    while True:
        told = ask(api, READ, owner="acme", name="pages", number=1, after=after).json()
        page = told["data"]["repository"]["pullRequest"]["reviewThreads"]
        seen += [node["line"] for node in page["nodes"]]
        pages += 1
        if not page["pageInfo"]["hasNextPage"]:
            break
        after = page["pageInfo"]["endCursor"]
    assert (seen, pages) == (list(range(1, 131)), 2)


def test_a_started_reviews_threads_are_its_authors_alone(url: str, api: Api, tmp_path: Path) -> None:
    pull = pushed_pull(url, "started", tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})
    line = {"path": "a", "line": 1, "body": "x"}
    client.call("POST", f"{url}/_sim{pull}/reviews", {"user": "robin", "comments": [line]})
    assert threads(api, "started") == []
    api.post(f"{pull}/reviews", {"comments": [line]})
    assert len(threads(api, "started")) == 1


def test_a_renamed_repository_is_found_by_its_former_name(url: str, api: Api, tmp_path: Path) -> None:
    pull = pushed_pull(url, "former", tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})
    remark(url, pull, "robin", path="a", line=1)
    client.call("PATCH", f"{url}/_sim/repos/acme/former", {"name": "latter"})
    assert threads(api, "former") == threads(api, "latter") != []


# Refusals


def problem(told: dict[str, Any]) -> tuple[str, str, list[str]]:
    """The type, words and path of the only error."""
    (error,) = told["errors"]
    assert {"line", "column"} == set(error["locations"][0])
    return error["type"], error["message"], error["path"]


def test_what_is_not_there_is_told_with_success(url: str, api: Api, tmp_path: Path) -> None:
    pushed_pull(url, "there", tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})
    answer = ask(api, READ, owner="acme", name="nowhere", number=1)
    assert (answer.status_code, answer.json()["data"]) == (200, {"repository": None})
    words = "Could not resolve to a Repository with the name 'acme/nowhere'."
    assert problem(answer.json()) == ("NOT_FOUND", words, ["repository"])
    told = ask(api, READ, owner="acme", name="there", number=404).json()
    words = "Could not resolve to a PullRequest with the number of 404."
    assert problem(told) == ("NOT_FOUND", words, ["repository", "pullRequest"])
    for thread in ("PRRT_", "PRRT_dGhyZWFkOjk5OTk5", "3755981585", "größe"):
        told = ask(api, RESOLVE, thread=thread).json()
        assert told["data"] == {"resolveReviewThread": None}
        words = f"Could not resolve to a node with the global id of '{thread}'."
        assert problem(told) == ("NOT_FOUND", words, ["resolveReviewThread"])


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"lacks": ["pull_requests"]}, "Resource not accessible by personal access token"),
        ({"lacks": ["contents"]}, "Resource not accessible by personal access token"),
        ({"permission": "read"}, f"{LOGIN} does not have the correct permissions to execute `ResolveReviewThread`"),
        ({"archived": True}, f"{LOGIN} does not have the correct permissions to execute `ResolveReviewThread`"),
    ],
)
def test_who_may_not_resolve_is_told_so(
    url: str, api: Api, tmp_path: Path, what: dict[str, object], words: str
) -> None:
    name = f"forbidden-{'-'.join(f'{key}-{value}' for key, value in what.items()).encode().hex()}"
    pull = pushed_pull(url, name, tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})
    remark(url, pull, LOGIN, path="a", line=1)
    client.call("PATCH", f"{url}/_sim/repos/acme/{name}", what)
    (thread,) = threads(api, name)
    told = ask(api, RESOLVE, thread=thread["id"])
    assert (told.status_code, told.json()["data"]) == (200, {"resolveReviewThread": None})
    assert problem(told.json()) == ("FORBIDDEN", words, ["resolveReviewThread"])
    assert threads(api, name)[0]["isResolved"] is False


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        ("", "MISSING_PAGINATION_BOUNDARIES"),
        ("(first: 101)", "EXCESSIVE_PAGINATION"),
        ('(first: 1, after: "?")', "INVALID_CURSOR_ARGUMENTS"),
    ],
)
def test_a_page_must_be_asked_for_well(url: str, api: Api, tmp_path: Path, first: str, kind: str) -> None:
    name = f"page-{kind.lower()}"
    pushed_pull(url, name, tmp_path / "tree", {"a": b"1\n"}, {"a": b"2\n"})
    query = '{repository(owner: "acme", name: "%s") {pullRequest(number: 1) {reviewThreads%s {totalCount}}}}'
    told = ask(api, query % (name, first)).json()
    assert problem(told)[0] == kind


def test_only_whoever_has_the_token_asks(url: str) -> None:
    for token, words in ((None, "This endpoint requires you to be authenticated."), ("wrong", "Bad credentials")):
        api = Api(url, token)
        answer = ask(api, READ, owner="acme", name="x", number=1)
        assert (answer.status_code, answer.json()["message"]) == (401, words)
        api.close()


@pytest.mark.parametrize("sent", [{}, {"query": 3}, {"query": READ, "variables": "x"}])
def test_what_is_no_request_is_refused(api: Api, sent: object) -> None:
    assert api.post("/graphql", sent).status_code == 400


@pytest.mark.parametrize(
    "query", ["{", "query { x(", "subscription { x }", "query A { repository } query B { repository }"]
)
def test_what_is_no_query_is_told_with_success(api: Api, query: str) -> None:
    answer = api.post("/graphql", {"query": query})
    assert (answer.status_code, list(answer.json())) == (200, ["errors"])


def test_a_limit_is_told_with_success_too(url: str, api: Api) -> None:
    client.call("POST", f"{url}/_sim/faults", {"like": "graphql limit", "path_regex": "^/graphql$"})
    answer = ask(api, READ, owner="acme", name="x", number=1)
    assert (answer.status_code, answer.json()["errors"][0]["type"]) == (200, "RATE_LIMITED")
    assert answer.headers["x-ratelimit-remaining"] == "0"
    assert int(answer.headers["x-ratelimit-reset"]) > time.time() + 3_000
    assert ask(api, READ, owner="acme", name="x", number=1).headers["x-ratelimit-resource"] == "graphql"
