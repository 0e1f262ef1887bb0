"""A process of an installation with idle agents, on a folder for images: what `speed overhead` and `speed chaos` start.

`python -m services.commands.speed.machine ROLE REDIS_URL FOLDER SECONDS THREADS LEASE`; otherwise the wiring of
`retoucher worker` and `retoucher sweeper`.
"""

import signal
import sys
import threading
from pathlib import Path

from services.commands.speed.idle_agents import IdleAgents
from services.distributed import Backend, Process, WorkRules, orchestrate, sweep, work
from shared.adapters.file_images import FileImageStore
from shared.contracts.leases import LeaseRules
from shared.logs import configure_logs
from shared.stage_worker import Agent
from shared.telemetry import WorkerMetrics


def main(role: str, redis_url: str, folder: str, seconds: str, threads: str, lease_s: str) -> None:
    """Runs until SIGTERM."""
    configure_logs("warning", "json")
    rules = LeaseRules(lease_s=float(lease_s), silence_s=float(lease_s) / 2)
    process = Process(Backend(redis_url, rules), role, FileImageStore(Path(folder)))
    if role == "sweeper":
        stopped = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stopped.set())
        sweep(process, stopped, 0.5, 60.0, 0)
        return
    agents = IdleAgents(float(seconds))
    metrics = WorkerMetrics(process.registry)
    how = WorkRules(threads=int(threads), probe_port=0)
    if role == "orchestrator":
        orchestrate(process, agents, how, metrics)
        return
    by_role: dict[str, Agent] = {"perception": agents.perceive, "reasoning": agents.diagnose, "action": agents.retouch}
    work(role, process, by_role[role], how, metrics)


if __name__ == "__main__":
    main(*sys.argv[1:])
