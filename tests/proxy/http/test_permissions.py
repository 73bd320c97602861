"""Who may have which model, and tools that run elsewhere; and which names are known."""

import json
from typing import Any

import pytest

from tests.proxy.http.lanes import HELLO
from tests.proxy.http.routes import ANTHROPIC, Case, failing, other
from tests.proxy.running import a_task, request, token
from tests.proxy.upstream import answering


@pytest.mark.parametrize("forbidden", ["by its token", "by a header", "not at all"])
def test_a_worse_model_only_where_it_is_not_forbidden(forbidden: str, case: Case) -> None:
    case.second.script = lambda exchange: (
        answering(ANTHROPIC.message(HELLO, model="worse-model"))
        if b"worse-model" in exchange.received.body
        else failing(529, "overloaded_error")
    )(exchange)
    claims = a_task(downgrade=forbidden != "by its token")
    headers = {"x-gateway-downgrade": "forbid"} if forbidden == "by a header" else {}
    reply = other(case, "worse").call(headers, claims=claims)
    if forbidden == "not at all":
        assert (reply.status, reply.headers["x-gateway-model"]) == (200, "worse-model")
    else:
        assert reply.error == (529, "overloaded_error")
        assert case.asked == (0, 1)
    assert not any("x-gateway" in name for received in case.second.received for name in received.headers)


def test_a_task_has_the_tiers_that_its_token_names(case: Case) -> None:
    claims = a_task(tiers=("haiku",))
    for model in ("claude-sonnet-5", "claude-opus-5", case.model):
        reply = case.gateway.message(token(claims), request(model))
        assert reply.error == (403, "permission_error")
        assert reply.headers["x-should-retry"] == "false"
    assert case.asked == (0, 0)
    assert case.gateway.message(token(claims), request("claude-haiku-9")).status == 200
    headers = {"x-api-key": token(claims)}
    counted = case.gateway.call("POST", "/v1/messages/count_tokens", request("claude-sonnet-5"), headers)
    assert counted.error == (403, "permission_error")


TOOLS: dict[str, dict[str, Any]] = {
    "a tool": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    "another tool": {"tools": [{"name": "own", "input_schema": {}}, {"type": "code_execution_20260101", "name": "x"}]},
    "a server": {"mcp_servers": [{"type": "url", "url": "https://example.invalid", "name": "x"}]},
    "a container": {"container": "container_1"},
}


@pytest.mark.parametrize("tools", TOOLS)
def test_what_runs_on_the_providers_side_is_not_for_tasks(tools: str, case: Case) -> None:
    reply = case.call(**TOOLS[tools])
    assert reply.error == (403, "permission_error")
    assert reply.headers["x-should-retry"] == "false"
    assert case.asked == (0, 0)
    case.first.script = answering(ANTHROPIC.message(HELLO, model=case.model))
    assert case.call(claims=a_task(server_tools=True), **TOOLS[tools]).status == 200


def test_a_model_that_nobody_knows_is_refused_with_what_is_known(case: Case) -> None:
    reply = case.gateway.message(token(a_task()), request("gpt-4.7-unheard-of"))
    assert reply.error == (404, "not_found_error")
    said = reply.json["error"]["message"]
    assert "gpt-4.7-unheard-of" in said
    for known in ("haiku", "sonnet", "opus", "all-away", "away-first"):
        assert known in said
    assert case.asked == (0, 0)


@pytest.mark.parametrize("model", ["claude-sonnet-5", "sonnet", "claude-sonnet-4-5-20250929", "us.anthropic.sonnet-9"])
def test_any_name_with_a_tier_in_it_is_of_that_tier(model: str, case: Case) -> None:
    reply = case.gateway.message(token(a_task()), request(model))
    assert (reply.status, reply.headers["x-gateway-provider"]) == (200, "last-c")
    assert json.loads(case.second.received[0].body)["model"] == model
