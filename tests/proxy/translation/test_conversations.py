"""Turns of a conversation: results behind their calls, images where they are allowed, thoughts where they belong."""

import json
from typing import Any

import pytest

from proxy.translation.request import to_openai
from proxy.translation.tool_ids import ToolIds
from tests.proxy.translation.judging import PROVIDER
from tests.proxy.translation.judging_requests import PDF, refused_with
from tests.proxy.translation.requests import PNG, asking, assistant, image, result, text, use, user

HELLO = user(text("hello"))
PNG_PART = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}


def messages(*turns: dict[str, Any], model: str = "some-model") -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = to_openai(asking(*turns), model=model, provider=PROVIDER)["messages"]
    return made


def roles(*turns: dict[str, Any]) -> list[str]:
    return [message["role"] for message in messages(*turns)]


def test_results_follow_their_calls_and_words_follow_results() -> None:
    """§2.2 parallel tools: whatever the order in the turn, and over turns in a row."""
    calls = assistant(text("I do."), use("toolu_01A"), use("toolu_01B"), use("toolu_01C"))
    made = messages(
        HELLO,
        calls,
        user(text("before"), result("toolu_01C", "c"), text("between"), result("toolu_01A", "a")),
        user(result("toolu_01B", "b"), text("after")),
        assistant(text("Done.")),
    )
    assert [message["role"] for message in made] == ["user", "assistant", "tool", "tool", "tool", "user", "assistant"]
    assert [message["content"] for message in made[2:6]] == ["c", "a", "b", "before\n\nbetween\n\nafter"]
    assert [message["tool_call_id"] for message in made[2:5]] == ["toolu_01C", "toolu_01A", "toolu_01B"]


def test_calls_carry_their_input_as_text() -> None:
    """§2.2 tool args: the input goes back as the JSON that it is."""
    made = messages(HELLO, assistant(use("toolu_01A", "Write", text='é "x"\n', n=1.5)), user(result("toolu_01A")))
    assert made[1]["content"] is None
    function = made[1]["tool_calls"][0]["function"]
    assert (function["name"], json.loads(function["arguments"])) == ("Write", {"text": 'é "x"\n', "n": 1.5})


@pytest.mark.parametrize(
    ("content", "said"),
    [("ok", "ok"), ("", "(no output)"), ([], "(no output)"), (None, "(no output)"), ([text("a"), text("b")], "a\n\nb")],
)
def test_a_result_is_text(content: object, said: str) -> None:
    made = messages(HELLO, assistant(use("toolu_01A")), user(result("toolu_01A", content)))
    assert made[2] == {"role": "tool", "tool_call_id": "toolu_01A", "content": said}


def test_a_failure_can_be_seen() -> None:
    failed = messages(HELLO, assistant(use("toolu_01A")), user(result("toolu_01A", "no such file", is_error=True)))
    assert failed[2]["content"] == "Error: no such file"


def test_images_of_results_come_behind_all_results() -> None:
    """§2.2 images/docs: as images, in one message of the user, each with the name of its result."""
    made = messages(
        HELLO,
        assistant(use("toolu_01A"), use("toolu_01B")),
        user(
            result("toolu_01A", [text("one"), image(), text("two"), image()]),
            result("toolu_01B", [image()]),
            text("Compare."),
        ),
    )
    assert [message["role"] for message in made] == ["user", "assistant", "tool", "tool", "user"]
    assert made[2]["content"] == "one\n\n(image 1, see below)\n\ntwo\n\n(image 2, see below)"
    assert made[3]["content"] == "(image 3, see below)"
    assert [part for part in made[4]["content"] if part["type"] == "image_url"] == [PNG_PART] * 3
    assert [part["text"] for part in made[4]["content"] if part["type"] == "text"] == [
        "image 1, from the result of toolu_01A:", "image 2, from the result of toolu_01A:",
        "image 3, from the result of toolu_01B:", "Compare.",
    ]  # fmt: skip


