"""How files' contents begin, out of a repository."""

from collections.abc import Iterable
from pathlib import Path

from stack.git import streaming

_AT_ONCE = 1 << 16  # bytes


def first_bytes(repository: Path, blobs: Iterable[str], most: int, *, timeout: float) -> dict[str, bytes]:
    """The first `most` bytes of each of these blobs that is there. One git prints all, and the rest is passed over."""
    found: dict[str, bytes] = {}
    given = "".join(f"{blob}\n" for blob in {*blobs}).encode()
    if not given:
        return found
    with streaming("cat-file", "--batch", folder=repository, given=given, timeout=timeout) as printed:
        while heading := printed.readline().split():
            if heading[-1] == b"missing":
                continue
            size = int(heading[2])
            found[heading[0].decode()] = first = printed.read(min(size, most))
            left = size - len(first) + 1  # a line feed comes after it
            while left and (passed := printed.read(min(left, _AT_ONCE))):
                left -= len(passed)
    return found
