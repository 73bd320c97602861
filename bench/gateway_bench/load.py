"""Throughput: wrk sends requests of ours over a few connections, as fast as the answers come."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.gateway_bench import installing
from bench.gateway_bench.client import request
from bench.gateway_bench.contenders import Contender
from bench.gateway_bench.footprint import cpu_seconds, megabytes

CONNECTIONS = 8
TIMEOUT_SECONDS = 15
# One thread suffices for 15,000 requests a second, and leaves more of two cores to the server than two threads do.
SCRIPT = """\
local requests, number = {}, 0
function init(args)
  for index, name in ipairs(args) do
    local file = assert(io.open(name, "rb"))
    requests[index] = file:read("*a")
    file:close()
  end
end
function request()
  number = number % #requests + 1
  return requests[number]
end
function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"bytes":%d,"microseconds":%d,"p50":%f,"p99":%f,"status":%d,"lost":%d}',
    summary.requests, summary.bytes, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round found. `bytes`: of all answers, heads included; `errors`: answers with another status, or none.

    `cpu`: seconds of all processes of the server. `pss`: MB towards the end of the round, 0 where not looked at.
    """

    requests: int
    bytes: int
    seconds: float
    p50: float
    p99: float
    errors: int
    cpu: float
    pss: float

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds

    @property
    def cpu_each(self) -> float:
        """CPU seconds per request."""
        return self.cpu / max(1, self.requests)


class Load:
    """wrk, ready to run. Raises NotStarted where it cannot be had."""

    def __init__(self, folder: Path) -> None:
        self._wrk = installing.from_debian("wrk")
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._script = folder / "load.lua"
        self._script.write_text(SCRIPT)

    def run(self, contender: Contender, size: int, seconds: int, *, look_at_memory: bool = False) -> Round:
        """One round with fresh credentials. To look at memory takes some 20 ms a process."""
        files = self._files(contender, size)
        before = cpu_seconds(contender.pid)
        command = self._command(contender.port, seconds, files)
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=self._wrk.environment
        )
        try:
            pss = memory_towards_the_end(process, contender.pid, seconds) if look_at_memory else 0.0
            output, _ = process.communicate(timeout=seconds + 2 * TIMEOUT_SECONDS)
        finally:
            process.kill()
            process.wait()
        return _round(output, seconds, cpu_seconds(contender.pid) - before, pss)

    def _files(self, contender: Contender, size: int) -> list[Path]:
        """A whole request for each caller."""
        files = []
        for number, credential in enumerate(contender.credentials()):
            files.append(self._folder / f"{number}.http")
            files[-1].write_bytes(request(contender.address("streamed"), credential, "streamed", size))
        return files

    def _command(self, port: int, seconds: int, files: list[Path]) -> list[str]:
        return [
            self._wrk.path, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", f"--timeout={TIMEOUT_SECONDS}s",
            "-s", str(self._script), f"http://127.0.0.1:{port}/", "--", *map(str, files),
        ]  # fmt: skip


def memory_towards_the_end(process: "subprocess.Popen[bytes]", pid: int, seconds: int) -> float:
    """Megabytes of the server while wrk runs; 0 if it ended at once."""
    try:
        process.wait(timeout=0.8 * seconds)
    except subprocess.TimeoutExpired:
        return megabytes(pid)
    return 0.0


def _round(output: bytes, seconds: int, cpu: float, pss: float) -> Round:
    """What wrk says; a round without requests where it could not even connect."""
    _, mark, rest = output.partition(b"{")
    if not mark:
        return Round(requests=0, bytes=0, seconds=seconds, p50=0, p99=0, errors=0, cpu=cpu, pss=pss)
    found = json.loads(mark + rest)
    return Round(
        requests=found["requests"], bytes=found["bytes"], seconds=found["microseconds"] / 1e6,
        p50=found["p50"] / 1e6, p99=found["p99"] / 1e6, errors=found["status"] + found["lost"], cpu=cpu, pss=pss,
    )  # fmt: skip
