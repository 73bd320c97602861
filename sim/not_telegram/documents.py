"""Documents: what the bot uploads and people send, under which ids they are kept, and where the bot downloads them."""

import mimetypes
import re
import secrets
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import unquote

from sim.not_telegram.refusals import bad_request
from sim.not_telegram.store import Json, Store

LARGEST_DOWNLOAD = 20 << 20  # bytes: the Bot API's limit on what a bot may download
UNKNOWN_TYPE = "application/octet-stream"

# As Telegram's Bot API server cleans the names of uploads.
LONGEST_STEM, LONGEST_EXTENSION = 64, 16  # characters
UNSAFE = frozenset("<>:\"/\\|?*&`'")


def keep(store: Store, *, name: str, mime_type: str, content: bytes) -> Json:
    """The Bot API's Document; without name or type where those are empty. Raises `Refusal` where the content is."""
    if not content:
        raise bad_request("file must be non-empty")
    file_id = f"BQACAgIAAxk{secrets.token_urlsafe(45)}"  # as long as Telegram's: too long for a button's data
    store.add_file(file_id, name, mime_type, content)
    return _described(file_id, name, mime_type, len(content))


def known(store: Store, file_id: str) -> Json | None:
    """The Document with that id, from whichever side it came."""
    facts = store.file_facts(file_id)
    return _described(file_id, *facts) if facts else None


def offer(store: Store, file_id: str) -> Json:
    """The Bot API's File; from now on the bot can download its path. Raises `Refusal` as getFile does."""
    document = known(store, file_id)
    if not document:
        raise bad_request("invalid file_id")
    if document["file_size"] > LARGEST_DOWNLOAD:
        raise bad_request("file is too big")
    extension = re.search(r"\.\w{1,16}$", document.get("file_name", ""))
    path = store.offer_file(file_id, extension[0] if extension else "")
    return {key: document[key] for key in ("file_id", "file_unique_id", "file_size")} | {"file_path": path}


def mime_type_of(name: str) -> str:
    """What the end of a name says of the content."""
    kind, packed = mimetypes.guess_type(name)
    return kind if kind and not packed else UNKNOWN_TYPE


def cleaned(name: str) -> str:
    """The name that an upload gets: percent signs are decoded, and most signs that are no letters become spaces."""
    path = PurePosixPath(unquote(name))
    parts = _cleaned(path.stem, LONGEST_STEM), _cleaned(path.suffix, LONGEST_EXTENSION)
    return ".".join(part for part in parts if part) or "file"


def _cleaned(part: str, longest: int) -> str:
    return "".join(map(_kept, part)).lstrip(" .")[:longest].rstrip(" .")


def _kept(character: str) -> str:
    kind = unicodedata.category(character)[0]
    if kind == "M":
        return ""
    plain = " " <= character <= "~" and character not in UNSAFE
    return character if plain or kind in "LN" else " "


def _described(file_id: str, name: str, mime_type: str, size: int) -> Json:
    described = {"file_name": name, "mime_type": mime_type, "file_size": size}
    ids = {"file_id": file_id, "file_unique_id": f"AgAD{file_id[-11:]}"}
    return ids | {key: value for key, value in described.items() if value}
