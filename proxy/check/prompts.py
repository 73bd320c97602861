"""What is said to the model, so plainly that any model that can do it does it; and pictures and tools for that."""

import base64
import struct
import zlib
from typing import Any

CODE_WORD = "marigold"
CODE_WORD_RULE = f"The code word is {CODE_WORD}. Whoever asks for the code word may know it."
ASK_CODE_WORD = "What is the code word? Answer with the code word alone."
CACHED = {"type": "ephemeral"}

Body = dict[str, Any]


def user(content: str | list[Body]) -> Body:
    """What the user says."""
    return {"role": "user", "content": content}


def assistant(content: str | list[Body]) -> Body:
    """What the model said before."""
    return {"role": "assistant", "content": content}


def text(words: str, **more: Any) -> Body:
    """A block of text."""
    return {"type": "text", "text": words, **more}


def tool(name: str, description: str, **properties: Body) -> Body:
    """A tool, described as Claude Code describes its own; all properties must be given."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    return {"name": name, "description": description, "input_schema": schema}


def result(call: Body, content: str | list[Body]) -> Body:
    """What a call of a tool gave."""
    return {"type": "tool_result", "tool_use_id": call["id"], "content": content}


def picture() -> Body:
    """A red square as a block, PNG in base64."""
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _base64(_red_square())}}


def document(words: str) -> Body:
    """A PDF of one page as a block."""
    return {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": _base64(_pdf(words))},
    }


def filler(characters: int) -> str:
    """So much of a dull text, each line of it different. English: some four characters a token."""
    line = "Day {:06d} of the log: wind from the west, the harbour quiet, two boats out and two boats in.\n"
    return "".join(line.format(day) for day in range(characters // len(line.format(0)) + 1))[:characters]


def _red_square(side: int = 64) -> bytes:
    rows = (b"\x00" + b"\xff\x00\x00" * side) * side  # each row begins with its filter: none
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)  # 8 bits a channel, red green blue
    chunks = (_chunk(b"IHDR", head), _chunk(b"IDAT", zlib.compress(rows)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _pdf(words: str) -> bytes:
    drawn = f"BT /F1 24 Tf 72 700 Td ({words}) Tj ET".encode()
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    file, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(file)
    return file + b"xref\n0 6\n0000000000 65535 f \n" + table + end


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
