"""`python -m stack.init FOLDER`: makes the secrets that the stack has inside, once, in a folder per service.

A service finds its own by SECRETS_DIR. What is there is kept; nothing comes from outside and nothing is printed.
The folder `rabbitmq` gets the broker's configuration, and its definitions: queues, users and rights.
"""

import argparse
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from stack import topology
from stack.ids import dashed
from stack.roles import AGENTS, ROLES

# secret → the services that share it, and the name it has there
SHARED: Mapping[str, Mapping[str, str]] = {
    "model_token_key": {"orchestrator": "MODEL_TOKEN_KEY", "proxy": "MODEL_TOKEN_KEY"},
    "proxy_read_token": {"orchestrator": "PROXY_READ_TOKEN", "proxy": "PROXY_READ_TOKEN"},
    "forge_token_key": {"orchestrator": "FORGE_TOKEN_KEY", "forge": "FORGE_TOKEN_KEY"},
    "forge_mark_key": {"forge": "FORGE_MARK_KEY"},
    "instance_token_key": {"orchestrator": "INSTANCE_TOKEN_KEY"},
    "request_id_key": {"bot": "REQUEST_ID_KEY"},
}
ROLE_SERVICES = tuple(map(dashed, ROLES))
# Who calls the orchestrator's API, each with a token of its own (API_TOKEN); the orchestrator has all (API_TOKENS).
CALLERS = ("bot", "cli", "proxy", *ROLE_SERVICES)
RABBITMQ = "rabbitmq"
AGENT_SERVICES = frozenset(map(dashed, AGENTS))


def make_secrets(folder: Path, *, broker: str, owner: int | None = None) -> None:
    """Fills `folder`; `broker` is the host and port at which services reach RabbitMQ.

    With `owner`, a service's secrets belong to that user id. An agent's stay with the user who makes them.
    """
    passwords = {user: _kept_or_new(folder, f"broker_password_{user}") for user in topology.USERS}
    for service, name, value in _secrets(folder, passwords, broker):
        _write(folder / service / name, value, owner=None if service in AGENT_SERVICES else owner)
    for name, text in _broker_files(folder, passwords).items():
        _write(folder / RABBITMQ / name, text, mode=0o644)  # no secrets: of passwords there are salted hashes


def _secrets(folder: Path, passwords: Mapping[str, str], broker: str) -> Iterator[tuple[str, str, str]]:
    """Each secret as (service, name, value)."""
    for secret, places in SHARED.items():
        value = _kept_or_new(folder, secret)
        for service, name in places.items():
            yield service, name, value
    tokens = {caller: _kept_or_new(folder, f"api_token_{caller}") for caller in CALLERS}
    yield "orchestrator", "API_TOKENS", json.dumps(tokens)
    for caller, token in tokens.items():
        yield caller, "API_TOKEN", token
    for user, password in passwords.items():
        yield user, "BROKER_URL", f"amqp://{user}:{password}@{broker}/%2F"


def _broker_files(folder: Path, passwords: dict[str, str]) -> dict[str, str]:
    definitions = folder.absolute() / RABBITMQ / "definitions.json"
    configuration = [
        f"load_definitions = {definitions}",
        f"consumer_timeout = {topology.CONSUMER_TIMEOUT_MS}",
        "disk_free_limit.absolute = 1GB",
    ]
    return {
        definitions.name: json.dumps(topology.definitions(passwords), indent=1),
        "rabbitmq.conf": "\n".join([*configuration, ""]),
        "enabled_plugins": "[].\n",
    }


def _kept_or_new(folder: Path, name: str) -> str:
    """A secret as it was made the first time; the master copies lie in `init`, which no service mounts."""
    path = folder / "init" / name
    if not path.exists():
        _write(path, secrets.token_urlsafe(32))
    return path.read_text()


def _write(path: Path, text: str, *, mode: int = 0o600, owner: int | None = None) -> None:
    """Writes the file whole or not at all, for its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)  # of a run that was killed; perhaps no longer ours to write
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    os.chmod(temporary, mode)
    if owner is not None:
        os.chown(temporary, owner, owner)
    temporary.replace(path)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m stack.init", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the secrets go, a folder per service")
    parser.add_argument("--broker", default="rabbitmq:5672", help="host:port of RabbitMQ (%(default)s)")
    parser.add_argument("--owner", type=int, metavar="UID", help="the user id that services, but not agents, run as")
    arguments = parser.parse_args()
    make_secrets(arguments.folder, broker=arguments.broker, owner=arguments.owner)
    print(f"secrets of {len({'orchestrator', *CALLERS, *topology.USERS})} services are in place")


if __name__ == "__main__":
    main()
