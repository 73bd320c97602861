"""Git over HTTP for runners: each reads the one repository that its token names, and nothing else."""

import os
import re
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from flask import Flask, Response, request

from forge.mirrors import Mirrors
from stack.errors import Refused, TryAgain
from stack.git import clean_environment
from stack.secret import Secret
from stack.tokens import Claims, verify
from stack.values import REPOSITORY_PATTERN
from stack.web import Room

MAX_REQUEST_BYTES = 16 * 1024 * 1024  # what a client wants and has, as commit ids
CHUNK_BYTES = 64 * 1024
SILENCE_SECONDS = 120
_ADVERTISEMENT = b"001e# service=git-upload-pack\n0000"  # gitprotocol-http, for protocols before 2


def make_app(*, mirrors: Mirrors, token_key: Secret, check: Callable[[Claims], None]) -> Flask:
    """The application: fetches by token, and a word on its health.

    `check` is asked before each request is served; it raises Refused for a token whose task is over, TryAgain where it
    cannot tell now.
    """
    app = Flask(__name__, static_folder=None)
    door = _Door(mirrors, token_key, check)

    @app.get("/healthz")
    def health() -> Response:
        return _text(200, "well")

    @app.get("/git/<owner>/<name>/info/refs")
    def refs(owner: str, name: str) -> Response:
        if request.args.get("service") != "git-upload-pack":
            return _text(403, "this repository can only be read, by git-upload-pack")
        path = door.open(f"{owner}/{name}")
        if isinstance(path, Response):
            return path
        before = b"" if _protocol() == "version=2" else _ADVERTISEMENT
        return _upload_pack(path, b"", "--http-backend-info-refs", before=before)

    @app.post("/git/<owner>/<name>/git-upload-pack")
    def upload_pack(owner: str, name: str) -> Response:
        path = door.open(f"{owner}/{name}")
        if isinstance(path, Response):
            return path
        body = _request_body()
        if body is None:
            return _text(413, "the request is too large, or is not the gzip that it says it is")
        return _upload_pack(path, body)

    @app.post("/git/<owner>/<name>/git-receive-pack")
    def receive_pack(owner: str, name: str) -> Response:
        return _text(403, f"{owner}/{name} can only be read")

    return app


def room_for(token_key: Secret) -> Room:
    """How large a body may be: none without a token of ours, whose task is asked after later."""

    def room(_path: str, authorization: str) -> int:
        _claims(token_key, authorization)
        return MAX_REQUEST_BYTES

    return room


def _claims(token_key: Secret, authorization: str) -> Claims:
    """What the token of a request says. Raises Refused."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Refused("a token is needed: Authorization: Bearer")
    return verify(token_key, "forge", token.strip())


class _Door:
    """Finds the mirror that a request may read."""

    def __init__(self, mirrors: Mirrors, token_key: Secret, check: Callable[[Claims], None]) -> None:
        self._mirrors = mirrors
        self._key = token_key
        self._check = check

    def open(self, repository: str) -> Path | Response:
        """The mirror's folder, or the refusal."""
        if not re.fullmatch(REPOSITORY_PATTERN, repository):
            return _text(404, "there is no such repository")
        try:
            claims = _claims(self._key, request.headers.get("Authorization", ""))
            self._check(claims)
        except Refused as error:
            return _unauthorized(str(error))
        except TryAgain as error:
            return _text(503, str(error))
        if claims.repository != repository:
            return _text(403, f"the token is not for {repository}")
        path = self._mirrors.path(repository)
        return path if (path / "HEAD").exists() else _text(404, f"there is no mirror of {repository}")


def _text(status: int, words: str) -> Response:
    return Response(words + "\n", status, mimetype="text/plain")


def _unauthorized(words: str) -> Response:
    response = _text(401, words)
    response.headers["WWW-Authenticate"] = 'Bearer realm="forge"'
    return response


def _protocol() -> str:
    asked = request.headers.get("Git-Protocol", "")
    return asked if asked in ("version=1", "version=2") else ""


def _request_body() -> bytes | None:
    """The body as the client meant it; None where it is too large or is not the gzip that it says it is."""
    body = request.get_data(cache=False)
    if request.headers.get("Content-Encoding") != "gzip":
        return body
    try:
        plain = zlib.decompressobj(wbits=31)  # 31: with a gzip header
        body = plain.decompress(body, MAX_REQUEST_BYTES)
    except zlib.error:
        return None
    return body if plain.eof else None


def _upload_pack(path: Path, body: bytes, *options: str, before: bytes = b"") -> Response:
    """Git's answer to one request, as it comes. The repository's own configuration decides nothing."""
    content = "advertisement" if options else "result"
    process = _start(path, body, options)
    response = Response(_stream(process, before), mimetype=f"application/x-git-upload-pack-{content}")
    response.headers["Cache-Control"] = "no-cache"
    response.call_on_close(lambda: _end(process))
    return response


def _start(path: Path, body: bytes, options: tuple[str, ...]) -> subprocess.Popen[bytes]:
    timeout = f"--timeout={SILENCE_SECONDS}"
    environment = clean_environment({"uploadpack.allowAnySHA1InWant": "true"})
    with tempfile.TemporaryFile() as stdin:  # a file: with a pipe, git could wait for us while we wait for it
        stdin.write(body)
        stdin.seek(0)
        return subprocess.Popen(
            ["git", "upload-pack", "--strict", timeout, "--stateless-rpc", *options, str(path)],
            env=environment | {"GIT_PROTOCOL": _protocol()},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )


def _stream(process: subprocess.Popen[bytes], before: bytes) -> Iterator[bytes]:
    yield before
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    while chunk := os.read(process.stdout.fileno(), CHUNK_BYTES):
        yield chunk


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends git, which may be in the middle where the client has gone away."""
    process.kill()
    process.communicate()
