"""Media are what they are called, by their first bytes; anything else that git calls binary is something unread."""

from pathlib import Path

import pytest

from stack.diff import FileDiff, diff_between
from tests.stack.repositories import Repository

ISO = b"\0\0\0\x20ftypisom"
FIRST = {
    "png": b"\x89PNG\r\n\x1a\n\0", "jpg": b"\xff\xd8\xff\xe0\0", "jpeg": b"\xff\xd8\xff\xe1\0", "gif": b"GIF89a\1\0",
    "webp": b"RIFF\x10\n\0\0WEBPVP8 ", "bmp": b"BM\x46\0\0\0\0\0\0\0", "ico": b"\0\0\1\0", "tiff": b"II*\0", "mp4": ISO,
    "mov": ISO, "avif": ISO, "ttf": b"\0\1\0\0", "otf": b"OTTO\0", "woff": b"wOFF\0\1\0\0", "woff2": b"wOF2OTTO\0",
    "eot": b"\0" * 34 + b"LP", "mp3": b"ID3\4\0\0", "wav": b"RIFF\x10\n\0\0WAVE", "ogg": b"OggS\0", "flac": b"fLaC\0",
    "webm": b"\x1a\x45\xdf\xa3\0", "avi": b"RIFF\x10\n\0\0AVI ", "pdf": b"%PDF-1.7\n\0",
}  # fmt: skip
CODE = b"import os\0\nos.system('x')\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path / "tree")


def changed(
    repository: Repository, before: dict[bytes, bytes | None], after: dict[bytes, bytes | None]
) -> list[FileDiff]:
    base = repository.commit(before)
    return diff_between(repository.folder, base, repository.commit(after))


def opaque(files: list[FileDiff]) -> dict[str, bool]:
    assert all(file.binary for file in files)
    return {file.path: file.opaque for file in files}


def test_media_of_every_kind_are_known_by_name_and_first_bytes(repository: Repository) -> None:
    media = {f"a.{kind}".encode(): first + b"\0" * 99 for kind, first in FIRST.items()}
    media[b"A b.PNG"] = FIRST["png"]
    assert set(opaque(changed(repository, {}, dict(media))).values()) == {False}


def test_code_with_a_zero_byte_is_no_media_whatever_it_is_called(repository: Repository) -> None:
    names = [f"a.{kind}" for kind in (*FIRST, "bin", "pyc", "so", "jar", "whl", "zip", "py", "js", "wasm", "x")]
    assert set(opaque(changed(repository, {}, {name.encode(): CODE for name in (*names, "a")})).values()) == {True}


def test_a_pictures_bytes_under_another_name_are_no_media(repository: Repository) -> None:
    names = [b"a.py", b"a.bin", b"a", b"a.png.js", b"png"]
    assert set(opaque(changed(repository, {}, dict.fromkeys(names, FIRST["png"]))).values()) == {True}


def test_utf16_is_no_sound(repository: Repository) -> None:
    names = [f"a.{kind}".encode() for kind in FIRST]
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        text = "import os  # ID3 OTTO\n".encode(encoding)
        assert set(opaque(changed(repository, {}, dict.fromkeys(names, text))).values()) == {True}
        repository.commit(dict.fromkeys(names))


def test_the_new_content_decides_and_the_old_one_where_there_is_no_other(repository: Repository) -> None:
    png = FIRST["png"]
    files = changed(
        repository,
        {b"a.png": png, b"b.png": CODE, b"c.png": png, b"d.png": CODE, b"e.png": png},
        {b"a.png": CODE, b"b.png": png, b"c.png": None, b"d.png": None, b"e.png": png + b"\0"},
    )
    assert opaque(files) == {"a.png": True, "b.png": False, "c.png": False, "d.png": True, "e.png": False}


def test_the_same_content_under_two_names_is_judged_twice(repository: Repository) -> None:
    assert opaque(changed(repository, {}, dict.fromkeys((b"a.png", b"a.js"), FIRST["png"]))) == {
        "a.js": True,
        "a.png": False,
    }


def test_much_of_it_is_passed_over(repository: Repository) -> None:
    large = {b"%d.png" % n: FIRST["png"] + b"%d" % n * 1_000_000 for n in range(5)}
    assert set(opaque(changed(repository, {}, {**large, b"x.png": b"\0"})).values()) == {True, False}


def test_binary_code_that_was_only_renamed_is_something_unread(repository: Repository) -> None:
    own, whole = changed(repository, {b"src/a.bin": CODE}, {b"src/a.bin": None, b"src/b/a.bin": CODE})
    assert (own.header, own.opaque) == ("renamed from src/a.bin to src/b/a.bin", False)
    assert (whole.path, whole.binary, whole.opaque) == ("src/b/a.bin", True, True)


def test_one_that_was_changed_on_the_way_is_told_once(repository: Repository) -> None:
    code = CODE * 100
    (own,) = changed(repository, {b"a.bin": code}, {b"a.bin": None, b"bin/a.bin": code + b"x"})
    assert (own.header, own.opaque) == ("renamed from a.bin to bin/a.bin, binary", True)
