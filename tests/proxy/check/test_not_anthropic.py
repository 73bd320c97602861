"""not-anthropic as a provider: a simulator that streams and counts as it should, and understands nothing."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.proxy.check.running import run
from tests.proxy.check.scripted import KEY


@pytest.fixture(scope="module")
def not_anthropic() -> Iterator[str]:
    command = [sys.executable, "-m", "sim.not_anthropic", "--port", "0", "--key", KEY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().split()[-1]
        process.terminate()
        process.wait(10)


def test_a_simulator_is_found_to_be_no_model(not_anthropic: str) -> None:
    outcome = run(not_anthropic, "--timeout", "5")
    assert outcome.status == 1
    assert outcome.verdict("sonnet") == outcome.verdict("opus") == "unfit"
    for name in ("streaming", "not streamed", "count_tokens", "error: wrong key", "error: malformed", "usage"):
        assert outcome.row(name).startswith("yes"), name
    assert outcome.row("tools").startswith("no Claude Code can neither read a file nor run a command")
    assert outcome.row("error: unknown model").endswith("seen: it takes any name of a model")
