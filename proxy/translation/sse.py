"""Server-sent events out of bytes that may be cut anywhere: inside a character, a line, or a line's end."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MOST_BYTES = 33_554_432  # of one event: what Anthropic's servers take as a whole request


class TooLong(Exception):
    """An event that does not end."""


class EventLines:
    """Reads events as the HTML standard says: any of its three line ends, comments, data of several lines."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._after_return = False
        self._name = b""
        self._data: list[bytes] = []
        self._begun = False
        self._held = 0

    def feed(self, chunk: bytes) -> list[tuple[bytes, bytes]]:
        """The name (mostly empty) and the data of every event that `chunk` completes. Raises TooLong."""
        if self._after_return or b"\r" in chunk:
            chunk = self._with_newlines(chunk)
        self._held += len(chunk)
        events = self._whole(chunk) if b"\n" in chunk else self._piece(chunk)
        if self._held > MOST_BYTES:
            raise TooLong
        return events

    def end(self) -> list[tuple[bytes, bytes]]:
        """What the last event holds where the stream ended without the empty line that belongs after it."""
        return self.feed(b"\n\n")

    def _piece(self, chunk: bytes) -> list[tuple[bytes, bytes]]:
        self._pieces.append(chunk)
        return []

    def _whole(self, chunk: bytes) -> list[tuple[bytes, bytes]]:
        *lines, rest = b"".join((*self._pieces, chunk)).split(b"\n")
        self._pieces = [rest]
        events: list[tuple[bytes, bytes]] = []
        for line in lines:
            self._take(line, events)
        if events:
            self._held = len(rest)
        return events

    def _with_newlines(self, chunk: bytes) -> bytes:
        """Every line end as a newline. A return at the very end is one already; a newline after it adds none."""
        if not chunk:
            return chunk
        if self._after_return and chunk.startswith(b"\n"):
            chunk = chunk[1:]
        self._after_return = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _take(self, line: bytes, events: list[tuple[bytes, bytes]]) -> None:
        if not self._begun:
            self._begun = True
            line = line.removeprefix(BYTE_ORDER_MARK)
        if not line:
            if self._data:
                events.append((self._name, b"\n".join(self._data)))
            self._name, self._data = b"", []
        elif line.startswith(b"data:"):
            self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
        elif line.startswith(b"event:"):
            self._name = line[6:].strip()
