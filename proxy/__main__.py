"""The model gateway: `python -m proxy` serves; `python -m proxy --help` lists what else it can do."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from proxy import key_command
from proxy.app import Secrets
from proxy.describe import describe
from proxy.door import any_task
from proxy.gateway_file import SetUpError
from proxy.ledger.records import LedgerAway, LedgerTooNew
from proxy.presets import PRESETS
from proxy.reload import Watched
from proxy.serve import serve
from proxy.settings import ProxySettings
from stack import logs
from stack.alive import Alive
from stack.proof import Prover, of_agents
from stack.secret import accepted
from stack.tokens import Claims

ABOUT = """\
The model gateway: Claude Code, and whatever else speaks Anthropic's Messages API, in front; Anthropic, Z.AI,
DeepSeek, Kimi, OpenRouter, Ollama or any OpenAI-compatible server behind. Without a command it serves.
Settings come from the environment, or from the file that GATEWAY_FILE names: docs/gateway.md."""


def main() -> int:
    """Does what the command line says; the exit status."""
    if len(sys.argv) == 1:  # a server has no use for what only the commands need
        return _guarded(lambda: _serve(ProxySettings.load()))
    from proxy.check import command as check_command

    parser = argparse.ArgumentParser(
        prog="python -m proxy", description=ABOUT, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("serve", help="serve until SIGTERM: what is done without a command")
    commands.add_parser("config", help="check the set-up, and print where each tier goes")
    key_command.add_to(commands)
    check_command.add_to(commands)
    arguments = parser.parse_args()
    return _guarded(lambda: _do(arguments, ProxySettings.load()))


def _guarded(action: Callable[[], int]) -> int:
    try:
        return action()
    except (SetUpError, LedgerAway, LedgerTooNew) as error:
        print(error, file=sys.stderr)
        return 1


def _do(arguments: argparse.Namespace, settings: ProxySettings) -> int:
    match arguments.command:
        case "config":
            print(describe(Watched(settings, os.environ).gateway))
            return 0
        case "keys":
            return key_command.run(arguments, _ledger(settings))
        case "check":
            from proxy.check import command as check_command
            from proxy.private import private_gateway

            gateway = Watched(settings, os.environ).gateway
            return check_command.run(arguments, gateway=gateway, presets=PRESETS, launch=private_gateway)
        case _:
            return _serve(settings)


def _serve(settings: ProxySettings) -> int:
    redactor = logs.set_up(settings.service_name or "proxy", level=settings.log_level, secrets=settings.secrets)
    serve(
        Watched(settings, os.environ, hide=redactor.hide),
        ledger=_ledger(settings),
        secrets=Secrets(
            token_key=settings.secret("model_token_key"),
            read_token=settings.secret("proxy_read_token"),
            dashboard_password=settings.dashboard_password.get_secret_value(),
            prover=Prover("proxy", lambda: _shared(settings)),
        ),
        host=settings.proxy_host,
        port=settings.proxy_port,
        workers=settings.proxy_workers,
        log_level=settings.log_level,
        check=_check(settings),
    )
    return 0


def _shared(settings: ProxySettings) -> list[str]:
    """What the proxy has in common with its callers: the orchestrator reads costs, and agents have models called."""
    agents = of_agents(settings.secret("proof_key")) if settings.proof_key.get_secret_value() else []
    return [*accepted(settings.secret("proxy_read_token")), *agents]


def _check(settings: ProxySettings) -> Callable[[Claims], None]:
    """What refuses a task that has ended. A gateway that stands alone has nobody to ask."""
    if not settings.orchestrator_url:
        return any_task
    return Alive(settings.orchestrator_url, settings.secret("api_token")).check


def _ledger(settings: ProxySettings) -> str | Path:
    """Where the ledger is: a database's address, or a file in DATA_DIR."""
    if url := settings.ledger_url.get_secret_value():
        return url
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return settings.data_dir / "gateway.sqlite"


if __name__ == "__main__":
    sys.exit(main())
