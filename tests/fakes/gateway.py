"""The gateway on memory stores and scripted agents, and a client of its ASGI app without a network."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import numpy as np
from fakes.agents import ScriptedAgents
from fakes.clock import FakeClock
from fakes.world import Flaw, World
from fastapi import FastAPI

from services.gateway.app import create_app
from services.gateway.core import Gateway
from services.gateway.limiting import LimitSettings
from services.gateway.parts import Check, GatewayParts, ToolInfo
from services.gateway.settings import GatewaySettings
from services.orchestrator.finalize import CanvasFinalizer
from services.orchestrator.record import record_of
from services.orchestrator.runner import Runner, end_waiting
from shared.adapters.memory import MemoryImageStore, MemoryJobStore
from shared.adapters.memory_gateway import MemoryFeedbackStore, MemoryUploadStore
from shared.adapters.memory_keys import MemoryKeyStore
from shared.contracts.gateway import Workload
from shared.contracts.jobs import Job
from shared.contracts.loop import PublicEvent
from shared.errors import BadInput, ErrorCode
from shared.images import encode_png
from shared.keys import make_key
from shared.ports import JobCatalog, Spans
from shared.profiles import load_profile
from shared.spans import NO_SPANS

WORLD = World(flaws={"r1": Flaw(box=(0, 0, 8, 8))})


def picture(height: int = 32, width: int = 48, seed: int = 0) -> bytes:
    return encode_png(np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8))


def mask(height: int = 32, width: int = 48) -> bytes:
    pixels = np.zeros((height, width), np.uint8)
    pixels[4:12, 4:12] = 255
    return encode_png(pixels)


@dataclass
class ByHand:
    """A dispatcher whose jobs run when the test says so, or at once on a thread with `at_once`."""

    jobs: JobCatalog
    clock: FakeClock
    run: Callable[[str], object]
    at_once: bool = False
    workers: int = 1
    dispatched: list[str] = field(default_factory=list)
    listeners: list[Callable[[str], None]] = field(default_factory=list)

    def dispatch(self, job_id: str) -> None:
        self.dispatched.append(job_id)
        if self.at_once:
            threading.Thread(target=self.run, args=(job_id,), daemon=True).start()

    def cancel(self, job_id: str) -> None:
        end_waiting(self.jobs, job_id, self.clock.now_s())

    def workload(self) -> Workload:
        return Workload(workers=self.workers, seconds_per_job=10.0)


@dataclass
class Site:
    """A running gateway: its client, and what lies behind it."""

    client: httpx.AsyncClient
    app: FastAPI
    parts: GatewayParts
    clock: FakeClock
    dispatcher: ByHand
    fetched: dict[str, bytes]

    @property
    def gateway(self) -> Gateway:
        gateway: Gateway = self.app.state.gateway
        return gateway

    async def run(self, job_id: str) -> None:
        """Runs a job to its end, off the event loop."""
        await asyncio.to_thread(self.dispatcher.run, job_id)

    async def submit(self, **extra: Any) -> dict[str, Any]:
        """A job that waits."""
        answer = await self.client.post("/v1/jobs", files={"image": picture()}, data={"prompt": "a wall"}, **extra)
        assert answer.status_code == 202, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def key(self, owner: str) -> dict[str, str]:
        """Headers of a new key."""
        made = make_key(owner, "", self.clock.now_s())
        self.parts.keys.add(made.key)
        return {"Authorization": f"Bearer {made.token}"}


def make_parts(
    jobs: MemoryJobStore, clock: FakeClock, world: World, fetched: dict[str, bytes]
) -> tuple[GatewayParts, ByHand]:
    images = MemoryImageStore()
    agents = ScriptedAgents(world, images)
    runner = Runner(jobs, agents, agents, agents, CanvasFinalizer(images, clock), clock)
    dispatcher = ByHand(jobs, clock, run=lambda job_id: runner.run(job_id, tell))

    def tell(event: PublicEvent) -> None:
        for listener in dispatcher.listeners:
            listener(event.job_id)

    async def fetch(url: str) -> bytes:
        if url not in fetched:
            raise BadInput(ErrorCode.URL_NOT_ALLOWED, "this address may not be used: send another URL")
        return fetched[url]

    async def check_webhook(url: str) -> None:
        if not url.startswith("https://"):
            raise BadInput(ErrorCode.URL_NOT_ALLOWED, "this address may not be used: send another URL")

    parts = GatewayParts(
        profile=load_profile("tiny"),
        jobs=jobs,
        images=images,
        uploads=MemoryUploadStore(),
        feedback=MemoryFeedbackStore(),
        keys=MemoryKeyStore(),
        deliveries=jobs.deliveries,
        dispatcher=dispatcher,
        clock=clock,
        fetch=fetch,
        check_webhook=check_webhook,
        record_of=record_of,
        report=report,
        tools=lambda: (ToolInfo(name="retype", kind="mask", licence="Apache-2.0"),),
        readiness=lambda: {"models": Check(ok=False, detail="being loaded")},
    )
    return parts, dispatcher


def report(job: Job) -> bytes:
    return f"<!doctype html><title>{job.id}</title>".encode()


@asynccontextmanager
async def site(
    settings: GatewaySettings | None = None,
    limits: LimitSettings | None = None,
    world: World = WORLD,
    jobs: MemoryJobStore | None = None,
    host: str = "127.0.0.1",
    spans: Spans = NO_SPANS,
) -> AsyncIterator[Site]:
    """A gateway for one test."""
    clock = FakeClock()
    fetched: dict[str, bytes] = {}
    parts, dispatcher = make_parts(jobs or MemoryJobStore(), clock, world, fetched)
    parts = replace(parts, spans=spans)
    app = create_app(parts, settings or GatewaySettings(), limits or LimitSettings(), host)
    dispatcher.listeners.append(app.state.gateway.hub.wake)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield Site(client, app, parts, clock, dispatcher, fetched)
