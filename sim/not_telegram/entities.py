"""Text and its entities: Telegram's HTML read strictly, and what Telegram finds in plain text by itself.

Offsets and lengths of entities are in UTF-16 code units, as in the Bot API; offsets in errors are bytes of the markup.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sim.not_telegram.refusals import Refusal, bad_request

Entity = dict[str, Any]

TYPES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "tg-emoji": "custom_emoji",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
CHARACTERS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
LANGUAGE = "language-"

TAG = re.compile(r"""<(?P<end>/?)(?P<name>[^\s>]*)(?P<attributes>(?:[^>"']|"[^"]*"|'[^']*')*)>""")
ATTRIBUTE = re.compile(r"""\s*(?P<name>[^\s=]+)(?:\s*=\s*(?P<value>"[^"]*"|'[^']*'|[\w.-]+))?(?=\s|$)""")
REFERENCE = re.compile(r"&(#x[0-9a-fA-F]{1,6}|#[0-9]{1,7}|[a-zA-Z]+);?")
CONTROL = {code: " " for code in range(32) if chr(code) not in "\n\r"} | {ord("\r"): None}

FOUND = {
    "url": re.compile(r"https?://[^\s<>\"]*[^\s<>\"'.,;:!?)\]]"),
    "bot_command": re.compile(r"(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>])"),
    "mention": re.compile(r"(?<!\w)@[A-Za-z][A-Za-z0-9_]{3,31}(?!\w)"),
}
NOTHING_FOUND_IN = {"code", "pre", "text_link"}


@dataclass(frozen=True)
class Formatted:
    text: str
    entities: list[Entity]


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def plain(text: str, entities: list[Entity]) -> Formatted:
    """The text as Telegram keeps it: trimmed, control characters gone, links and commands found."""
    return _finished(text.translate(CONTROL), entities)


def parse_html(markup: str) -> Formatted:
    """Raises `Refusal` (400, can't parse entities) as Telegram does."""
    reader = _Reader()
    reader.read(markup.translate(CONTROL))
    return _finished("".join(reader.text), reader.entities)


@dataclass(frozen=True)
class _Open:
    tag: str
    attributes: dict[str, str]
    offset: int
    piece: int


@dataclass
class _Reader:
    """Reads markup once from left to right."""

    text: list[str] = field(default_factory=list)
    length: int = 0
    entities: list[Entity] = field(default_factory=list)
    open: list[_Open] = field(default_factory=list)

    def read(self, markup: str) -> None:
        position = 0
        while (start := markup.find("<", position)) >= 0:
            self._add(markup[position:start])
            position = self._tag(markup, start)
        self._add(markup[position:])
        if self.open:
            raise _unparsable(f"Can't find end tag corresponding to start tag {self.open[-1].tag}")

    def _add(self, text: str) -> None:
        decoded = _decoded(text)
        self.text.append(decoded)
        self.length += utf16_length(decoded)

    def _tag(self, markup: str, start: int) -> int:
        at = len(markup[:start].encode())
        tag = TAG.match(markup, start)
        if not tag:
            raise _unparsable(
                f"Unclosed {'end' if markup.startswith('</', start) else 'start'} tag at byte offset {at}"
            )
        if tag["end"]:
            self._end(tag["name"].lower(), at)
        else:
            self._start(tag["name"].lower(), tag["attributes"], at)
        return tag.end()

    def _start(self, name: str, attributes: str, at: int) -> None:
        if name not in TYPES:
            raise _unparsable(f'Unsupported start tag "{name}" at byte offset {at}')
        read = _attributes(name, attributes, at)
        if name == "span" and read.get("class") != "tg-spoiler":
            raise _unparsable(f'Tag "span" must have class "tg-spoiler" at byte offset {at}')
        self.open.append(_Open(name, read, self.length, len(self.text)))

    def _end(self, name: str, at: int) -> None:
        if not self.open:
            raise _unparsable(f"Unexpected end tag at byte offset {at}")
        opened = self.open.pop()
        if name and name != opened.tag:
            raise _unparsable(
                f'Unmatched end tag at byte offset {at}, expected "</{opened.tag}>", found "</{name}>"',
            )
        if self.length > opened.offset:
            self._close(opened)

    def _close(self, opened: _Open) -> None:
        entity: Entity = {
            "type": TYPES[opened.tag],
            "offset": opened.offset,
            "length": self.length - opened.offset,
        }
        attributes = opened.attributes
        if opened.tag == "a":
            self._link(entity, attributes.get("href") or "".join(self.text[opened.piece :]))
        elif opened.tag == "pre":
            self._block(entity)
        elif opened.tag == "code" and attributes.get("class", "").startswith(LANGUAGE):
            self.entities.append(entity | {"language": attributes["class"].removeprefix(LANGUAGE)})
        elif opened.tag == "tg-emoji":
            self.entities.append(entity | {"custom_emoji_id": _emoji_id(attributes)})
        elif "expandable" in attributes:
            self.entities.append(entity | {"type": "expandable_blockquote"})
        else:
            self.entities.append(entity)

    def _link(self, entity: Entity, url: str) -> None:
        """Telegram drops a link that is none, and keeps its text."""
        if re.fullmatch(r"(https?|tg|mailto|ton):\S+", url):
            self.entities.append(entity | {"url": url})
        elif re.fullmatch(r"[\w-]+(\.[\w-]+)+(/\S*)?", url):
            self.entities.append(entity | {"url": f"http://{url}"})

    def _block(self, entity: Entity) -> None:
        """`<pre><code class="language-python">` is one block with a language."""
        inner = self.entities[-1] if self.entities else {}
        if "language" in inner and all(inner[key] == entity[key] for key in ("offset", "length")):
            entity["language"] = self.entities.pop()["language"]
        self.entities.append(entity)


def _attributes(tag: str, text: str, at: int) -> dict[str, str]:
    found: dict[str, str] = {}
    text = text.rstrip()
    position = 0
    while position < len(text):
        attribute = ATTRIBUTE.match(text, position)
        if not attribute or (attribute["value"] is None and attribute["name"] != "expandable"):
            raise _unparsable(
                f'Expected equal sign in declaration of an attribute of the tag "{tag}" at byte offset {at}'
            )
        found[attribute["name"].lower()] = _decoded((attribute["value"] or "").strip("\"'"))
        position = attribute.end()
    return found


def _emoji_id(attributes: dict[str, str]) -> str:
    if not re.fullmatch(r"[1-9]\d*", attributes.get("emoji-id", "")):
        raise _unparsable("Invalid custom emoji identifier specified")
    return attributes["emoji-id"]


def _decoded(text: str) -> str:
    return REFERENCE.sub(_character, text)


def _character(reference: re.Match[str]) -> str:
    name = reference[1]
    if not name.startswith("#"):
        return CHARACTERS.get(name, reference[0])
    code = int(name[2:], 16) if name[1] == "x" else int(name[1:])
    return chr(code) if 0 < code < 0x10FFFF and not 0xD800 <= code <= 0xDFFF else reference[0]


def _unparsable(reason: str) -> Refusal:
    return bad_request(f"can't parse entities: {reason}")


def _finished(text: str, entities: list[Entity]) -> Formatted:
    trimmed = text.strip()
    lead = utf16_length(text[: len(text) - len(text.lstrip())])
    kept = _clipped(entities, lead, utf16_length(trimmed))
    for entity in kept:
        if entity["type"] == "code":
            entity.pop("language", None)
    kept += _found(trimmed, kept)
    return Formatted(trimmed, sorted(kept, key=lambda entity: (entity["offset"], -entity["length"])))


def _clipped(entities: list[Entity], lead: int, length: int) -> list[Entity]:
    """The entities after `lead` units are gone from the start, within `length` units."""
    clipped = []
    for entity in entities:
        start = max(entity["offset"] - lead, 0)
        end = min(entity["offset"] - lead + entity["length"], length)
        if start < end:
            clipped.append(entity | {"offset": start, "length": end - start})
    return clipped


def _found(text: str, taken: list[Entity]) -> list[Entity]:
    blocked = [_span(entity) for entity in taken if entity["type"] in NOTHING_FOUND_IN]
    found = []
    for entity in _matches(text):
        start, end = _span(entity)
        if all(end <= other_start or start >= other_end for other_start, other_end in blocked):
            blocked.append((start, end))
            found.append(entity)
    return found


def _matches(text: str) -> Iterator[Entity]:
    for kind, pattern in FOUND.items():
        for match in pattern.finditer(text):
            yield {"type": kind, "offset": utf16_length(text[: match.start()]), "length": utf16_length(match[0])}


def _span(entity: Entity) -> tuple[int, int]:
    return entity["offset"], entity["offset"] + entity["length"]
