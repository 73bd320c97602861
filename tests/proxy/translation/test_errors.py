"""Errors of providers, in Anthropic's shape."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.translation.errors import MOST_CHARACTERS, to_error
from tests.proxy.translation.judging_requests import judged_errors


def made(status: int, body: object) -> tuple[int, str, str]:
    """Status, type and message that become of an error."""
    status, answer = to_error(status, body if isinstance(body, bytes) else json.dumps(body).encode())
    found = json.loads(answer)
    assert set(found) == {"type", "error"}
    assert found["type"] == "error"
    assert set(found["error"]) == {"type", "message"}
    return status, found["error"]["type"], found["error"]["message"]


def test_errors_keep_to_the_rules() -> None:
    """§2.2 error before stream: the real status, Anthropic's envelope, 529 kept."""
    assert judged_errors(to_error) == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"), (401, "authentication_error"), (402, "billing_error"),
        (403, "permission_error"), (404, "not_found_error"), (408, "timeout_error"), (409, "invalid_request_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"), (429, "rate_limit_error"), (500, "api_error"), (502, "api_error"),
        (503, "api_error"), (504, "timeout_error"), (529, "overloaded_error"),
    ],
)  # fmt: skip
def test_a_status_is_kept_and_has_its_type(status: int, kind: str) -> None:
    """§2.2 error before stream: whatever the body is."""
    assert made(status, {"error": {"message": "said"}}) == (status, kind, "said")
    assert made(status, b"") == (status, kind, f"the provider answered {status} and did not say why")


@pytest.mark.parametrize("status", [0, 200, 302, 600])
def test_a_status_that_is_no_error_becomes_one(status: int) -> None:
    assert made(status, {"error": "said"})[:2] == (502, "api_error")


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "said", "type": "x", "param": None, "code": None}}, {"error": "said"},
        {"message": "said"}, [{"error": {"code": 400, "message": "said", "status": "INVALID_ARGUMENT"}}],
        {"detail": "said"},
        {"detail": [{"loc": ["body"], "msg": "said"}]}, {"object": "error", "message": "said", "code": 40001},
        {"error": {"error": {"message": "said"}}}, {"errors": [{"message": "said"}]}, {"error": {}, "message": "said"},
        {"error_msg": "said"}, "said", b"said", b"  said\n",
    ],
)  # fmt: skip
def test_the_providers_text_is_kept(body: object) -> None:
    """§2.2 error before stream: in whatever shape it comes."""
    assert made(400, body) == (400, "invalid_request_error", "said")


def test_what_a_provider_behind_the_provider_said_is_kept() -> None:
    error = {"message": "Provider returned error", "code": 429, "metadata": {"raw": "slow down", "provider_name": "X"}}
    assert made(429, {"error": error})[2] == "Provider returned error: slow down"


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html><p>secret page</p></html>",
        b"\n <html>secret page",
        b"Oops <HTML>secret page",
        b"<xml/>",
        b"{}",
    ],
)
def test_web_pages_are_not_shown(body: bytes) -> None:
    assert made(502, body) == (502, "api_error", "the provider answered 502 and did not say why")


@pytest.mark.parametrize(
    "key",
    [
        "sk-inventedinvented", "sk-proj-invented_invented-1234", "sk-*****************ted", "gsk_inventedinvented",
        "AIzaInventedInventedInvented", "Bearer invented.invented", "0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef.inventedinvented", "xai-inventedinvented",
    ],
)  # fmt: skip
def test_keys_are_not_shown(key: str) -> None:
    for text in (f"Incorrect API key provided: {key}. See the manual.", f"The key '{key}' is wrong", f"{key} expired"):
        _, _, said = made(401, {"error": {"message": text}})
        assert "nvented" not in said
        assert "abcdef" not in said
        assert "[key]" in said


def test_names_and_numbers_are_not_taken_for_keys() -> None:
    text = "The model meta-llama/llama-v3p1-405b-instruct of mcp__plugin_oh_my_code_tools__lsp_diagnostics_directory"
    assert made(404, {"error": {"message": text}})[2] == text


def test_a_long_text_is_cut() -> None:
    assert len(made(400, {"error": {"message": "x " * 9000}})[2]) == MOST_CHARACTERS


