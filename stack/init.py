"""`python -m stack.init FOLDER`: makes the secrets that the stack has inside, once, in a folder per service.

A service finds its own by SECRETS_DIR. What is there is kept; nothing comes from outside and nothing is printed.
The folder `rabbitmq` gets the broker's configuration, and its definitions: queues, users and rights.
"""

import argparse
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stack import topology
from stack.ids import dashed
from stack.proof import key_for
from stack.roles import AGENTS, ROLES
from stack.secret import lines_of

# secret → the services that share it, and the name it has there; who verifies is told of a renewed one first
SHARED: Mapping[str, Mapping[str, str]] = {
    "model_token_key": {"proxy": "MODEL_TOKEN_KEY", "orchestrator": "MODEL_TOKEN_KEY"},
    "proxy_read_token": {"proxy": "PROXY_READ_TOKEN", "orchestrator": "PROXY_READ_TOKEN"},
    "forge_token_key": {"forge": "FORGE_TOKEN_KEY", "orchestrator": "FORGE_TOKEN_KEY"},
    "forge_mark_key": {"forge": "FORGE_MARK_KEY"},
    "instance_token_key": {"orchestrator": "INSTANCE_TOKEN_KEY"},
    "request_id_key": {"bot": "REQUEST_ID_KEY"},
}
ROLE_SERVICES = tuple(map(dashed, ROLES))
# Who calls the orchestrator's API, each with a token of its own (API_TOKEN); the orchestrator has all (API_TOKENS).
CALLERS = ("bot", "cli", "proxy", *ROLE_SERVICES)
# Who proves to each agent who it is, by a key that those two have alone (stack/proof.py). To the orchestrator's callers
# their own token does.
PROVERS = ("forge", "proxy")
RABBITMQ = "rabbitmq"
AGENT_SERVICES = frozenset(map(dashed, AGENTS))
MASTERS = "init"  # the folder of what all else is made from, which no service mounts


def make_secrets(folder: Path, *, broker: str, owner: int | None = None) -> None:
    """Fills `folder`; `broker` is the host and port at which services reach RabbitMQ.

    With `owner`, a service's secrets belong to that user id. An agent's stay with the user who makes them.
    """
    write(folder / MASTERS / "broker", broker)
    passwords = {user: lines_of(_kept_or_new(folder, f"broker_password_{user}")) for user in topology.USERS}
    for name, text in _broker_files(folder, {user: lines[0] for user, lines in passwords.items()}).items():
        write(folder / RABBITMQ / name, text, mode=0o644)  # no secrets: of passwords there are salted hashes
    for service, name, value in _secrets(folder, passwords, broker):
        write(folder / service / name, value, owner=None if service in AGENT_SERVICES else owner)


def _secrets(folder: Path, passwords: Mapping[str, Sequence[str]], broker: str) -> Iterator[tuple[str, str, str]]:
    """Each secret as (service, name, value), in the order in which renewed ones must come: who verifies first."""
    for secret, places in SHARED.items():
        value = _kept_or_new(folder, secret)
        for service, name in places.items():
            yield service, name, value
    tokens = {caller: _kept_or_new(folder, f"api_token_{caller}") for caller in CALLERS}
    yield "orchestrator", "API_TOKENS", json.dumps(tokens)
    for caller, token in tokens.items():
        yield caller, "API_TOKEN", token
    for server in PROVERS:
        keys = _kept_or_new(folder, f"proof_key_{server}")
        yield server, "PROOF_KEY", keys
        for agent in sorted(AGENT_SERVICES):
            yield agent, f"{server.upper()}_PROOF_KEY", "\n".join(key_for(key, agent) for key in lines_of(keys))
    for user, lines in passwords.items():
        yield user, "BROKER_URL", "\n".join(f"amqp://{user}:{password}@{broker}/%2F" for password in lines)


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
    """A secret as it was made the first time, or renewed since (stack/rotate.py)."""
    path = folder / MASTERS / name
    if not path.exists():
        write(path, secrets.token_urlsafe(32))
    return path.read_text()


def write(path: Path, text: str, *, mode: int = 0o600, owner: int | None = None) -> None:
    """Writes the file whole or not at all, for its owner alone: `owner`, or whose it was before, or who writes it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)  # of a run that was killed; perhaps no longer ours to write
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w") as file:  # by its descriptor: whose folder it is may have another file there by now
        file.write(text)
        os.fchmod(descriptor, mode)
        made = os.fstat(descriptor)
        before = path.lstat() if path.exists() else made
        uid, gid = (before.st_uid, before.st_gid) if owner is None else (owner, owner)
        if (uid, gid) != (made.st_uid, made.st_gid):
            os.fchown(descriptor, uid, gid)
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
