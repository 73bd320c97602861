"""GitHub's GraphQL API: the threads of a pull request, and resolving one. Requests are parsed, validated and answered
by graphql-core, by the part of GitHub's schema that stands in `graphql_schema.py`.

What goes wrong is told with status 200, under `errors`, with GitHub's types: NOT_FOUND, FORBIDDEN and those of pages.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Blueprint
from graphql import GraphQLError, GraphQLResolveInfo, GraphQLSchema, build_schema, graphql_sync

from sim.not_github.answers import body
from sim.not_github.conversation import Conversation
from sim.not_github.graphql_schema import SCHEMA
from sim.not_github.hub import Refusal, hub, is_shown, signed_in
from sim.not_github.links import Json, node_id
from sim.not_github.rows import Pull, Repository, ReviewComment
from sim.not_github.threads import Thread, find_thread, may_resolve, threads

graphql = Blueprint("graphql", __name__)

MOST_OF_A_PAGE = 100  # https://docs.github.com/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
DOCS = "graphql/guides/forming-calls-with-graphql#authenticating-with-graphql"

Info = GraphQLResolveInfo


class Problem(GraphQLError):
    """An error with the type that GitHub gives it."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@graphql.post("/graphql")
def answer() -> tuple[Json, dict[str, str]]:
    if not signed_in():
        raise Refusal(401, "This endpoint requires you to be authenticated.", docs=DOCS)
    sent = body()
    query, variables = sent.get("query"), sent.get("variables")
    if not isinstance(query, str):
        raise Refusal(400, "A query attribute must be specified and must be a string.", docs="graphql")
    if not isinstance(variables, dict | None):
        raise Refusal(400, "Variables are invalid JSON", docs="graphql")
    found = graphql_sync(
        _schema(), query, ROOT, variable_values=variables, operation_name=sent.get("operationName")
    )  # fmt: skip
    told: Json = {} if found.data is None and found.errors and not found.errors[0].path else {"data": found.data}
    if found.errors:
        told["errors"] = [_told(error) for error in found.errors]
    return told, {"x-ratelimit-resource": "graphql"}


@cache
def _schema() -> GraphQLSchema:
    return build_schema(SCHEMA)


def _told(error: GraphQLError) -> Json:
    kind = error.original_error.kind if isinstance(error.original_error, Problem) else None
    return {**({"type": kind} if kind else {}), **error.formatted}


def _repository(info: Info, owner: str, name: str, followRenames: bool) -> Json:  # noqa: N803 - GitHub's
    found = hub().store.repository(owner, name)
    if found is None and followRenames:
        found = hub().store.renamed(owner, name)
    if found is None or not is_shown(found):
        raise Problem("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
    repository = found
    return {
        "id": node_id("Repository", repository.id),
        "nameWithOwner": f"{repository.owner}/{repository.name}",
        "pullRequest": lambda info, number: _pull(repository, number),
    }


def _pull(repository: Repository, number: int) -> Json:
    pull = hub().store.pull(repository.id, number)
    if pull is None:
        raise Problem("NOT_FOUND", f"Could not resolve to a PullRequest with the number of {number}.")
    found = threads(hub().store, pull, hub().login)
    return {
        "id": node_id("PullRequest", pull.id),
        "number": pull.number,
        "headRefOid": pull.head_sha,
        "isDraft": bool(pull.draft),
        "locked": bool(pull.locked),
        "reviewThreads": connection(found, lambda thread: _Viewed(repository, pull, thread).shape()),
    }


@dataclass(frozen=True)
class _Viewed:
    repository: Repository
    pull: Pull
    thread: Thread

    def shape(self) -> Json:
        root, at = self.thread.root, Conversation(hub(), self.repository).place(self.thread.root, self.pull)
        may = may_resolve(self.repository, self.pull, hub().login)
        resolver = root.resolved_by
        return {
            "id": self.thread.id,
            "path": root.path,
            "isResolved": bool(resolver),
            "isCollapsed": bool(resolver),
            "isOutdated": at is None,
            "resolvedBy": {"id": node_id("User", resolver), "login": resolver} if resolver else None,
            "line": at and at.line,
            "startLine": at and at.start_line,
            "originalLine": root.line,
            "originalStartLine": root.start_line,
            "diffSide": root.side,
            "startDiffSide": root.start_side,
            "viewerCanReply": not self.pull.locked or self.repository.writable,
            "viewerCanResolve": may and not resolver,
            "viewerCanUnresolve": may and bool(resolver),
            "comments": connection(self.thread.comments, _comment),
        }


def _comment(comment: ReviewComment) -> Json:
    return {
        "id": node_id("PullRequestReviewComment", comment.id),
        "databaseId": comment.id,
        "fullDatabaseId": str(comment.id),
        "body": comment.body,
        "author": {"__typename": "User", "id": node_id("User", comment.user), "login": comment.user},
    }


def _resolve(info: Info, input: Json) -> Json:
    found = find_thread(hub().store, input["threadId"], hub().login)
    repository = hub().store.repository_by_id(found[0].repository) if found else None
    if found is None or repository is None or not is_shown(repository):
        raise Problem("NOT_FOUND", f"Could not resolve to a node with the global id of '{input['threadId']}'.")
    pull, thread = found
    # that the mutation needs both rights is told by users: github/gh-aw#35726, PostHog/posthog#52454
    if not repository.grants("pull_requests") or not repository.grants("contents"):
        raise Problem("FORBIDDEN", "Resource not accessible by personal access token")
    if not may_resolve(repository, pull, hub().login):
        message = f"{hub().login} does not have the correct permissions to execute `ResolveReviewThread`"
        raise Problem("FORBIDDEN", message)
    if not thread.root.resolved_by:
        hub().store.change(thread.root, resolved_by=hub().login)
    found = find_thread(hub().store, thread.id, hub().login) or found
    shape = _Viewed(repository, *found).shape()
    return {"clientMutationId": input.get("clientMutationId"), "thread": shape}


def connection(items: Sequence[Any], shape: Callable[[Any], Json]) -> Callable[..., Json]:
    """A resolver of a list in pages, of which `first` must be given."""

    def resolver(info: Info, first: int | None = None, after: str | None = None) -> Json:
        name = info.field_name
        if first is None:
            message = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
            raise Problem("MISSING_PAGINATION_BOUNDARIES", message)
        if not 1 <= first <= MOST_OF_A_PAGE:
            message = f"Requesting {first} records on the `{name}` connection exceeds the `first` limit of 100 records."
            raise Problem("EXCESSIVE_PAGINATION", message)
        start = _index(after)
        page = items[start : start + first]
        return {
            "totalCount": len(items),
            "nodes": [shape(item) for item in page],
            "pageInfo": {
                "startCursor": _cursor(start + 1) if page else None,
                "endCursor": _cursor(start + len(page)) if page else None,
                "hasNextPage": start + len(page) < len(items),
                "hasPreviousPage": start > 0,
            },
        }

    return resolver


def _cursor(number: int) -> str:
    return base64.b64encode(f"cursor:{number}".encode()).decode()


def _index(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(cursor, validate=True).decode().removeprefix("cursor:"))
    except (binascii.Error, ValueError):
        raise Problem("INVALID_CURSOR_ARGUMENTS", f"`{cursor}` does not appear to be a valid cursor.") from None


ROOT = {"repository": _repository, "resolveReviewThread": _resolve}
