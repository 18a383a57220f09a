"""The supervisor with 200 agents at work at once, and with 1,000 queued: its own memory and processor time."""

import json
import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from measure import SWARM, environment, folder, swarm, tell
from scenes import PHASE, map_of, repository

AT_ONCE = 200
QUEUED = 1000
QUEUE_JOBS = 8
# Each agent says something twice a second for this long, as a coding agent does, and then answers.
SECONDS = 20
AGENT = """
n=0
echo '{"type":"system","subtype":"init","session_id":"s","model":"m"}'
while [ $n -lt $1 ]; do
  n=$((n + 1))
  echo '{"type":"assistant","message":{"id":"'$n'","content":[{"type":"text","text":"I look at a file."}]}}'
  sleep 0.5
done
echo '{"type":"result","subtype":"success","is_error":false,"session_id":"s","num_turns":1,"result":"{\\\\"domain\\\\":'\\
'\\\\"'$SWARM_DOMAIN'\\\\",\\\\"stage\\\\":\\\\"A\\\\",\\\\"summary\\\\":\\\\"Looked.\\\\",\\\\"findings\\\\":[]}"}'
"""


class Used(NamedTuple):
    """Seconds that a launch took, seconds of a processor that its supervisor itself used, and its peak in MiB."""

    seconds: float
    cpu: float
    mib: float


def main() -> None:
    with folder() as made:
        used = launched(made / "at-once", AT_ONCE, AT_ONCE, 2 * SECONDS)
        what = f"memory with {AT_ONCE} agents at work at once"
        tell("supervisor", what, used.mib, "MiB", goal=150, seconds=used.seconds)
        # The time of the agents' own work, in which the supervisor should mostly sleep.
        share = used.cpu * 1000 / AT_ONCE
        tell("supervisor", f"processor time an agent, {AT_ONCE} at once, {SECONDS} s each", share, "ms", goal=150)
        used = launched(made / "queued", QUEUED, QUEUE_JOBS, 0)
        tell("supervisor", f"memory with {QUEUED} agents queued, {QUEUE_JOBS} at once", used.mib, "MiB", goal=150)
        share = used.cpu * 1000 / QUEUED
        tell("supervisor", f"processor time an agent, of {QUEUED} queued", share, "ms", goal=60, seconds=used.seconds)


def launched(place: Path, agents: int, jobs: int, words: int) -> Used:
    """Launch so many agents, each of which says so many words, and return what the supervisor itself used."""
    place.mkdir()
    names = [f"d{number}" for number in range(agents)]
    root = repository(place, ((f"{name}/file.py", b"pass\n") for name in names))
    script = place / "agent.sh"
    script.write_text(AGENT, encoding="utf-8")
    run_id = map_of(root, [(name, f"{name}/**") for name in names])
    argv = ["/bin/sh", str(script), str(words)]
    settings = f"[runtimes.claude]\nargv = {json.dumps(argv)}\n"
    # The words behind the program are those of Claude Code, which the script does not read.
    (root / "swarms" / "swarm.toml").write_text(settings, encoding="utf-8")
    swarm("dispatch", run_id, PHASE, "--runtime", "claude", cwd=root)
    command = [SWARM, "launch", "--jobs", str(jobs), "--format", "json"]
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=root, env=environment(), stdout=subprocess.PIPE) as process:
        cpu, mib = 0.0, 0.0
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        out = b""
        while process.poll() is None:
            cpu, mib = seen(process.pid) or (cpu, mib)
            out += process.stdout.read() or b""
            time.sleep(0.1)
        out += process.stdout.read() or b""
        seconds = time.perf_counter() - began
    if process.returncode:
        raise SystemExit(f"the launch exited {process.returncode}: {out[:500]!r}")
    return Used(seconds, cpu, mib)


def seen(pid: int) -> tuple[float, float] | None:
    """Return the processor time of a process without its children, and its peak of memory; `None` when it has ended."""
    with suppress(OSError, IndexError, KeyError):
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        lines = dict(
            line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        )
        ticks = int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK"), int(lines["VmHWM"].split()[0]) / 1024
    return None


if __name__ == "__main__":
    main()
