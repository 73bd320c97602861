"""A client that sends bytes as they are, be they HTTP or not, and reads whatever comes back."""

import socket

from tests.proxy.running import Reply, RunningProxy


class Answer(Reply):
    """One answer; an error says that it is JSON."""

    @property
    def error(self) -> tuple[int, str]:
        assert self.headers["content-type"] == "application/json"
        return super().error


def exchange(gateway: RunningProxy, *pieces: bytes, end: bool = False, seconds: float = 10.0) -> list[Answer]:
    """The answers to these bytes, until the gateway closes the connection or says nothing more for a while.

    `end`: nothing follows the bytes, and the gateway is told so.
    """
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=seconds) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            if end:
                connection.shutdown(socket.SHUT_WR)
        except ConnectionError:
            pass  # it has heard enough; the answer is still there to be read
        return answers(received(connection))


def received(connection: socket.socket, quiet: float = 0.5) -> bytes:
    """All that comes until the end, or until nothing comes for `quiet` seconds behind the first of it."""
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
            connection.settimeout(quiet)
    except (TimeoutError, ConnectionError):
        pass
    return data


def answers(data: bytes) -> list[Answer]:
    """The answers in what was received. Their lengths must be said, and be right."""
    found = []
    while data:
        head, separator, data = data.partition(b"\r\n\r\n")
        assert separator, head
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        if first.startswith("HTTP/1.1 100"):
            continue
        length = int(headers.get("content-length", len(data)))
        body, data = data[:length], data[length:]
        assert len(body) == length
        found.append(Answer(int(first.split()[1]), headers, body))
    return found


def call(body: bytes, *lines: str, target: str = "/v1/messages", key: str = "", method: str = "POST") -> bytes:
    """A call as bytes, with these header lines; nothing about its length is added."""
    head = [f"{method} {target} HTTP/1.1", "host: gateway", "content-type: application/json", *lines]
    head += [f"x-api-key: {key}"] if key else []
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


def sized(body: bytes, *lines: str, target: str = "/v1/messages", key: str = "") -> bytes:
    """A call whose length is said, and right."""
    return call(body, *lines, f"content-length: {len(body)}", target=target, key=key)


def chunked(body: bytes, size: int = 65536) -> bytes:
    """A body in chunks."""
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
