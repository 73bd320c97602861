"""Streams of chat completions as the providers send them, with what a client must make of each. All is invented."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ASKED = "claude-sonnet-5"
ESTIMATE = 321  # of the input, where the provider says nothing
DONE = b"data: [DONE]\n\n"

Expected = tuple[Any, ...]  # ("text", text), ("thinking", text) or ("tool_use", name, input)


@dataclass(frozen=True)
class Upstream:
    """A stream, and what is in it.

    `row`: the row of §2.2 that it was recorded for. `usage`: what a client has counted at the end. `error`: the type of
    one. `ids`: what the provider must see again of its calls.
    """

    row: str
    name: str
    events: tuple[bytes, ...]
    blocks: tuple[Expected, ...] = ()
    stop: str = "end_turn"
    usage: dict[str, int] | None = None
    error: str = ""
    started: bool = True
    ids: tuple[str, ...] = ()

    @property
    def data(self) -> bytes:
        return b"".join(self.events)


def data(value: object) -> bytes:
    """An event as most servers write it."""
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def chunk(delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> bytes:
    """A chunk with one choice; `more` stands beside the choices."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-B1", "object": "chat.completion.chunk", "created": 1_780_000_000, "model": "some-model-1"}
    return data({**head, "choices": [choice], **more})


def usage_chunk(**usage: Any) -> bytes:
    """The chunk of the usage alone, after the one with the finish reason."""
    return data({"id": "chatcmpl-B1", "object": "chat.completion.chunk", "choices": [], "usage": usage})


