"""A token opens what it was made for, while it lasts, and nothing else."""

import base64
import json
import time
from dataclasses import asdict, replace

import pytest
from itsdangerous import URLSafeSerializer

from stack.errors import Refused
from stack.roles import TokenKind
from stack.tokens import Claims, sign, verify

KEY = "not-a-key"
CLAIMS = Claims(
    run="a-run", task="a-task", person="telegram:1", role="pr_reviewer", attempt=2, budget_usd=1.5,
    expires=time.time() + 3600, repository="acme/shop",
)  # fmt: skip
KINDS: tuple[TokenKind, ...] = ("model", "forge")


@pytest.mark.parametrize("kind", KINDS)
def test_a_token_names_run_task_person_role_and_budget(kind: TokenKind) -> None:
    claims = verify(KEY, kind, sign(KEY, kind, CLAIMS))
    assert claims == CLAIMS
    assert (claims.run, claims.task, claims.person, claims.role) == ("a-run", "a-task", "telegram:1", "pr_reviewer")
    assert (claims.budget_usd, claims.attempt, claims.repository) == (1.5, 2, "acme/shop")


def test_a_token_of_one_kind_does_not_open_the_other() -> None:
    for made, asked in (KINDS, KINDS[::-1]):
        with pytest.raises(Refused, match="not one of ours"):
            verify(KEY, asked, sign(KEY, made, CLAIMS))


def test_a_token_of_a_foreign_key_is_refused() -> None:
    with pytest.raises(Refused, match="not one of ours"):
        verify(KEY, "model", sign("another-key", "model", CLAIMS))


def test_a_token_ends() -> None:
    with pytest.raises(Refused, match="expired"):
        verify(KEY, "model", sign(KEY, "model", replace(CLAIMS, expires=time.time() - 1)))


@pytest.mark.parametrize("change", [{"budget_usd": 1000.0}, {"expires": 9e12}, {"repository": "acme/other"}])
def test_claims_cannot_be_changed(change: dict[str, object]) -> None:
    _, signature = sign(KEY, "model", CLAIMS).rsplit(".", 1)
    claims = json.dumps({**asdict(CLAIMS), **change}).encode()
    forged = base64.urlsafe_b64encode(claims).rstrip(b"=").decode()
    with pytest.raises(Refused, match="not one of ours"):
        verify(KEY, "model", f"{forged}.{signature}")


@pytest.mark.parametrize("token", ["", ".", "x", "a.b", "a.b.c", "é.é", " ", "\0", "Bearer x", "." * 1000])
def test_junk_is_refused(token: str) -> None:
    with pytest.raises(Refused, match="not one of ours"):
        verify(KEY, "model", token)


@pytest.mark.parametrize("content", [[], "text", None, {}, {"run": "x"}, {**asdict(CLAIMS), "more": 1}])
def test_what_we_signed_for_another_purpose_is_refused(content: object) -> None:
    signed = URLSafeSerializer(KEY, salt="claude-stack.model").dumps(content)
    with pytest.raises(Refused, match="not one of ours"):
        verify(KEY, "model", str(signed))


def test_every_character_of_a_token_counts() -> None:
    token = sign(KEY, "model", CLAIMS)
    for i in range(0, len(token) - 1, 7):  # the last one has bits that stand for nothing
        changed = token[:i] + ("A" if token[i] != "A" else "B") + token[i + 1 :]
        with pytest.raises(Refused):
            verify(KEY, "model", changed)


def test_a_token_is_safe_in_a_header_and_a_url() -> None:
    assert set(sign(KEY, "forge", CLAIMS)) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