OPENAI = "This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens."
NEWER = "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens."
VLLM = "This model's maximum context length is 32768 tokens. However, your request has 40000 input tokens."
GEMINI = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."
KIMI = "Invalid request: Your request exceeded model token limit: 131072 (requested: 140000)"
MISTRAL = "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length"
GROK = "This model's maximum prompt length is 131072 but the request contains 140000 tokens."
LLAMA = "request (9000 tokens) exceeds the available context size (8192 tokens), try increasing it"
OPENROUTER = (
    "This endpoint's maximum context length is 131072 tokens. However, you requested about 140000 tokens "
    "(132000 of text input, 8000 in the output). Please reduce the length of either one."
)
TOO_LONG = [
    (OPENAI, 130000, 128000), (NEWER, 300000, 272000), (VLLM, 40000, 32768), (GEMINI, 1200000, 1048576),
    (KIMI, 140000, 131072), (MISTRAL, 40000, 32768), (GROK, 140000, 131072), (LLAMA, 9000, 8192),
    (OPENROUTER, 132000, 131072),
]  # fmt: skip


@pytest.mark.parametrize(("text", "asked", "limit"), TOO_LONG)
def test_a_prompt_that_is_too_long_is_called_so(text: str, asked: int, limit: int) -> None:
    """§2.2 error before stream: Claude Code compacts at these words, and by these numbers."""
    said = f"prompt is too long: {asked} tokens > {limit} maximum: {text}"
    assert made(400, {"error": {"message": text}}) == (400, "invalid_request_error", said)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Too much.", "context_length_exceeded"), ("Too much.", "exceed_context_size_error"), ("Too much.", None),
        ("Input length 9 exceeds the maximum context", None), ("Range of input length should be [1, 129024]", None),
        ("input length exceeds the context length", None), ("prompt is too long", None),
    ],
)  # fmt: skip
def test_a_prompt_that_is_too_long_is_called_so_without_numbers(text: str, code: str | None) -> None:
    """§2.2 error before stream: by its code, or by the words of DeepSeek, Qwen, Ollama and llama.cpp."""
    status, kind, said = made(413 if code else 400, {"error": {"message": text, "code": code}})
    if (text, code) == ("Too much.", None):
        assert said == "Too much."
        return
    assert (status, kind) == (400, "invalid_request_error")
    assert said in (f"prompt is too long: {text}", text)
    assert said.startswith("prompt is too long")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (
            "This model's maximum context length is 131072 tokens. However, you requested 131134 tokens (122942 in the "
            "messages, 8192 in the completion). Please reduce the length of the messages or completion.",
            "122942 + 8192 > 131072",
        ),
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 8192. This model's maximum context length is 8192 "
            "tokens and your request has 120 input tokens (8192 > 8192 - 120).",
            "120 + 8192 > 8192",
        ),
        (
            "This model's maximum context length is 32768 tokens. However, you requested 8192 output tokens and your "
            "prompt contains at least 25000 input tokens, for a total of at least 33192 tokens.",
            "25000 + 8192 > 32768",
        ),
    ],
)
def test_too_much_output_is_not_called_a_long_prompt(text: str, numbers: str) -> None:
    """§2.2 error before stream: Claude Code asks for less output at these words, and keeps the conversation."""
    said = f"input length and `max_tokens` exceed context limit: {numbers}: {text}"
    assert made(400, {"error": {"message": text}}) == (400, "invalid_request_error", said)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, {"message": "m", "code": "insufficient_quota"}), (429, {"message": "m", "type": "insufficient_quota"}),
        (429, {"message": "m", "type": "exceeded_current_quota_error"}), (429, {"message": "m", "code": "1113"}),
        (402, {"message": "m"}), (403, {"message": "m", "code": "insufficient_user_quota"}),
    ],
)  # fmt: skip
def test_an_account_without_money_is_not_asked_again(status: int, error: dict[str, str]) -> None:
    """§2.2 error before stream: Anthropic's status for it is 402; clients retry a 429 in vain."""
    assert made(status, {"error": error}) == (402, "billing_error", "m")


def test_a_server_that_has_too_much_to_do_says_so() -> None:
    for text in ("The engine is currently overloaded", "Service is too busy", "No capacity available"):
        assert made(503, {"error": {"message": text}}) == (503, "overloaded_error", text)


@given(st.integers(100, 700), st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_body_becomes_an_error(status: int, body: bytes) -> None:
    found, _, said = made(status, body)
    assert 400 <= found < 600
    assert said
