"""What tests of threads share: the requests as the product sends them, and a pull request with remarks."""

from typing import Any

import requests

from sim.not_github import client
from tests.sim.graphql_schema import check_query
from tests.sim.not_github import Api

READ = """
query($owner: String!, $name: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      reviewThreads(first: 100, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes {
          id isResolved isOutdated resolvedBy { login } path line startLine diffSide
          comments(first: 1) { nodes { databaseId } }
        }
      }
    }
  }
}"""
RESOLVE = """
mutation($thread: ID!) { resolveReviewThread(input: {threadId: $thread}) { thread { id isResolved } } }"""


def ask(api: Api, query: str, **variables: object) -> requests.Response:
    """Held against GitHub's schema before it is sent."""
    check_query(query)
    return api.post("/graphql", {"query": query, "variables": variables})


def threads(api: Api, name: str, number: int = 1) -> list[dict[str, Any]]:
    """The threads of acme/NAME#number."""
    told = ask(api, READ, owner="acme", name=name, number=number).json()
    assert "errors" not in told, told
    found: list[dict[str, Any]] = told["data"]["repository"]["pullRequest"]["reviewThreads"]["nodes"]
    return found


def remark(url: str, pull: str, user: str, **comment: object) -> dict[str, Any]:
    """Somebody's comment on a line; `pull` is the path of the pull request."""
    what = {"user": user, "event": "COMMENT", "comments": [{"body": "Why?", **comment}]}
    said: dict[str, Any] = client.call("POST", f"{url}/_sim{pull}/reviews", what)["comments"][0]
    return said
