"""The orchestrator, with a switch: it kills itself before, inside or after a durable step that a file names."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from orchestrator.__main__ import main
from orchestrator.settings import OrchestratorSettings
from orchestrator.steps import Steps

T = TypeVar("T")

SWITCH = Path(os.environ["CRASH_SWITCH"])  # holds "WHEN STEP", and is removed as it is used


def crash_if(when: str, step: str) -> None:
    """Dies as by a power cut where the switch says so, once."""
    if SWITCH.exists() and SWITCH.read_text() == f"{when} {step}":
        SWITCH.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


class CrashingSteps(Steps):
    """Steps that look at the switch around and inside each step."""

    def durable(self, name: str, step: Callable[..., T], *arguments: Any) -> T:
        def crashing(*given: Any) -> T:
            result = step(*given)
            crash_if("inside", name)  # its effect has happened, and nothing has been written down of it
            return result

        crash_if("before", name)
        result = super().durable(name, crashing, *arguments)
        crash_if("after", name)
        return result


if __name__ == "__main__":
    main(OrchestratorSettings.load(), make_steps=CrashingSteps)
