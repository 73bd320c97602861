"""The little Markdown that reviews are written in, as HTML. All else is escaped, so it is safe to show."""

import re
from collections.abc import Iterator
from html import escape

BLOCKS = re.compile(
    r"^(?P<fence>`{3,})[^\n`]*\n(?P<code>.*?)^(?P=fence)[ \t]*$|<!--.*?-->|^<(?P<tag>/?details|details open)>",
    re.DOTALL | re.MULTILINE,
)
INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`|\*\*(?P<bold>.+?)\*\*|\*(?P<italic>[^*\s][^*\n]*)\*|\[(?P<text>[^\]\n]+)\]\((?P<link>https?://[^\s)]+)\)"
    r"|<summary>(?P<summary>.*?)</summary>|<sub>(?P<sub>.*?)</sub>"
)
TAGS = {"bold": "b", "italic": "i", "summary": "summary", "sub": "sub"}
HEADING = re.compile(r"#{1,6} +(.+)")
ITEM = re.compile(r"\s*(?:[-*]|\d+\.) +(.+)")
QUOTE = re.compile(r"> ?(.*)")
RULE = re.compile(r"(-{3,})\s*$")


def render(text: str) -> str:
    return "".join(_blocks(text.replace("\r\n", "\n")))


def _blocks(text: str) -> Iterator[str]:
    """Fenced code as it is, comments hidden, <details> kept in balance, paragraphs between."""
    depth = end = 0
    for match in BLOCKS.finditer(text):
        yield _paragraphs(text[end : match.start()])
        end = match.end()
        if match["fence"]:
            yield f"<pre>{escape(match['code'])}</pre>"
        elif match["tag"] == "/details" and depth:
            depth -= 1
            yield "</details>"
        elif match["tag"] and match["tag"] != "/details":
            depth += 1
            yield f"<{match['tag']}>"
    yield _paragraphs(text[end:]) + "</details>" * depth


def _paragraphs(text: str) -> str:
    return "".join(_paragraph(block) for block in re.split(r"\n\s*\n", text.strip("\n")) if block.strip())


def _paragraph(block: str) -> str:
    """Runs of lines of one kind become one element."""
    parts: list[tuple[str, list[str]]] = []
    for line in block.strip().split("\n"):
        kind, content = _kind(line)
        if parts and parts[-1][0] == kind:
            parts[-1][1].append(content)
        else:
            parts.append((kind, [content]))
    return "".join(_element(kind, lines) for kind, lines in parts)


def _kind(line: str) -> tuple[str, str]:
    for kind, pattern in (("hr", RULE), ("h4", HEADING), ("ul", ITEM), ("blockquote", QUOTE)):
        if match := pattern.match(line):
            return kind, match[1]
    return "p", line


def _element(kind: str, lines: list[str]) -> str:
    if kind == "ul":
        return f"<ul>{''.join(f'<li>{_inline(line)}</li>' for line in lines)}</ul>"
    if kind == "hr":
        return "<hr>"
    content = "<br>".join(_inline(line) for line in lines)
    return content if content.startswith("<summary>") else f"<{kind}>{content}</{kind}>"


def _inline(text: str) -> str:
    parts, end = [], 0
    for match in INLINE.finditer(text):
        parts += [escape(text[end : match.start()]), _span(match)]
        end = match.end()
    return "".join([*parts, escape(text[end:])])


def _span(match: re.Match[str]) -> str:
    if match["code"]:
        return f"<code>{escape(match['code'])}</code>"
    if match["link"]:
        return f'<a href="{escape(match["link"])}" rel="nofollow">{escape(match["text"])}</a>'
    tag, content = next((tag, match[name]) for name, tag in TAGS.items() if match[name] is not None)
    return f"<{tag}>{_inline(content)}</{tag}>"
