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
# Each agent says something twice a second, as a coding agent does, until a file is there; then it answers.
AGENT = """
n=0
echo '{"type":"system","subtype":"init","session_id":"s","model":"m"}'
while [ ! -e "$1/go" ]; do
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
        used = launched(made / "at-once", AT_ONCE, AT_ONCE)
        facts = {"agents": AT_ONCE, "seconds": used.seconds}
        tell("supervisor", f"memory with {AT_ONCE} agents at work at once", used.mib, "MiB", goal=150, **facts)
        share = used.cpu * 1000 / AT_ONCE
        tell("supervisor", f"processor time an agent, {AT_ONCE} at once", share, "ms", goal=250, **facts)
        used = launched(made / "queued", QUEUED, QUEUE_JOBS)
        facts = {"agents": QUEUED, "jobs": QUEUE_JOBS, "seconds": used.seconds}
        tell("supervisor", f"memory with {QUEUED:,} agents queued", used.mib, "MiB", goal=150, **facts)
        share = used.cpu * 1000 / QUEUED
        tell("supervisor", f"processor time an agent, of {QUEUED:,} queued", share, "ms", goal=100, **facts)


def launched(place: Path, agents: int, jobs: int) -> Used:
    """Launch so many agents, which answer once `jobs` of them are at work; return what the supervisor itself used."""
    place.mkdir()
    names = [f"d{number}" for number in range(agents)]
    root = repository(place, ((f"{name}/file.py", b"pass\n") for name in names))
    script = place / "agent.sh"
    script.write_text(AGENT, encoding="utf-8")
    run_id = map_of(root, [(name, f"{name}/**") for name in names])
    # The words that follow are those of Claude Code, which the script does not read.
    argv = ["/bin/sh", str(script), str(root)]
    (root / "swarms" / "swarm.toml").write_text(f"[runtimes.claude]\nargv = {json.dumps(argv)}\n", encoding="utf-8")
    swarm("dispatch", run_id, PHASE, "--runtime", "claude", cwd=root)
    journals = root / "swarms" / run_id / "wave-1"
    command = [SWARM, "launch", "--jobs", str(jobs), "--format", "json", "--quiet"]
    cpu, mib = 0.0, 0.0
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=root, env=environment(), stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            cpu, mib = seen(process.pid) or (cpu, mib)
            if not (root / "go").exists() and len(list(journals.glob("*/attempt-*/events.jsonl"))) >= jobs:
                (root / "go").touch()
            time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"the launch exited {process.returncode}")
    return Used(time.perf_counter() - began, cpu, mib)


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
