"""Ids on their way to the caller and back."""

import re

import pytest

from proxy.translation.tool_ids import MOST_BYTES, ToolIds, restored

EXTRA = {"google": {"thought_signature": "CpwBAXrI3invented+signature/of=="}}
ANTHROPIC = re.compile(r"[a-zA-Z0-9_-]+")


@pytest.mark.parametrize("call_id", ["call_Aa1Bb2Cc3", "toolu_01D7FLrfh4GYq7yT1ULFeyMV", "aB3dE6gH9", "x" * 40])
def test_a_plain_id_stays_as_it_is(call_id: str) -> None:
    assert ToolIds("salt").given(call_id, None) == call_id
    assert restored(call_id) == (call_id, None)


@pytest.mark.parametrize("call_id", ["functions.Bash:0", "call_0", "a|b", "é", "carried_x", "1"])
@pytest.mark.parametrize("extra", [None, EXTRA])
def test_an_odd_id_and_a_signature_come_back(call_id: str, extra: dict[str, object] | None) -> None:
    """§2.2 Gemini: what a provider must see again is in the id, which clients send back."""
    given = ToolIds("salt").given(call_id, extra)
    assert ANTHROPIC.fullmatch(given)
    assert restored(given) == (call_id, extra)


def test_a_long_signature_comes_back() -> None:
    """§2.2 Gemini: signatures have some thousand characters; the id is no longer than they need."""
    signature = "".join(chr(65 + (n * n + n // 7) % 26) for n in range(4000))
    extra = {"google": {"thought_signature": signature}}
    given = ToolIds("salt").given("function-call-1", extra)
    assert restored(given) == ("function-call-1", extra)
    assert len(given) < 4000


@pytest.mark.parametrize("harm", [slice(0, 40), slice(0, -1), slice(1, None)])
def test_an_altered_id_is_an_id_and_nothing_more(harm: slice) -> None:
    """§2.2 Gemini: an id that a client cut carries no half signature."""
    call_id, extra = restored(ToolIds("salt").given("function-call-1", EXTRA)[harm])
    assert extra is None
    assert len(call_id) <= 40


def test_no_two_calls_have_one_id() -> None:
    """§2.2 parallel tools: ids that are given twice, or are missing, differ for the caller; of other messages too."""
    ids, others = ToolIds("salt1"), ToolIds("salt2")
    given = [ids.given(call_id, None) for call_id in ("same_call_id", "same_call_id", "", "", "call_0")]
    assert len({*given, others.given("call_0", None), others.given("", None)}) == 7
    assert [restored(call_id)[0] for call_id in (given[0], given[1], given[4])] == [
        "same_call_id",
        "same_call_id",
        "call_0",
    ]


@pytest.mark.parametrize("caller_id", ["x" * 41, "carried_", "carried_a_b", "carried_a_" + "A" * 99, "", "\ud83d" * 99])
def test_any_id_becomes_one_that_openai_takes(caller_id: str) -> None:
    call_id, extra = restored(caller_id)
    assert 0 < len(call_id) <= 40
    assert extra is None
    assert restored(caller_id) == (call_id, None)


def test_an_id_cannot_unpack_to_more_than_it_may() -> None:
    given = ToolIds("salt").given("x" * (MOST_BYTES + 1), None)
    assert len(given) < 2000
    assert len(restored(given)[0]) <= 40
