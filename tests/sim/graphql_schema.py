"""GitHub's published GraphQL schema as a contract."""

from functools import cache
from pathlib import Path

from graphql import DocumentNode, GraphQLSchema, build_ast_schema, parse, validate

FILE = Path(__file__).parents[2] / ".cache" / "graphql" / "schema.graphql"


@cache
def published() -> GraphQLSchema:
    """Raises `FileNotFoundError` with the command that fetches it."""
    if not FILE.exists():
        raise FileNotFoundError("GitHub's GraphQL schema is missing: run scripts/fetch-schemas")
    return build_ast_schema(_parsed(FILE.read_text(encoding="utf-8")), assume_valid=True)


def _parsed(text: str) -> DocumentNode:
    return parse(text, no_location=True)


def check_query(query: str) -> None:
    """Raises `AssertionError` where GitHub would not understand it."""
    problems = validate(published(), parse(query))
    assert not problems, "\n".join(str(one) for one in problems)