def test_images_are_sent_as_they_were_given() -> None:
    """§2.2 images/docs: base64 and addresses, among the texts in their order."""
    linked = {"type": "image", "source": {"type": "url", "url": "https://images.invalid/a.png"}}
    (made,) = messages(user(text("one"), image(), text("two"), linked))
    assert made["content"] == [
        {"type": "text", "text": "one"}, PNG_PART, {"type": "text", "text": "two"},
        {"type": "image_url", "image_url": {"url": "https://images.invalid/a.png"}},
    ]  # fmt: skip


@pytest.mark.parametrize("source", ["base64", "url", "file"])
def test_documents_that_are_no_text_are_refused(source: str) -> None:
    """§2.2 images/docs: a PDF is refused clearly, in a turn and in a result; never left out."""
    document = PDF if source == "base64" else {"type": "document", "source": {"type": source, source: "x"}}
    assert "documents (" in refused_with(to_openai, asking(user(document)))
    in_result = asking(HELLO, assistant(use("toolu_01A")), user(result("toolu_01A", [document])))
    assert "messages.2.content.0.content.0: documents (" in refused_with(to_openai, in_result)


def test_documents_of_text_are_text() -> None:
    """§2.2 images/docs: what is text is sent as text."""
    plain = {"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "body"}}
    parts = {"type": "document", "source": {"type": "content", "content": [text("inner"), image()]}}
    found = {"type": "search_result", "title": "S", "source": "https://s.invalid", "content": [text("hit")]}
    (made,) = messages(user(plain, parts, found, {"type": "tool_reference", "tool_name": "Grep"}))
    texts = [part["text"] for part in made["content"] if part["type"] == "text"]
    assert texts == ["Document: T", "body", "inner", "S\nhttps://s.invalid\nhit", "Tool found: Grep"]
    assert PNG_PART in made["content"]


def test_thoughts_with_a_signature_are_dropped() -> None:
    """§2.2 tier switch: a history of Anthropic's goes to another provider without Anthropic's thoughts."""
    signed = {"type": "thinking", "thinking": "secret", "signature": "EqQBinvented"}
    turns = (HELLO, assistant(signed, {"type": "redacted_thinking", "data": "x"}, text("Hi")), HELLO)
    for model in ("some-model", "deepseek-v4", "gemini-3-pro"):
        made = messages(*turns, model=model)
        assert made[1] == {"role": "assistant", "content": "Hi"}
    assert roles(HELLO, assistant(signed), HELLO) == ["user"]


@pytest.mark.parametrize("signature", [{"signature": ""}, {}])
def test_thoughts_of_the_provider_go_back_to_who_wants_them(signature: dict[str, str]) -> None:
    """§2.2 thinking: DeepSeek and Kimi want them beside calls of tools, be they empty; OpenAI takes none."""
    own = {"type": "thinking", "thinking": "I look.", **signature}
    turns = (HELLO, assistant(own, use("toolu_01A")), user(result("toolu_01A")), assistant(use("toolu_01B")))
    for model in ("deepseek-v4", "moonshotai/Kimi-K3"):
        made = messages(*turns, user(result("toolu_01B")), model=model)
        assert [made[n]["reasoning_content"] for n in (1, 3)] == ["I look.", ""]
    assert "reasoning_content" not in messages(*turns, user(result("toolu_01B")), model="gpt-5")[1]
    assert "reasoning_content" not in messages(HELLO, assistant(own, text("x")), HELLO, model="deepseek-v4")[1]


@pytest.mark.parametrize("model", ["gemini-3-pro", "google/gemini-3.8-flash", "models/gemini-flash-latest"])
def test_a_signature_goes_back_with_its_call(model: str) -> None:
    """§2.2 Gemini: the caller has sent back the id, the name and the input alone."""
    extra = {"google": {"thought_signature": "CpwBinvented"}}
    signed = ToolIds("salt").given("function-call-1", extra)
    turns = (HELLO, assistant(use(signed), use("toolu_01B")), user(result("toolu_01B"), result(signed)))
    made = messages(*turns, model=model)
    first, second = made[1]["tool_calls"]
    assert (first["id"], first["extra_content"]) == ("function-call-1", extra)
    assert "extra_content" not in second
    assert [message["tool_call_id"] for message in made[2:]] == ["toolu_01B", "function-call-1"]


def test_calls_that_others_made_have_googles_word_for_none() -> None:
    """§2.2 Gemini: from 3 on it refuses calls without a signature; others are sent nothing of the kind."""
    turns = (HELLO, assistant(use("toolu_01A"), use("toolu_01B")), user(result("toolu_01A"), result("toolu_01B")))
    first, second = messages(*turns, model="gemini-3-pro")[1]["tool_calls"]
    assert first["extra_content"] == {"google": {"thought_signature": "skip_thought_signature_validator"}}
    assert "extra_content" not in second
    signed = ToolIds("salt").given("function-call-1", {"google": {"thought_signature": "CpwBinvented"}})
    for model in ("gpt-5", "llama"):
        made = messages(HELLO, assistant(use(signed)), user(result(signed)), model=model)
        assert "extra_content" not in made[1]["tool_calls"][0]
    assert "extra_content" not in json.dumps(messages(*turns, model="gemini-2.5-flash"))


def test_ids_are_as_openai_takes_them() -> None:
    """§2.2 parallel tools: at most 40 characters, and the same for a call and its result."""
    long, other = "x" * 60, "x" * 59 + "y"
    made = messages(HELLO, assistant(use(long), use(other)), user(result(other), result(long)))
    ids = [call["id"] for call in made[1]["tool_calls"]]
    assert len(set(ids)) == 2
    assert max(map(len, ids)) <= 40
    assert [message["tool_call_id"] for message in made[2:]] == ids[::-1]


def test_calls_that_had_one_id_have_two() -> None:
    """§2.2 parallel tools: a provider that gave one id twice gets two, so that results find their calls."""
    ids = ToolIds("salt")
    one, two = ids.given("call_same", None), ids.given("call_same", None)
    made = messages(HELLO, assistant(use(one), use(two)), user(result(two, "second"), result(one, "first")))
    calls = [call["id"] for call in made[1]["tool_calls"]]
    results = {message["tool_call_id"]: message["content"] for message in made[2:]}
    assert [results[call_id] for call_id in calls] == ["first", "second"]


def test_calls_and_results_must_match() -> None:
    """Claude Code acts on the wording of Anthropic's API."""
    alone = asking(HELLO, assistant(use("toolu_01A")), HELLO, assistant(text("x")))
    assert "`tool_use` ids were found without `tool_result` blocks immediately after: toolu_01A" in refused_with(
        to_openai, alone
    )
    orphan = asking(HELLO, user(result("toolu_01B")))
    assert "unexpected `tool_use_id` found in `tool_result` blocks: toolu_01B" in refused_with(to_openai, orphan)
    twice = asking(HELLO, assistant(use("toolu_01A"), use("toolu_01A")), user(result("toolu_01A")))
    assert "`tool_use` ids must be unique" in refused_with(to_openai, twice)


def test_turns_of_one_side_are_one_message() -> None:
    calls = (assistant(text("a")), assistant(text("b"), use("toolu_01A")), assistant(use("toolu_01B")))
    results = (user(result("toolu_01B")), user(result("toolu_01A")))
    assert roles(HELLO, HELLO, *calls, *results) == ["user", "assistant", "tool", "tool"]
    made = messages(
        HELLO, assistant(text("a")), assistant(text(""), text("b")), user(text(" "), text("c")), user(text("d"))
    )
    assert [message["content"] for message in made] == ["hello", "a\n\nb", "c\n\nd"]


def test_turns_with_nothing_in_them_are_left_out() -> None:
    assert roles(HELLO, assistant(), user(), assistant(text("")), {"role": "user", "content": ""}) == ["user"]
