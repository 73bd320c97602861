"""The defects of §2.2 that a translator can have, each as a change of our own source."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Defect:
    """`changes`: texts of a module of `proxy/translation`, each there exactly once, and what stands there instead."""

    name: str
    row: str
    module: str
    changes: tuple[tuple[str, str], ...]


def defect(name: str, row: str, module: str, old: str, new: str) -> Defect:
    return Defect(name, row, module, ((old, new),))


ORDER = (
    defect("message_start twice", "SSE order", "stream", "        self.started = True\n", ""),
    defect(
        "first delta dropped", "First delta", "blocks",
        "            sent.append(events.block_start(self._next, block.start()))\n",
        "            sent.append(events.block_start(self._next, block.start()))\n            block.pieces.clear()\n",
    ),
    defect(
        "a block of white space", "Empty/spurious blocks", "blocks",
        "return any(piece.strip() for piece in self.pieces)", "return True",
    ),
    defect(
        "empty deltas", "Empty/spurious blocks", "stream",
        'if text := answers.text_of(delta.get("content")):',
        'if (text := answers.text_of(delta.get("content"))) is not None:',
    ),
    defect("overlapping blocks", "SSE order", "blocks", "        sent.append(events.block_stop(self._next))\n", ""),
    defect(
        "the index does not go on", "SSE order", "blocks",
        "        self._next += 1\n        self._waiting.popleft()", "        self._waiting.popleft()",
    ),
    defect(
        "text after a tool goes to the tool's index", "SSE order", "blocks",
        "        if tail is None or tail.kind != kind:\n",
        '        if tail is not None and tail.kind == "tool_use":\n'
        "            return events.delta(self._next, kind, text)\n"
        "        if tail is None or tail.kind != kind:\n",
    ),
    defect("the provider's model is named", "model alias", "stream", "self._id, self._asked,", 'self._id, "other",'),
)  # fmt: skip

TOOLS = (
    defect(
        "arguments buffered", "tool args", "blocks",
        "            if not block.is_open and not block.can_open(self.chunk):\n",
        "            if isinstance(block, ToolBlock) and not block.can_close():\n                break\n"
        "            if not block.is_open and not block.can_open(self.chunk):\n",
    ),
    defect(
        "arguments that come whole are lost", "tool args", "tool_calls",
        "        if arguments:\n            self._add(", "        if arguments and not name:\n            self._add(",
    ),
    defect(
        "arguments that come at the end are lost", "tool args", "stream",
        "given = self._delta(self._delta_of(choice))", 'given = b"" if finish else self._delta(self._delta_of(choice))',
    ),
    defect(
        "arguments that come in a message are lost", "tool args", "stream",
        "            return message\n", "            return {}\n",
    ),
    defect(
        "text beside an empty list of calls is lost", "tool args", "stream",
        'if text := answers.text_of(delta.get("content")):',
        'if "tool_calls" not in delta and (text := answers.text_of(delta.get("content"))):',
    ),
    defect(
        "a call told again is appended", "tool args", "tool_calls",
        "        elif _is_told_again(block, arguments):\n            return b\"\"\n", "",
    ),
    defect(
        "calls known by their index alone", "parallel tools", "tool_calls",
        "        same_id = ",
        "        if index in self._by_index:\n            return self._by_index[index]\n        same_id = ",
    ),
    defect(
        "the second call of an index is dropped", "parallel tools", "tool_calls",
        '            if not (call_id or name or arguments):\n',
        '            if index in self._by_index or not (call_id or name or arguments):\n',
    ),
    defect(
        "an index is taken for granted", "parallel tools", "tool_calls",
        'index = piece.get("index") if isinstance(piece.get("index"), int) else None', 'index = piece["index"]',
    ),
    defect(
        "a missing index is 0, ids are not looked at", "parallel tools", "tool_calls",
        'name, call_id = _string(function, "name"), _string(piece, "id")',
        'name, call_id = ("" if self.any else _string(function, "name")), ("" if self.any else _string(piece, "id"))',
    ),
    defect("interleaved arguments are cut off", "parallel tools", "blocks", "return self._whole", "return True"),
    defect(
        "ids that Anthropic's API refuses", "parallel tools", "tool_ids", " or not PLAIN.fullmatch(call_id)", "",
    ),
    defect(
        "the finish reason is believed", "finish reason", "answers",
        '    if has_tool:\n        return "tool_use"\n', '    if finish == "tool_calls":\n        return "tool_use"\n',
    ),
    defect(
        "content_filter becomes stop_sequence", "stop map", "answers",
        '"content_filter": "refusal"', '"content_filter": "stop_sequence"',
    ),
    defect("length becomes end_turn", "stop map", "answers", '"length": "max_tokens"', '"length": "end_turn"'),
    defect(
        "a finish reason of OpenAI is passed on", "stop map", "answers",
        'return "refusal" if refused else "end_turn"', 'return str(finish)',
    ),
)  # fmt: skip

THINKING = (
    defect(
        "a forged signature", "thinking", "blocks",
        '"thinking": "", "signature": ""', '"thinking": "", "signature": "1780000000"',
    ),
    defect(
        "a forged signature in a whole answer", "thinking", "message",
        '"thinking": thought, "signature": ""', '"thinking": thought, "signature": "1780000000"',
    ),
    defect(
        "thoughts are lost", "thinking", "stream",
        "if thought := answers.reasoning_of(delta):", "if (thought := answers.reasoning_of(delta)) and False:",
    ),
    defect(
        "another provider's thoughts are sent", "tier switch", "turns",
        'elif kind == "thinking" and not block.get("signature"):', 'elif kind == "thinking":',
    ),
    defect(
        "a signature is lost on its way back", "Gemini", "tool_ids",
        "return call_id, extra\n", "return call_id, None\n",
    ),
    defect(
        "a signature is lost on its way out", "Gemini", "answers",
        "return extra if isinstance(extra, dict) and extra else None", "return None",
    ),
    defect(
        "a call of others has no signature", "Gemini", "turns",
        'setdefault("extra_content", NO_SIGNATURE)', 'get("extra_content")',
    ),
)  # fmt: skip

NEWEST = "self._usage = answers.newest(self._usage, answers.usage_of(usage))"
KNOWN = 'usage = {"output_tokens": answers.estimated(self._blocks.characters)} | self._usage'
USAGE = (
    defect(
        "counts are added", "usage", "stream", NEWEST,
        "found = answers.usage_of(usage)\n"
        "            self._usage = {n: self._usage.get(n, 0) + found.get(n, 0) for n in {**self._usage, **found}}",
    ),
    defect(
        "the greater of two counts is kept", "usage", "stream", NEWEST,
        "found = answers.usage_of(usage)\n"
        "            self._usage = {n: max(self._usage.get(n, 0), found.get(n, 0)) for n in {**self._usage, **found}}",
    ),
    defect(
        "the first report counts", "usage", "stream", NEWEST, "self._usage = self._usage or answers.usage_of(usage)",
    ),
    defect("null for what is not known", "usage", "stream", KNOWN, KNOWN.replace("{", '{"input_tokens": None, ')),
    defect("0 for what is not known", "usage", "stream", KNOWN, KNOWN.replace("{", '{"input_tokens": 0, ')),
    defect(
        "cached tokens are counted twice", "usage", "answers",
        "prompt - cached if cached <= prompt else prompt", "prompt",
    ),
    defect(
        "usage in the choice is not seen", "usage", "stream", ' or (choice and choice.get("usage"))', "",
    ),
    defect(
        "thoughts are put out for nothing", "usage", "answers",
        "return output + beyond if beyond > 0 and thought in (None, beyond) else output", "return output",
    ),
    defect("no input in message_start", "message_start usage", "events", "max(1, input_tokens)", "0"),
    defect(
        "nothing is read after the finish reason", "usage", "stream",
        'return self._begun(given) if finish or given else b""',
        'return (self._begun(given) + self._finish() if finish else self._begun(given)) if finish or given else b""',
    ),
    defect(
        "the usage is not asked for", "usage chunk", "request", ', "stream_options": {"include_usage": True}', "",
    ),
    defect(
        "tools are not counted", "count_tokens", "estimate",
        '("system", "messages", "tools"):', '("system", "messages"):',
    ),
    defect("an image is counted as text", "count_tokens", "estimate", "        return IMAGE\n", "        return 0\n"),
    defect(
        "results of tools are not counted", "count_tokens", "estimate",
        "            seen.append(value)\n", "            seen.append(value[:100])\n",
    ),
)  # fmt: skip

ERRORS = (
    defect(
        "an error of another shape", "error mid-stream", "events",
        "_encode(content(kind, message))", '_encode({"type": "error", "message": message})',
    ),
    defect(
        "message_stop after an error", "error mid-stream", "stream",
        "return events.error(error[1], error[2])",
        'return events.error(error[1], error[2]) + events.message_end("end_turn", None, {"output_tokens": 1})',
    ),
    defect(
        "more after an error", "error mid-stream", "stream",
        "            if self.finished or self.failed:\n                break\n",
        "            if self.finished:\n                break\n",
    ),
    defect(
        "an error is taken for an answer", "error mid-stream", "stream",
        "if looks_bad and (error", "if False and (error",
    ),
    defect(
        "a cut stream ends in silence", "truncated upstream", "stream", "self._fail(TRUNCATED)", 'b""',
    ),
    defect(
        "a cut stream ends well", "truncated upstream", "stream",
        "(self._finish() if self._stop else self._fail(TRUNCATED))", "self._finish()",
    ),
    defect(
        "a message begins before there is one", "first-event gate", "stream",
        'return self._begun(given) if finish or given else b""', "return self._begun(given)",
    ),
    defect(
        "every piece of bytes is decoded on its own", "UTF-8", "stream",
        "self._lines.feed(chunk)", 'self._lines.feed(chunk.decode(errors="ignore").encode())',
    ),
    defect("what a piece leaves over is lost", "UTF-8", "sse", "self._pieces = [rest]", "self._pieces = []"),
    defect(
        "Windows' line ends are not known", "tool args", "sse",
        'if self._after_return or b"\\r" in chunk:', "if False:",
    ),
    defect("529 is like any other", "error before stream", "errors", '    529: "overloaded_error",\n', ""),
    defect(
        "a prompt that is too long is not called so", "error before stream", "errors",
        'return 400, "invalid_request_error", _too_long(text)', 'return 400, "invalid_request_error", text',
    ),
    defect(
        "a web page is shown", "error before stream", "errors",
        'return Said() if text.startswith("<") or "<html" in text.lower() else Said(text)', "return Said(text)",
    ),
    defect("a key is shown", "error before stream", "errors", 'SECRET.sub("[key]", ', "str("),
    defect("no money is a rate limit", "error before stream", "errors", "if said.marks & UNPAID:", "if False:"),
)  # fmt: skip

REQUESTS = (
    defect(
        "images of results are dumped as JSON", "images/docs", "turns",
        'parts(inner, f"{place}.{n}", self._provider)]', "[text_part(str(inner))]]",
    ),
    defect(
        "images of results are lost", "images/docs", "conversation",
        "now, self._images, self._held = self._images + self._held, [], []",
        "now, self._images, self._held = self._held, [], []",
    ),
    defect(
        "images stand between results", "parallel tools", "conversation",
        "            self.say(now)\n", '            self.messages.insert(-1, {"role": "user", "content": now})\n',
    ),
    defect(
        "a PDF is dropped silently", "images/docs: a PDF", "content",
        "            raise refused(where, said)\n", "            return []\n",
    ),
    defect(
        "images for who reads none", "images/docs: an image for the blind", "content",
        "if not provider.reads_images:", "if False:",
    ),
    defect(
        "cache_control of texts is kept", "cache_control", "content",
        "return [text_part(text)] if text.strip() else []", "return [block] if text.strip() else []",
    ),
    defect(
        "cache_control of tools is kept", "cache_control", "tools",
        '"parameters": parameters}', '"parameters": parameters, "cache_control": tool.get("cache_control")}',
    ),
    defect("the billing block is kept", "billing block", "content", " and not text.startswith(BILLING)", ""),
    Defect(
        "a phantom of a server's tool", "server tools", "tools",
        (
            ('if kind not in (None, "custom"):', "if False:"),
            ('schema = field(tool, "input_schema", dict, where)', 'schema = tool.get("input_schema") or {}'),
        ),
    ),
    defect(
        "context_management is kept", "context_management, output_config", "request",
        'translated: Request = {"model": model, ',
        'translated: Request = {"model": model, "context_management": request.get("context_management"), ',
    ),
    defect(
        "all fields are passed on", "betas", "request",
        'translated: Request = {"model": model, ', 'translated: Request = {**request, "model": model, ',
    ),
    defect(
        "the session is told to the provider", "metadata.user_id", "request",
        'translated: Request = {"model": model, ',
        'translated: Request = {"user": str(request.get("metadata")), "model": model, ',
    ),
    defect(
        "what the system says later is lost", "system", "turns",
        "self._remind(system_texts(content, place))", "system_texts(content, place)",
    ),
    defect(
        "one block of the system prompt is lost", "system", "content",
        "            found.append(text)\n", "            found = [text]\n",
    ),
    defect(
        "nobody sees that a tool failed", "tool args", "conversation", 'f"Error: {text}" if is_error else text', "text",
    ),
)  # fmt: skip

DEFECTS = (*ORDER, *TOOLS, *THINKING, *USAGE, *ERRORS, *REQUESTS)
