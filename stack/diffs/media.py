"""Pictures, fonts, sound and films: what has no text for a reader, by its name and by its first bytes.

One zero byte makes git call any file binary, and that must not hide code.
"""

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from stack.diffs.blobs import first_bytes
from stack.diffs.values import FileDiff

FIRST_BYTES = 64
_FONT = rb"(?:\0\x01\0\0|OTTO\0)"
# extension → what the content begins with
MEDIA: dict[str, bytes] = {
    "png": rb"\x89PNG\r\n\x1a\n",
    **dict.fromkeys(("jpg", "jpeg"), rb"\xff\xd8\xff"),
    "gif": rb"GIF8[79]a",
    "webp": rb"RIFF.{4}WEBP",
    "bmp": rb"BM.{4}\0\0\0\0",
    "ico": rb"\0\0[\x01\x02]\0",
    **dict.fromkeys(("tif", "tiff"), rb"II\*\0|MM\0\*"),
    **dict.fromkeys(("avif", "heic", "m4a", "m4v", "mov", "mp4"), rb"\0.{3}ftyp"),
    **dict.fromkeys(("otf", "ttf"), _FONT),
    "woff": rb"wOFF(?:\0\x01\0\0|OTTO|true)",
    "woff2": rb"wOF2(?:\0\x01\0\0|OTTO|true)",
    "eot": rb".{34}LP",
    "mp3": rb"ID3[\x02-\x04]\0|\xff[\xe2\xe3\xf2\xf3\xfa\xfb]",
    "wav": rb"RIFF.{4}WAVE",
    **dict.fromkeys(("oga", "ogg", "ogv", "opus"), rb"OggS\0"),
    "flac": rb"fLaC\0",
    **dict.fromkeys(("mkv", "webm"), rb"\x1a\x45\xdf\xa3"),
    "avi": rb"RIFF.{4}AVI ",
    "pdf": rb"%PDF-\d",
}
_BLOBS = re.compile(r"^index ([0-9a-f]{40})\.\.([0-9a-f]{40})", re.MULTILINE)


def is_media(path: str, first: bytes) -> bool:
    """Whether a file is what its name says, by the first bytes of its content."""
    pattern = MEDIA.get(_extension(path))
    return pattern is not None and re.match(pattern, first, re.DOTALL) is not None


def clear_media(repository: Path, files: Iterable[FileDiff], *, timeout: float) -> None:
    """Media are not opaque: that they are there, their headers say."""
    blobs = {id(file): _blob(file) for file in files if file.binary and _extension(file.path) in MEDIA}
    first = first_bytes(repository, {*blobs.values()} - {""}, FIRST_BYTES, timeout=timeout)
    for file in files:
        if is_media(file.path, first.get(blobs.get(id(file), ""), b"")):
            file.opaque = False


def _extension(path: str) -> str:
    return PurePosixPath(path).suffix.removeprefix(".").lower()


def _blob(file: FileDiff) -> str:
    """Git's id of the new content, or of the old one where the file was deleted."""
    found = _BLOBS.search(file.text)
    return found[1 if file.status == "deleted" else 2] if found else ""
