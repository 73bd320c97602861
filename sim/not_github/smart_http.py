"""Git over HTTP: `git http-backend` behind GitHub's rules of who may fetch and push."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import IO, cast

from flask import Blueprint, Response, request

from sim.not_github import git
from sim.not_github.hub import Refusal, hub, is_shown, moved, signed_in
from sim.not_github.rows import Repository

smart_http = Blueprint("smart_http", __name__)

SERVICES = ("git-upload-pack", "git-receive-pack")
CHUNK = 65_536  # bytes


@smart_http.get("/<owner>/<name>/info/refs")
def advertise(owner: str, name: str) -> Response:
    service = request.args.get("service", "")
    if service not in SERVICES:
        return Response("Please upgrade your git client.\n", 403, content_type="text/plain")
    return _serve(owner, name, service, f"info/refs?service={service}")


@smart_http.post("/<owner>/<name>/<any('git-upload-pack', 'git-receive-pack'):service>")
def exchange(owner: str, name: str, service: str) -> Response:
    return _serve(owner, name, service, service)


def _serve(owner: str, name: str, service: str, target: str) -> Response:
    asked = name.removesuffix(".git")
    found = hub().store.repository(owner, asked)
    repository = found or hub().store.renamed(owner, asked)
    if not may_use(repository, service):
        return ask_for_password()
    if repository is None or not is_shown(repository):
        return Response("Repository not found.\n", 404, content_type="text/plain")
    if not found and request.method == "GET":  # git then goes on at the new address
        raise moved(repository, owner, asked)
    if service == "git-receive-pack" and not (repository.writable and repository.grants("contents")):
        return Response(_why_read_only(repository), 403, content_type="text/plain")
    response = _run_backend(repository, target)
    if service == "git-receive-pack" and request.method == "POST":
        response.get_data()  # the push is over before its answer leaves
        hub().after_push(repository)
    return response


def may_use(repository: Repository | None, service: str) -> bool:
    """Like GitHub, without a password nobody learns whether a repository exists."""
    try:
        known = signed_in()
    except Refusal:
        return False
    public = repository is not None and not repository.private
    return known or (public and service == "git-upload-pack")


def _why_read_only(repository: Repository) -> str:
    if repository.archived:
        return "This repository was archived so it is read-only.\n"
    return f"Permission to {repository.owner}/{repository.name}.git denied to {hub().login}.\n"


def ask_for_password() -> Response:
    headers = {"WWW-Authenticate": 'Basic realm="GitHub"'}
    return Response("Authentication required.\n", 401, headers, content_type="text/plain")


def _run_backend(repository: Repository, target: str) -> Response:
    folder = hub().folder(repository)
    path, _, query = target.partition("?")
    environment = {
        **git.environment(),
        "GIT_PROJECT_ROOT": str(folder.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{folder.name}/{path}",
        "QUERY_STRING": query,
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.content_type or "",
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "HTTP_GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "REMOTE_ADDR": request.remote_addr or "",
    }
    if signed_in():
        environment["REMOTE_USER"] = hub().login
    with tempfile.TemporaryFile() as body:  # git may begin to answer before it has read all: no pipe
        shutil.copyfileobj(request.stream, body)
        body.seek(0)
        backend = subprocess.Popen(["git", "http-backend"], stdin=body, stdout=subprocess.PIPE, env=environment)
    return _answer(backend)


def _answer(backend: subprocess.Popen[bytes]) -> Response:
    output = cast(IO[bytes], backend.stdout)
    status, headers = 200, []
    while line := output.readline().decode("latin-1").strip():
        name, _, value = line.partition(": ")
        if name == "Status":
            status = int(value.split()[0])
        else:
            headers.append((name, value))
    return Response(_rest(backend, output), status, headers)


def _rest(backend: subprocess.Popen[bytes], output: IO[bytes]) -> Iterator[bytes]:
    """Ends the process also where the client went away."""
    try:
        while chunk := output.read(CHUNK):
            yield chunk
    finally:
        backend.kill()
        backend.wait()
        output.close()
