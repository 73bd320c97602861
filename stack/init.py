"""`python -m stack.init FOLDER`: makes the secrets that the stack has inside, once, in a folder per service.

A service finds its own by SECRETS_DIR. What is there already is kept; nothing comes from outside and nothing is printed.
The folder `rabbitmq` gets the broker's definitions: queues, users and rights.
"""

import argparse
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from stack import topology

# secret → the services that share it, and the name it has there
SHARED: Mapping[str, Mapping[str, str]] = {
    "model_token_key": {"orchestrator": "MODEL_TOKEN_KEY", "proxy": "MODEL_TOKEN_KEY"},
    "proxy_read_token": {"orchestrator": "PROXY_READ_TOKEN", "proxy": "PROXY_READ_TOKEN"},
    "forge_token_key": {"orchestrator": "FORGE_TOKEN_KEY", "forge": "FORGE_TOKEN_KEY"},
    "api_token_bot": {"orchestrator": "API_TOKEN_BOT", "bot": "API_TOKEN"},
    "api_token_agent": {"orchestrator": "API_TOKEN_AGENT", "pr-reviewer": "API_TOKEN"},
    "api_token_cli": {"orchestrator": "API_TOKEN_CLI", "cli": "API_TOKEN"},
}
RABBITMQ = "rabbitmq"


def make_secrets(folder: Path, *, broker: str) -> None:
    """Fills `folder`; `broker` is the host and port at which services reach RabbitMQ."""
    for name, places in SHARED.items():
        value = _kept_or_new(folder, name)
        for service, variable in places.items():
            _write(folder / service / variable, value)
    passwords = {user: _kept_or_new(folder, f"broker_password_{user}") for user in topology.USERS}
    for user, password in passwords.items():
        _write(folder / user / "BROKER_URL", f"amqp://{user}:{password}@{broker}/%2F")
    definitions = topology.definitions(passwords)
    _write(folder / RABBITMQ / "definitions.json", json.dumps(definitions, indent=1), mode=0o644)


def _kept_or_new(folder: Path, name: str) -> str:
    """A secret as it was made the first time; the master copies lie in `init`, which no service mounts."""
    path = folder / "init" / name
    if not path.exists():
        _write(path, secrets.token_urlsafe(32))
    return path.read_text()


def _write(path: Path, text: str, mode: int = 0o600) -> None:
    """Writes the file whole or not at all, for its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o755)
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    os.chmod(temporary, mode)
    temporary.replace(path)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m stack.init", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the secrets go, a folder per service")
    parser.add_argument("--broker", default="rabbitmq:5672", help="host:port of RabbitMQ (%(default)s)")
    arguments = parser.parse_args()
    make_secrets(arguments.folder, broker=arguments.broker)
    print(f"secrets of {len({s for p in SHARED.values() for s in p} | set(topology.USERS))} services are in place")


if __name__ == "__main__":
    main()
