"""What a caller shows to the model, block by block: text, images, documents, results of searches."""

from typing import Any

from proxy.gateway import Provider
from proxy.translation.fields import blocks, field, optional, refused

Part = dict[str, Any]

BILLING = "x-anthropic-billing-header"
IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")


def text_part(text: str) -> Part:
    return {"type": "text", "text": text}


def parts(block: dict[str, Any], where: str, provider: Provider) -> list[Part]:
    """What a block is in a message of the user: texts and images. Raises ApiError (400) for what it cannot be."""
    match block.get("type"):
        case "text":
            text = field(block, "text", str, where)
            return [text_part(text)] if text.strip() else []
        case "image":
            return [_image(block, where, provider)]
        case "document":
            return _document(block, where, provider)
        case "search_result":
            return [text_part(_search_result(block, where))]
        case "tool_reference":
            return [text_part(f"Tool found: {field(block, 'tool_name', str, where)}")]
        case other:
            raise refused(where, f"content of type {str(other)[:60]!r} cannot be sent to the provider {provider.name}")


def system_texts(value: object, where: str) -> list[str]:
    """The texts of a system prompt, in order. Billing is for Anthropic alone, and would spoil the cache of others."""
    if value is None:
        return []
    found = []
    for n, block in enumerate(blocks(value, where)):
        if block.get("type") != "text":
            raise refused(f"{where}.{n}", f"a system prompt is of text, not of {str(block.get('type'))[:60]!r}")
        text = field(block, "text", str, f"{where}.{n}")
        if text.strip() and not text.startswith(BILLING):
            found.append(text)
    return found


def joined(found: list[Part]) -> str | list[Part]:
    """Parts as the content of a message: one string where they are all text, which every server understands."""
    if all(part["type"] == "text" for part in found):
        return "\n\n".join(part["text"] for part in found)
    return found


def _image(block: dict[str, Any], where: str, provider: Provider) -> Part:
    if not provider.reads_images:
        raise refused(where, f"the provider {provider.name} does not read images")
    source, place = field(block, "source", dict, where), f"{where}.source"
    match source.get("type"):
        case "base64":
            media_type = field(source, "media_type", str, place)
            if media_type not in IMAGES:
                raise refused(f"{place}.media_type", f"Input should be one of {', '.join(IMAGES)}")
            url = f"data:{media_type};base64,{field(source, 'data', str, place)}"
        case "url":
            url = field(source, "url", str, place)
        case other:
            raise refused(
                place, f"an image of source {str(other)[:60]!r} cannot be sent to the provider {provider.name}"
            )
    return {"type": "image_url", "image_url": {"url": url}}


def _document(block: dict[str, Any], where: str, provider: Provider) -> list[Part]:
    """A document of text is text. Any other is refused: what is left out silently would be made up by the model."""
    source, place = field(block, "source", dict, where), f"{where}.source"
    match source.get("type"):
        case "text":
            inner = [text_part(field(source, "data", str, place))]
        case "content":
            inside = enumerate(blocks(source.get("content"), f"{place}.content"))
            inner = [part for n, inner in inside for part in parts(inner, f"{place}.content.{n}", provider)]
        case other:
            kind = source.get("media_type") if other == "base64" else other
            said = f"documents ({str(kind)[:60]}) cannot be sent to the provider {provider.name}: send their text"
            raise refused(where, said)
    title = optional(block, "title", str, where)
    return [text_part(f"Document: {title}"), *inner] if title else inner


def _search_result(block: dict[str, Any], where: str) -> str:
    inside = enumerate(blocks(block.get("content"), f"{where}.content"))
    texts = [field(inner, "text", str, f"{where}.content.{n}") for n, inner in inside]
    return "\n".join([field(block, "title", str, where), field(block, "source", str, where), *texts])
