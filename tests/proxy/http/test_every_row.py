"""Every item that others get wrong has a test that names it: `§2.2 ROW: ...` at the beginning of its docstring."""

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
MARK = "§2.2 "
ROWS = (
    "SSE order", "First delta", "Empty/spurious blocks", "tool args", "parallel tools", "finish reason", "stop map",
    "thinking", "tier switch", "Gemini", "images/docs", "cache_control", "billing block", "usage",
    "message_start usage",
    "usage chunk", "betas", "context_management, output_config", "system", "error before stream", "error mid-stream",
    "truncated upstream", "first-event gate", "disconnect", "UTF-8", "gzip", "header hygiene", "model alias",
    "count_tokens", "server tools", "metadata.user_id", "idle",
)  # fmt: skip


@cache
def named(folder: Path) -> dict[str, list[str]]:
    """For each row the tests that name it."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                row, colon, _ = (ast.get_docstring(node) or "").removeprefix(MARK).partition(":")
                if colon and (ast.get_docstring(node) or "").startswith(MARK):
                    found.setdefault(row, []).append(f"{path.name}::{node.name}")
    return found


@pytest.mark.parametrize("row", ROWS)
def test_every_row_has_a_test_over_http(row: str) -> None:
    assert named(Path(__file__).parent).get(row)


def test_no_test_names_a_row_that_there_is_not() -> None:
    assert set(named(TESTS)) <= set(ROWS)
    assert len(set(ROWS)) == len(ROWS) == 32
