"""Estimates of tokens: never too low, and not absurdly high."""

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.translation.estimate import tokens
from tests.proxy.translation.judging_requests import PDF, judged_counts
from tests.proxy.translation.requests import asking, assistant, claude_code, image, result, text, use, user
from tests.proxy.translation.samples import COUNTED, SAMPLES


def of(content: str) -> int:
    """What the estimate of a text is, without what stands around it."""
    return tokens(asking(user(text(content)))) - tokens(asking(user(text(""))))


GLM_OF_JSON = 1.43  # times what Claude's counts


@pytest.mark.parametrize("name", SAMPLES)
def test_text_is_not_counted_too_low(name: str) -> None:
    """§2.2 count_tokens: at least what real tokenizers count, and hardly ever more than twice."""
    estimate = of(SAMPLES[name] * 20)
    assert max(COUNTED[name]) <= estimate <= 3 * max(COUNTED[name])
    if "json" in name:
        assert estimate >= GLM_OF_JSON * COUNTED[name][1]


def test_all_parts_of_a_request_are_counted() -> None:
    """§2.2 count_tokens: tools, system prompt, calls, results and images in results."""
    assert judged_counts(tokens) == []
    long = "word " * 1000
    places: list[dict[str, Any]] = [
        asking(user(text(long))), asking({"role": "user", "content": long}), asking(user(), system=long),
        asking(user(), system=[text(long)]), asking(user(result("a", long))), asking(user(result("a", [text(long)]))),
        asking(assistant(use("a", x={"y": [long]}))), asking(assistant({"type": "thinking", "thinking": long})),
        asking(tools=[{"name": "x", "description": long, "input_schema": {}}]),
        asking(tools=[{"name": "x", "input_schema": {"properties": {"y": {"description": long}}}}]),
        asking(user({"type": "document", "source": {"type": "text", "data": long}})),
    ]  # fmt: skip
    for place in places:
        assert 1000 <= tokens(place) < 3000


def test_what_the_model_does_not_see_is_not_counted() -> None:
    """§2.2 count_tokens: signatures, ids that carry them, and the bytes of images and documents."""
    signed = {"type": "thinking", "thinking": "x", "signature": "A" * 100_000}
    assert tokens(asking(assistant(signed))) < 100
    carried = "carried_" + "A" * 4000
    assert tokens(asking(assistant(use(carried)), user(result(carried)))) < 100
    assert 1600 <= tokens(asking(user(image("A" * 1_000_000)))) < 1700
    assert 1600 <= tokens(asking(user({"type": "image", "source": {"type": "url", "url": "x" * 9000}}))) < 1700
    large = {**PDF, "source": {**PDF["source"], "data": "A" * 400_000}}  # type: ignore[dict-item]
    assert 3000 <= tokens(asking(user(PDF))) < 3100
    assert 10 * 3000 <= tokens(asking(user(large))) < 12 * 3000


def test_a_request_of_claude_code_is_counted_quickly() -> None:
    """§2.2 count_tokens: the estimate stands before every call, and must cost little."""
    request = claude_code() | asking(user(text(SAMPLES["code"] * 4000)))
    began = time.perf_counter()
    tokens(request)
    assert time.perf_counter() - began < 0.2


@given(
    st.dictionaries(
        st.sampled_from(["system", "messages", "tools", "x"]),
        st.recursive(
            st.none() | st.integers() | st.text() | st.characters(),
            lambda inner: (
                st.lists(inner) | st.dictionaries(st.sampled_from(["type", "source", "input", "data"]), inner)
            ),
            max_leaves=10,
        ),
    )
)
def test_anything_can_be_counted(request: dict[str, Any]) -> None:
    assert tokens(request) >= 1