def call(index: int | None, call_id: str | None, name: str | None, arguments: Any, **more: Any) -> dict[str, Any]:
    """A piece of a call of a tool; what is None is left out."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    head = {key: value for key, value in (("index", index), ("id", call_id)) if value is not None}
    return {**head, "type": "function", "function": function, **more}


def tools(*calls: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"tool_calls": list(calls), **more}


def counted(put_in: int, put_out: int, **cache: int) -> dict[str, int]:
    names = {"read": "cache_read_input_tokens", "written": "cache_creation_input_tokens"}
    return {"input_tokens": put_in, "output_tokens": put_out, **{names[name]: count for name, count in cache.items()}}


OPENAI_TEXT = Upstream(
    "First delta",
    "OpenAI, text",
    (
        chunk({"role": "assistant", "content": "", "refusal": None}, usage=None, obfuscation="xK2"),
        chunk({"content": "Grüße"}, usage=None, obfuscation="w9fQ1"),
        chunk({"content": ", 世界 "}, usage=None, obfuscation=""),
        chunk({"content": '🙂 "quoted"\n'}, usage=None, obfuscation="aa"),
        chunk({"content": "data: [DONE]\n\nevent: x"}, usage=None),
        chunk({}, "stop", usage=None),
        usage_chunk(
            prompt_tokens=2006, completion_tokens=300, total_tokens=2306,
            prompt_tokens_details={"cached_tokens": 1920, "audio_tokens": 0},
            completion_tokens_details={"reasoning_tokens": 128, "audio_tokens": 0},
        ),
        DONE,
    ),
    (("text", 'Grüße, 世界 🙂 "quoted"\ndata: [DONE]\n\nevent: x'),),
    usage=counted(86, 300, read=1920),
)  # fmt: skip

OPENAI_TOOLS = Upstream(
    "tool args",
    "OpenAI, parallel tools",
    (
        chunk({"role": "assistant", "content": None}),
        chunk(tools(call(0, "call_Aa1Bb2Cc3Dd4Ee5Ff6Gg7Hh8", "Read", ""))),
        chunk(tools(call(0, None, None, '{"file'))),
        chunk(tools(call(0, None, None, '_path":'))),
        chunk(tools(call(0, None, None, '"/a/é.py"}'))),
        chunk(tools(call(1, "call_Zz1Yy2Xx3Ww4Vv5Uu6Tt7Ss8", "Bash", ""))),
        chunk(tools(call(1, None, None, '{"command":"ls '))),
        chunk(tools(call(1, None, None, '-l"}'))),
        chunk({}, "tool_calls"),
        usage_chunk(prompt_tokens=50, completion_tokens=40, total_tokens=90),
        DONE,
    ),
    (("tool_use", "Read", {"file_path": "/a/é.py"}), ("tool_use", "Bash", {"command": "ls -l"})),
    "tool_use",
    counted(50, 40),
    ids=("call_Aa1Bb2Cc3Dd4Ee5Ff6Gg7Hh8", "call_Zz1Yy2Xx3Ww4Vv5Uu6Tt7Ss8"),
)

DEEPSEEK = Upstream(
    "thinking",
    "DeepSeek, thoughts",
    (
        chunk({"role": "assistant", "content": None, "reasoning_content": ""}),
        chunk({"content": None, "reasoning_content": "The user "}),
        chunk({"content": None, "reasoning_content": "greets."}),
        chunk({"content": "Hello", "reasoning_content": None}),
        chunk({"content": " there", "reasoning_content": None}),
        chunk(
            {"content": "", "reasoning_content": None}, "stop",
            usage={
                "prompt_tokens": 18, "completion_tokens": 20, "total_tokens": 38,
                "prompt_cache_hit_tokens": 10, "prompt_cache_miss_tokens": 8,
            },
        ),
        DONE,
    ),
    (("thinking", "The user greets."), ("text", "Hello there")),
    usage=counted(8, 20, read=10),
)  # fmt: skip

KIMI = Upstream(
    "thinking",
    "Kimi, a tool after thoughts, usage in the choice",
    (
        chunk({"role": "assistant", "content": ""}),
        chunk({"reasoning_content": "I should look."}),
        chunk({"content": "Let me look."}),
        chunk(tools(call(0, "functions.Grep:0", "Grep", ""))),
        chunk(tools(call(0, None, None, '{"pattern": "x"}'))),
        data(
            {
                "id": "cmpl-1",
                "object": "chat.completion.chunk",
                "choices": [
                    {
                        "index": 0, "delta": {}, "finish_reason": "tool_calls",
                        "usage": {"prompt_tokens": 700, "completion_tokens": 31, "cached_tokens": 512},
                    }
                ],
            }
        ),
        DONE,
    ),
    (("thinking", "I should look."), ("text", "Let me look."), ("tool_use", "Grep", {"pattern": "x"})),
    "tool_use",
    counted(188, 31, read=512),
    ids=("functions.Grep:0",),
)  # fmt: skip

OLLAMA = Upstream(
    "parallel tools",
    "Ollama, every call has index 0",
    (
        chunk({"role": "assistant", "content": ""}),
        chunk(
            tools(
                call(0, "call_aaaa1111", "Read", '{"file_path":"a"}'),
                call(0, "call_bbbb2222", "Read", '{"file_path":"b"}'),
                content="",
            )
        ),
        chunk(tools(call(0, "call_cccc3333", "Read", '{"file_path":"c"}'), content="")),
        chunk({"role": "assistant", "content": ""}, "stop"),
        usage_chunk(prompt_tokens=90, completion_tokens=12, total_tokens=102),
        DONE,
    ),
    tuple(("tool_use", "Read", {"file_path": name}) for name in "abc"),
    "tool_use",
    counted(90, 12),
    ids=("call_aaaa1111", "call_bbbb2222", "call_cccc3333"),
)

SIGNATURE = "CpwBAXrI3invented+signature/of==" * 8
GEMINI = Upstream(
    "parallel tools",
    "Gemini, no index, a signature, finish reason stop",
    (
        chunk(
            tools(
                call(
                    None, "function-call-814", "Read", '{"file_path":"a"}',
                    extra_content={"google": {"thought_signature": SIGNATURE}},
                ),
                role="assistant",
            ),
            usage={"prompt_tokens": 100, "completion_tokens": 7, "total_tokens": 160},
        ),
        chunk(tools(call(None, "function-call-815", "Read", '{"file_path":"b"}'), role="assistant")),
        chunk(
            {"role": "assistant"}, "stop", usage={"prompt_tokens": 100, "completion_tokens": 14, "total_tokens": 170}
        ),
        DONE,
    ),
    (("tool_use", "Read", {"file_path": "a"}), ("tool_use", "Read", {"file_path": "b"})),
    "tool_use",
    counted(100, 70),
    ids=("function-call-814", "function-call-815"),
)  # fmt: skip

GEMINI_PIECES = Upstream(
    "parallel tools",
    "Gemini, neither index nor id, arguments in pieces, the signature behind the first",
    (
        chunk(tools(call(None, None, "Read", '{"file_path":'), role="assistant")),
        chunk(tools({"extra_content": {"google": {"thought_signature": SIGNATURE}}})),
        chunk(tools(call(None, None, None, '"a"}'))),
        chunk(tools(call(None, None, "Read", '{"file_path":"b"}'))),
        chunk(tools(call(None, None, "Read", '{"file_path":"b"}'))),
        chunk({"role": "assistant"}, "stop"),
        DONE,
    ),
    tuple(("tool_use", "Read", {"file_path": name}) for name in "abb"),
    "tool_use",
    counted(ESTIMATE, 12),
)  # fmt: skip

OPENROUTER = Upstream(
    "thinking",
    "OpenRouter, comments and details of thoughts",
    (
        b": OPENROUTER PROCESSING\n\n",
        b": OPENROUTER PROCESSING\n\n",
        chunk(
            {
                "role": "assistant", "content": "", "reasoning": "Hm",
                "reasoning_details": [{"type": "reasoning.text", "text": "Hm", "index": 0}],
            }
        ),
        b": OPENROUTER PROCESSING\n\n",
        chunk({"content": "", "reasoning": None, "reasoning_details": [{"type": "reasoning.summary", "summary": "…"}]}),
        chunk({"role": "assistant", "content": "Yes."}, usage={"prompt_tokens": 500, "completion_tokens": 90}),
        chunk({"role": "assistant", "content": ""}, "stop", native_finish_reason="completed"),
        usage_chunk(
            prompt_tokens=500, completion_tokens=60, total_tokens=560, cost=0.0012,
            prompt_tokens_details={"cached_tokens": 300, "cache_write_tokens": 50},
            completion_tokens_details={"reasoning_tokens": 30},
        ),
        DONE,
    ),
    (("thinking", "Hm…"), ("text", "Yes.")),
    usage=counted(150, 60, read=300, written=50),
)  # fmt: skip

OPENROUTER_FAILS = Upstream(
    "error mid-stream",
    "OpenRouter, an error after half of the answer, with HTTP 200",
    (
        chunk({"role": "assistant", "content": "I beg"}),
        chunk(
            {"content": ""}, "error",
            error={"code": 502, "message": "Provider returned error", "metadata": {"raw": "upstream closed"}},
        ),
        DONE,
        chunk({"content": "more"}),
    ),
    (("text", "I beg"),),
    error="api_error",
)  # fmt: skip

OPENROUTER_REFUSES = Upstream(
    "first-event gate",
    "OpenRouter, an error before anything, with HTTP 200",
    (
        b": OPENROUTER PROCESSING\n\n",
        chunk({"role": "assistant", "content": ""}),
        data({"error": {"code": 429, "message": "Rate limit exceeded: free-models-per-min."}}),
    ),
    error="rate_limit_error",
    started=False,
)

VLLM = Upstream(
    "tool args",
    "vLLM, text behind a tool, usage all along, line ends of Windows",
    tuple(
        event.replace(b"\n\n", b"\r\n\r\n")
        for event in (
            chunk({"role": "assistant", "content": ""}, usage={"prompt_tokens": 40, "completion_tokens": 0}),
            chunk({"content": "First", "tool_calls": []}, usage={"prompt_tokens": 40, "completion_tokens": 1}),
            chunk(
                tools(call(0, "chatcmpl-tool-0123456789abcdef0123456789abcdef", "Bash", "")),
                usage={"prompt_tokens": 40, "completion_tokens": 4},
            ),
            chunk(tools(call(0, None, None, '{"command":')), usage={"prompt_tokens": 40, "completion_tokens": 8}),
            chunk(
                {"content": None, "tool_calls": [call(0, None, None, ' "ls"}')]},
                usage={"prompt_tokens": 40, "completion_tokens": 12},
            ),
            chunk({"content": "Then", "tool_calls": []}, usage={"prompt_tokens": 40, "completion_tokens": 13}),
            chunk({"content": ""}, "stop", usage={"prompt_tokens": 40, "completion_tokens": 14, "total_tokens": 54}),
            usage_chunk(prompt_tokens=40, completion_tokens=14, total_tokens=54, prompt_tokens_details=None),
            DONE,
        )
    ),
    (("text", "First"), ("tool_use", "Bash", {"command": "ls"}), ("text", "Then")),
    "tool_use",
    counted(40, 14),
    ids=("chatcmpl-tool-0123456789abcdef0123456789abcdef",),
)

INTERLEAVED = Upstream(
    "parallel tools",
    "calls and text that come in turns",
    (
        chunk(tools(call(0, "call_000000000", "Read", '{"a"'), call(1, "call_111111111", "Bash", '{"b"'))),
        chunk(tools(call(1, None, None, ":[1,"), content="in between")),
        chunk(tools(call(0, None, None, ':{"x":1}'))),
        chunk(tools(call(1, None, None, "2]"))),
        chunk({"content": " and on"}),
        chunk(tools(call(0, None, None, "}"), call(1, None, None, "}"))),
        chunk({}, "tool_calls"),
        DONE,
    ),
    (("tool_use", "Read", {"a": {"x": 1}}), ("tool_use", "Bash", {"b": [1, 2]}), ("text", "in between and on")),
    "tool_use",
    counted(ESTIMATE, 10),
)

LATE = Upstream(
    "tool args",
    "arguments that come whole and at the end, and then once more",
    (
        chunk({"content": "Now."}),
        chunk(tools(call(0, "call_000000000", "Read", ""), call(1, "call_111111111", "TaskList", ""))),
        chunk(tools(call(0, "call_000000000", "Read", '{"a":1}'), call(1, "call_111111111", "TaskList", {}))),
        chunk(tools(call(1, "call_111111111", "TaskList", "{}"))),
        chunk(tools(call(0, "call_000000000", "Read", '{"a":1}')), "tool_calls"),
        DONE,
    ),
    (("text", "Now."), ("tool_use", "Read", {"a": 1}), ("tool_use", "TaskList", {})),
    "tool_use",
    counted(ESTIMATE, 3),
)

WHOLE = Upstream(
    "tool args",
    "the whole message in one event",
    (
        data(
            {
                "object": "chat.completion",
                "choices": [
                    {
                        "index": 0, "finish_reason": "tool_calls",
                        "message": {"content": "So:", **tools(call(None, "call_000000000", "Read", '{"a":1}'))},
                    }
                ],
                "usage": {"prompt_tokens": 5, "completion_tokens": 6},
            }
        ),
    ),
    (("text", "So:"), ("tool_use", "Read", {"a": 1})),
    "tool_use",
    counted(5, 6),
)  # fmt: skip

QWEN = Upstream(
    "Empty/spurious blocks",
    "Qwen, blank lines between thoughts and a call, one id in every piece",
    (
        chunk({"reasoning_content": "\n"}),
        chunk({"reasoning_content": "Think"}),
        chunk({"content": "\n\n"}),
        chunk(tools(call(0, "call_0", "Read", "{"))),
        chunk(tools(call(0, "call_0", "Read", '"a": 1'))),
        chunk(tools(call(0, "call_0", "Read", "}"))),
        chunk({"content": ""}, "tool_calls"),
        usage_chunk(prompt_tokens=0, completion_tokens=0, total_tokens=0),
        DONE,
    ),
    (("thinking", "\nThink"), ("tool_use", "Read", {"a": 1})),
    "tool_use",
    counted(ESTIMATE, 3),
    ids=("call_0",),
)

MISTRAL = Upstream(
    "thinking",
    "Mistral, content in parts",
    (
        chunk({"role": "assistant", "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Why"}]}]}),
        chunk({"content": [{"type": "text", "text": "Be"}, {"type": "text", "text": "cause"}]}),
        chunk(
            tools(call(0, "aB3dE6gH9", "Read", '{"a": 1}')), "tool_calls",
            usage={"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14},
        ),
        DONE,
    ),
    (("thinking", "Why"), ("text", "Because"), ("tool_use", "Read", {"a": 1})),
    "tool_use",
    counted(9, 5),
    ids=("aB3dE6gH9",),
)  # fmt: skip

AZURE = Upstream(
    "stop map",
    "Azure, filtered",
    (
        data({"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}),
        chunk({"role": "assistant", "content": "Once"}),
        chunk({}, "content_filter"),
        DONE,
    ),
    (("text", "Once"),),
    "refusal",
)

LENGTH = Upstream(
    "stop map",
    "cut off by max_tokens within a call, no [DONE]",
    (
        chunk({"content": "Go"}),
        chunk(tools(call(0, "call_000000000", "Write", '{"content":"abc'))),
        chunk({}, "length"),
        usage_chunk(prompt_tokens=7, completion_tokens=8),
    ),
    (("text", "Go"), ("tool_use", "Write", None)),
    "max_tokens",
    counted(7, 8),
)

UNENDING = Upstream(
    "truncated upstream",
    "a connection that ends in the middle of an event",
    (chunk({"content": "Half a "}), chunk({"content": "sentence"})[:-20]),
    (("text", "Half a "),),
    error="api_error",
)

GOOD = (
    OPENAI_TEXT, OPENAI_TOOLS, DEEPSEEK, KIMI, OLLAMA, GEMINI, GEMINI_PIECES, OPENROUTER, VLLM, INTERLEAVED, LATE,
    WHOLE, QWEN, MISTRAL, AZURE, LENGTH,
)  # fmt: skip
BAD = (OPENROUTER_FAILS, OPENROUTER_REFUSES, UNENDING)
ALL = (*GOOD, *BAD)


def cut(stream: bytes, size: int) -> Iterator[bytes]:
    """The stream in pieces of that many bytes."""
    return (stream[start : start + size] for start in range(0, len(stream), size))
